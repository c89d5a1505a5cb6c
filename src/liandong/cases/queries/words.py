"""Cases that have words in title or place, found without reading them all.

The pairs of characters of a question propose cases, block after block from the newest, and the
database disposes: a condition of `found_by` always compares the words as well, so that it grants
what `icontains` grants and nothing else.  What came after the last finished block is read.
"""

from array import array
from itertools import groupby
from typing import Final

from django.db.models import Max, Q

from liandong.cases.models import BLOCK, Case, WordPair

from .situations import case_by_number

MOST: Final = 2000  # cases that are proposed one by one; of a word in more, every page is near


def pairs_of(text: str) -> frozenset[str]:
    """The pairs of neighbouring characters of a text, in lower case; none of a text of one."""
    plain = text.lower()
    return frozenset(plain[at : at + 2] for at in range(len(plain) - 1))


def found_by(text: str, *, before: int = 0) -> Q:
    """The cases whose title or place has the text, or that it is the number of.

    `before` is the key that the asker looks below, 0 for none.
    """
    has = Q(title__icontains=text) | Q(address__icontains=text)
    named = case_by_number(text)
    keys = _proposed(text, before)
    if keys is None:
        return has if named is None else has | Q(pk=named.pk)
    if named is not None:
        has, keys = has | Q(pk=named.pk), [*keys, named.pk]
    return has & Q(pk__in=keys)


def first_unread() -> int:
    """The key from which on cases are in no finished block."""
    newest = WordPair.objects.filter(pair="").aggregate(last=Max("block"))["last"]
    return 0 if newest is None else (newest + 1) * BLOCK


def _proposed(text: str, before: int) -> list[int] | None:
    """Keys of cases that may have the text; None where they are many, or the text is too short."""
    pairs = pairs_of(text)
    if not pairs:
        return None
    keys = _unread(text, before)
    rows = WordPair.objects.filter(pair__in=pairs)
    if before:
        rows = rows.filter(block__lte=before // BLOCK)
    told = rows.order_by("-block").values_list("block", "places")
    for block, found in groupby(told.iterator(), key=lambda row: row[0]):
        places = [array("H", bytes(row[1])) for row in found]
        if len(places) == len(pairs):
            keys += (block * BLOCK + at for at in set(places[0]).intersection(*places[1:]))
        if len(keys) > MOST:
            return None
    return keys


def _unread(text: str, before: int) -> list[int]:
    """Those of the newest cases, which are in no block yet."""
    rows = Case.objects.filter(pk__gte=first_unread())
    if before:
        rows = rows.filter(pk__lt=before)
    has = rows.filter(Q(title__icontains=text) | Q(address__icontains=text))
    return list(has.order_by("-pk").values_list("pk", flat=True)[: MOST + 1])
