"""Personal information in texts.  Every detector looks; then the best of overlapping hits stay."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from datetime import date

from .addresses import find_addresses
from .births import find_births, find_minors, find_sensitive
from .folding import fold
from .kinds import Hit, kinds
from .names import find_names, find_repeats
from .numbers import find_numbers
from .strings import find_strings

_REPEATED = 0.75  # confidence of a name that is looked for in the rest of a record


def find_hits(text: str, *, today: date) -> list[Hit]:
    """Personal information in one text, line ends included, in order.

    Hits of kinds that identify never overlap; hints (minors, sensitive words) may lie on them.
    `today` tells who is under fourteen and which dates of birth are possible.
    """
    return find_in_texts([text], today=today)[0]


def find_in_texts(
    texts: Sequence[str], *, today: date, names: Collection[str] = ()
) -> list[list[Hit]]:
    """Personal information in the texts of one record: a name found in one is found in all.

    `names` are known already from another part of the record.
    """
    read = [(fold(text), text) for text in texts]
    found = [_identifying(folded, text, today) for folded, text in read]
    known = {hit.text for hits in found for hit in hits if _is_sure_name(hit)} | set(names)
    return [
        _with_more(folded, text, hits, known, today)
        for (folded, text), hits in zip(read, found, strict=True)
    ]


def _is_sure_name(hit: Hit) -> bool:
    return hit.kind == "person_name" and hit.confidence >= _REPEATED and hit.text.isalpha()


def _with_more(
    folded: str, text: str, hits: list[Hit], names: Collection[str], today: date
) -> list[Hit]:
    """The hits with further places of known names, and with hints, in order."""
    if names:
        taken = {hit.span for hit in hits}
        repeats = [hit for hit in find_repeats(folded, text, names) if hit.span not in taken]
        hits = without_overlaps([*hits, *repeats])
    hints = [*find_minors(hits, today), *find_sensitive(folded, text, hits)]
    return sorted([*hits, *hints], key=lambda hit: (hit.start, hit.end, hit.kind))


def _identifying(folded: str, text: str, today: date) -> list[Hit]:
    numbers = [*find_numbers(folded, text, today), *find_births(folded, text)]
    found = [
        *numbers,
        *find_strings(folded, text, today),
        *find_addresses(folded, text),
        *find_names(folded, text, without_overlaps(numbers)),
    ]
    return without_overlaps(found)


def without_overlaps(hits: Sequence[Hit]) -> list[Hit]:
    """Of overlapping hits: what a check proved, else the longest, the surest, the first kind."""
    starts: list[int] = []
    taken: list[Hit] = []
    for hit in sorted(hits, key=_rank):
        at = bisect_left(starts, hit.end)  # the first that begins after it
        if at == 0 or taken[at - 1].end <= hit.start:
            starts.insert(at, hit.start)
            taken.insert(at, hit)
    return taken


def _rank(hit: Hit) -> tuple[bool, int, float, int, int]:
    proven = hit.method == "check" or hit.kind == "email"
    return not proven, hit.start - hit.end, -hit.confidence, kinds()[hit.kind].order, hit.start
