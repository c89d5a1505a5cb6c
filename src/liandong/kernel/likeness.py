"""How alike two reports are: place, time, words and pictures, as one weight in bits that explains
itself.  It suggests and never decides: a person merges.

A weight follows record linkage (Fellegi and Sunter, JASA 64 (1969) 1183): each sign adds the
logarithm to base 2 of how much more often it is seen between reports of one matter than between
strangers.  For place and time that is not a table but counted: how many strangers would lie so
near and so soon by chance, given how many reports of the category lie around.  So ten metres say
much in a village and little on the main square.  The table of the other signs is
catalog/likeness_weights.csv.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import asin, cos, log2, pi, radians, sin, sqrt
from typing import Final, NamedTuple

from . import catalog, text

EARTH: Final = 6_371_009.0  # metres, mean radius (IUGG)
RADIUS: Final = 250.0  # metres within which anything is looked at, as FixMyStreet's rule
DAYS: Final = 90.0  # how long ago the other may have been submitted
BLUR: Final = 30.0  # metres: who reports stands beside the thing
SOON: Final = 2.0  # days: closer in time says nothing more
FADING: Final = 0.3  # of the exponent of time: a matter is reported again over weeks
MANY: Final = 12  # reports at exactly one point, from which on the point itself is suspect
HASH_BITS: Final = 64  # of a picture hash
_DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared of a report; "" and None say that it is not known."""

    at: datetime
    category: str = ""
    lat: float | None = None  # WGS 84
    lon: float | None = None
    address: str = ""
    text: str = ""
    pictures: frozenset[str] = frozenset()  # hashes of 16 hexadecimal digits


class Box(NamedTuple):
    """A box of coordinates in degrees."""

    south: float
    north: float
    west: float
    east: float


class Sign(NamedTuple):
    """One reason: its code (place, text, address, picture, category), what was measured, bits."""

    code: str
    value: float
    bits: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two reports are: `bits` in all, distance in metres, days between, each sign."""

    bits: float
    metres: float | None
    days: float
    signs: tuple[Sign, ...]

    def of(self, code: str) -> Sign | None:
        """The sign of this code, None where nothing is known of it."""
        return next((one for one in self.signs if one.code == code), None)


# Measures -----------------------------------------------------------------------------------------


def metres_between(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Great-circle distance of two points of WGS 84, in metres (haversine; error below 0.6 %)."""
    up, along = radians(other_lat - lat), radians(other_lon - lon)
    chord = sin(up / 2) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(along / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(chord)))


def box_around(lat: float, lon: float, metres: float) -> Box:
    """The box that holds every point within `metres`, cut at the poles and at ±180°."""
    up = metres / EARTH * 180 / pi
    along = up / max(cos(radians(min(89.9, abs(lat) + up))), 1e-6)
    return Box(
        max(-90.0, lat - up), min(90.0, lat + up), max(-180.0, lon - along), min(180.0, lon + along)
    )


def text_likeness(one: str, other: str) -> float | None:
    """How many pairs of units (characters, or words of letters) two texts share, 0 to 1 (Dice).

    None where one of them has fewer than two units: a single word says nothing.
    """
    return _shared(_pairs(one), _pairs(other))


def _shared(left: Counter[str], right: Counter[str]) -> float | None:
    if not left or not right:
        return None
    shared = sum(min(count, right[pair]) for pair, count in left.items())
    return 2 * shared / (left.total() + right.total())


def _pairs(words: str) -> Counter[str]:
    runs = text.runs(text.fold(words))
    return Counter(token for run in runs for token in text.run_tokens(run)[:-1])


