"""Likeness of reports: what is near, soon and alike weighs more; the default point says nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.likeness import (
    DAYS,
    MANY,
    RADIUS,
    Side,
    bits_apart,
    box_around,
    default_points,
    metres_between,
    ranked,
    rate_bits,
    text_likeness,
    weights,
)

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
HERE = Side(NOW, "C0101", 37.05, 118.05, "黄河五路与渤海七路路口", "路口的井盖破了，很危险")
METRE = 180 / 3.141592653589793 / 6_371_009  # degrees of latitude
lats = st.floats(-89, 89)
lons = st.floats(-179, 179)


def beside(metres: float = 0.0, days: float = 0.0, **changes: object) -> Side:
    """The same matter, so far to the north and so long ago."""
    assert HERE.lat is not None
    moved = replace(HERE, lat=HERE.lat + metres * METRE, at=NOW - timedelta(days=days))
    return replace(moved, **changes)  # type: ignore[arg-type]


def bits(other: Side, one: Side = HERE, **more: object) -> float:
    rows = ranked(one, [other], **more)  # type: ignore[arg-type]
    return rows[0][1].bits if rows else float("-inf")


# Distance -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [  # great circles on a sphere of IUGG's mean radius, computed by hand
        ((0.0, 0.0), (0.0, 1.0), 111_195),
        ((0.0, 0.0), (1.0, 0.0), 111_195),
        ((60.0, 10.0), (60.0, 11.0), 55_595),
        ((0.0, 179.5), (0.0, -179.5), 111_195),
        ((90.0, 0.0), (-90.0, 0.0), 20_015_115),
    ],
)
def test_known_distances(
    one: tuple[float, float], other: tuple[float, float], metres: float
) -> None:
    assert metres_between(*one, *other) == pytest.approx(metres, rel=1e-4)


@given(lats, lons, lats, lons)
def test_a_distance_is_a_metric(a: float, b: float, c: float, d: float) -> None:
    there, back = metres_between(a, b, c, d), metres_between(c, d, a, b)
    assert there == pytest.approx(back)
    assert 0 <= there <= 20_015_116
    assert metres_between(a, b, a, b) == 0


@given(lats, lons, st.floats(0, 360), st.floats(1, 999))
def test_a_box_leaves_out_nothing_that_is_near(
    lat: float, lon: float, turn: float, metres: float
) -> None:
    from math import cos, radians, sin

    up = metres * METRE
    north = lat + up * cos(radians(turn))
    east = lon + up * sin(radians(turn)) / cos(radians(lat))
    box = box_around(lat, lon, 1000)
    if -180 <= east <= 180 and abs(north) <= 90 and metres_between(lat, lon, north, east) <= 1000:
        assert box.south <= north <= box.north
        assert box.west <= east <= box.east


# Words and pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("井盖破损", "井盖破损", 1.0),
        ("井盖破损", "井盖，破损！", 2 * 2 / 5),  # a mark breaks the run
        ("井蓋破損", "井盖破损", 0.0),  # folding of variants is the search engine's
        ("ＡＢＣ 路灯", "abc 路灯", 1.0),  # width and case
        ("路灯不亮", "井盖破损", 0.0),
        ("street light out", "street light is out", 2 * 1 / 5),
    ],
)
def test_texts_share_pairs(one: str, other: str, share: float) -> None:
    assert text_likeness(one, other) == pytest.approx(share)


@pytest.mark.parametrize("short", ["", "灯", "，。", "light"])
def test_one_word_says_nothing(short: str) -> None:
    assert text_likeness(short, "路灯不亮") is None
    assert text_likeness("路灯不亮", short) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_of_texts_is_a_share_and_symmetric(one: str, other: str) -> None:
    share = text_likeness(one, other)
    assert share == text_likeness(other, one)
    assert share is None or 0 <= share <= 1
    if text_likeness(one, one) is not None:
        assert text_likeness(one, one) == 1


def test_bits_of_pictures() -> None:
    assert bits_apart("0" * 16, "0" * 16) == 0
    assert bits_apart("0" * 16, "f" * 16) == 64
    assert bits_apart("8000000000000000", "0000000000000001") == 2


# The weight ---------------------------------------------------------------------------------------


@given(st.floats(0, 240), st.floats(0, 240), st.floats(0, 89), st.floats(0, 89))
def test_nearer_and_sooner_never_weighs_less(
    near: float, far: float, soon: float, late: float
) -> None:
    near, far = sorted((near, far))
    soon, late = sorted((soon, late))
    assert bits(beside(near, soon)) >= bits(beside(far, soon)) - 1e-9
    assert bits(beside(near, soon)) >= bits(beside(near, late)) - 1e-9


def test_what_is_just_outside_is_not_looked_at() -> None:
    assert bits(beside(RADIUS - 1)) > float("-inf")
    assert bits(beside(RADIUS + 1)) == float("-inf")
    assert bits(beside(0, DAYS - 0.01)) > float("-inf")
    assert bits(beside(0, DAYS + 0.01)) == float("-inf")


def test_ten_metres_say_less_where_much_is_reported() -> None:
    crowd = [beside(100 + day, day) for day in range(40)]
    alone = ranked(HERE, [beside(10)])[0][1]
    crowded = next(like for at, like in ranked(HERE, [beside(10), *crowd]) if at == 0)
    place, placed = alone.of("place"), crowded.of("place")
    assert place is not None
    assert placed is not None
    assert placed.bits == pytest.approx(place.bits - 5.36, abs=0.01)  # log2 of 41 reports
    assert crowded.bits < alone.bits


def test_only_the_same_category_makes_a_crowd() -> None:
    others = [beside(150, day, category="E0101") for day in range(40)]
    alone = ranked(HERE, [beside(10)])[0][1]
    among = next(like for at, like in ranked(HERE, [beside(10), *others]) if at == 0)
    assert among.bits == pytest.approx(alone.bits)


@pytest.mark.parametrize(
    ("changes", "lower"),
    [
        ({"category": "C0102"}, True),
        ({"category": "E0101"}, True),
        ({"category": ""}, False),  # not known is not different
        ({"text": "门口的树倒了，把路堵住"}, True),
        ({"text": ""}, True),
        ({"address": ""}, True),
    ],
)
def test_what_differs_weighs_less(changes: dict[str, Any], lower: bool) -> None:
    same, other = bits(beside(20)), bits(beside(20, **changes))
    assert (other < same) is lower


def test_another_class_weighs_less_than_another_subclass() -> None:
    assert bits(beside(category="E0101")) < bits(beside(category="C0102"))


@pytest.mark.parametrize(("apart", "gain"), [(0, 10), (6, 10), (7, 3), (12, 3), (13, 0), (64, 0)])
def test_a_photo_of_the_same_scene_counts_and_another_says_nothing(apart: int, gain: float) -> None:
    mine = replace(HERE, pictures=frozenset({"0" * 16}))
    theirs = beside(20, pictures=frozenset({f"{(1 << apart) - 1:016x}", "f" * 16}))
    plain = bits(beside(20), HERE)
    assert bits(theirs, mine) == pytest.approx(plain + gain)


def test_a_photo_finds_what_has_no_place() -> None:
    mine = replace(HERE, lat=None, lon=None, pictures=frozenset({"0" * 16}))
    theirs = beside(0, 3, lat=None, lon=None, pictures=frozenset({"0" * 16}))
    found = ranked(mine, [theirs])
    assert found[0][1].metres is None
    assert found[0][1].bits > weights().suggest_from


# The default point --------------------------------------------------------------------------------


def crowd(count: int, addresses: int) -> list[Side]:
    return [
        beside(0, number / 10, address=f"第{number % addresses}大街") for number in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "addresses", "suspect"),
    [
        (MANY, MANY, True),
        (MANY - 1, MANY - 1, False),  # not many yet
        (40, 20, True),
        (40, 19, False),  # one place that is reported often has few addresses
        (100, 1, False),
    ],
)
def test_many_unrelated_reports_at_one_point(count: int, addresses: int, suspect: bool) -> None:
    assert bool(default_points(crowd(count, addresses))) is suspect


def test_reports_without_an_address_do_not_make_a_point_suspect() -> None:
    assert not default_points([replace(one, address=" ") for one in crowd(40, 40)])


def test_nothing_is_suggested_at_or_beside_a_default_point() -> None:
    point = crowd(40, 40)
    assert ranked(HERE, point) == []
    near = beside(30)  # a real report beside it sees the real one and not the forty
    assert [at for at, _like in ranked(near, [*point, beside(32)])] == [40]


# Rates --------------------------------------------------------------------------------------------


def test_rates_come_from_decisions() -> None:
    assert rate_bits(0, 0, 0, 0) == 0
    assert rate_bits(0, 0, 50, 2000) == 0
    assert rate_bits(100, 1000, 100, 4000) > 1
    assert rate_bits(1, 1000, 100, 4000) < -1
    assert rate_bits(0, 2000, 0, 2000) == 0  # nobody ever merged
    assert rate_bits(0, 10**6, 10**5, 10**7) == weights().rate_least
    assert bits(beside(20), rates={"C0101": -2.0}) == pytest.approx(bits(beside(20)) - 2)