def bits_apart(one: str, other: str) -> int:
    """In how many of their 64 bits two picture hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def default_points(sides: Collection[Side]) -> frozenset[tuple[float, float]]:
    """Points that a geocoder gives when it knows no better: many reports, of unrelated addresses.

    A square where one thing is reported often has one address; a default point has many.
    """
    found: dict[tuple[float, float], list[str]] = {}
    for one in sides:
        if one.lat is not None and one.lon is not None:
            found.setdefault((one.lat, one.lon), []).append(text.fold(one.address).strip())
    return frozenset(
        point for point, rows in found.items()
        if len(rows) >= MANY and 2 * len(set(rows)) >= len(rows)
    )  # fmt: skip


# Weights ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Weights:
    """Bits of the signs that are not counted: catalog/likeness_weights.csv."""

    text_slope: float  # bits from texts that share nothing to equal ones
    text_even: float  # Dice at which a text says neither yes nor no
    address_slope: float
    address_even: float
    picture_same: float  # at most `picture_same_bits` apart
    picture_same_bits: float
    picture_near: float
    picture_near_bits: float
    category_other: float  # another subclass of the same class
    class_other: float
    rate_least: float  # of the category's own rate of merging, see `rate_bits`
    rate_most: float
    suggest_from: float  # bits from which the desk is shown a case
    public_from: float  # bits from which the reporter is


@cache
def weights() -> Weights:
    """The table of the catalogue."""
    rows = catalog.rows("likeness_weights")
    return Weights(**{row["code"]: float(row["value"]) for row in rows})


def rate_bits(merged: int, decided: int, all_merged: int, all_decided: int) -> float:
    """How much more often cases of a category were merged than cases of all, in bits.

    Counted on past decisions of persons: one more than were merged over one more than there would
    be, were the category like all.  So it is 0 without decisions, and where nobody ever merged; the
    table bounds it, so that a category that is never merged can still be suggested.
    """
    by = weights()
    expected = decided * all_merged / max(1, all_decided)
    return min(by.rate_most, max(by.rate_least, log2((merged + 1) / (expected + 1))))


def ranked(
    one: Side, others: Sequence[Side], *, rates: Mapping[str, float] | None = None
) -> list[tuple[int, Likeness]]:
    """The others that can be compared, as (position in `others`, likeness), the most alike first.

    Others farther than RADIUS, older than DAYS or at a default point are left out, and all are
    where `one` itself lies at one; later ones are compared like earlier ones.  `rates` are
    `rate_bits` by category.
    """
    suspect = default_points([one, *others])
    if (one.lat, one.lon) in suspect:
        return []
    near: dict[int, tuple[float | None, float]] = {}
    for position, other in enumerate(others):
        days = abs((one.at - other.at).total_seconds()) / _DAY
        metres = _metres(one, other)
        is_near = metres is None or metres <= RADIUS
        if is_near and days <= DAYS and (other.lat, other.lon) not in suspect:
            near[position] = metres, days
    counts = Counter(others[position].category for position in near)
    words = _pairs(one.text), _pairs(one.address)
    found = [
        (position, _weighed(one, words, others[position], metres, days, counts, rates or {}))
        for position, (metres, days) in near.items()
    ]
    return sorted(found, key=lambda pair: (-pair[1].bits, pair[0]))


def _metres(one: Side, other: Side) -> float | None:
    if one.lat is None or one.lon is None or other.lat is None or other.lon is None:
        return None
    return metres_between(one.lat, one.lon, other.lat, other.lon)


def _weighed(
    one: Side, words: tuple[Counter[str], Counter[str]], other: Side, metres: float | None,
    days: float, counts: Mapping[str, int], rates: Mapping[str, float],
) -> Likeness:  # fmt: skip
    signs: list[Sign] = []
    if metres is not None:
        alike = counts[other.category] if other.category else sum(counts.values())
        chance = _strangers(metres, days, alike)
        signs.append(Sign("place", chance, -log2(chance)))
    signs += _signs_of_words(words, other)
    if pictures := _nearest(one.pictures, other.pictures):
        signs.append(pictures)
    signs.append(_of_category(one.category, other.category, rates))
    return Likeness(sum(sign.bits for sign in signs), metres, days, tuple(signs))


def _strangers(metres: float, days: float, alike: int) -> float:
    """How many strangers one expects so near and so soon, where `alike` reports lie around.

    The report itself is one of them and stands for what is not known of the place.  BLUR, SOON and
    FADING were chosen on the tuning half of benchmarks/duplicates.py.
    """
    share_of_area = ((metres + BLUR) / (RADIUS + BLUR)) ** 2
    share_of_time: float = pow((days + SOON) / (DAYS + SOON), FADING)
    return max(1, alike) * share_of_area * share_of_time


def _signs_of_words(words: tuple[Counter[str], Counter[str]], other: Side) -> list[Sign]:
    by, signs = weights(), []
    for code, left, right, slope, even in (
        ("text", words[0], other.text, by.text_slope, by.text_even),
        ("address", words[1], other.address, by.address_slope, by.address_even),
    ):
        share = _shared(left, _pairs(right)) if left and right else None
        if share is not None:
            signs.append(Sign(code, share, slope * (share - even)))
    return signs


def _nearest(one: Collection[str], other: Collection[str]) -> Sign | None:
    """The most alike pair of pictures; other pictures of one matter say nothing against it."""
    if not one or not other:
        return None
    by = weights()
    apart = min(bits_apart(left, right) for left in one for right in other)
    if apart <= by.picture_same_bits:
        return Sign("picture", apart, by.picture_same)
    return Sign("picture", apart, by.picture_near if apart <= by.picture_near_bits else 0.0)


def _of_category(one: str, other: str, rates: Mapping[str, float]) -> Sign:
    by = weights()
    if not one or not other:
        return Sign("category", 0.5, rates.get(one or other, 0.0))
    if one == other:
        return Sign("category", 1.0, rates.get(one, 0.0))
    return Sign("category", 0.0, by.category_other if one[:3] == other[:3] else by.class_other)
