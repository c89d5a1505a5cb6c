"""Blocks of cases are read into the index of their words, by the worker and never by who writes.

Title and place stay as they came, so that a block is read once; words that were erased are still
proposed, and not found.
"""

from array import array

from django.db import transaction
from django.db.models import Max

from liandong.cases.models import BLOCK, Case, WordPair
from liandong.cases.queries.words import first_unread, pairs_of

MOST_AT_ONCE = 10  # blocks of one run


def read_blocks() -> int:
    """Read the blocks that are full; how many.  One process at a time.

    A block waits until the one after it is full: whoever has taken a key in it has committed by
    then.
    """
    newest = Case.objects.aggregate(last=Max("pk"))["last"] or 0
    first, end = first_unread() // BLOCK, newest // BLOCK - 1
    blocks = range(first, min(end, first + MOST_AT_ONCE))
    for block in blocks:
        _read(block)
    return len(blocks)


def _read(block: int) -> None:
    found: dict[str, array[int]] = {"": array("H")}
    rows = Case.objects.filter(pk__gte=block * BLOCK, pk__lt=(block + 1) * BLOCK).order_by("pk")
    for key, title, address in rows.values_list("pk", "title", "address").iterator():
        for pair in pairs_of(title) | pairs_of(address):
            found.setdefault(pair, array("H")).append(key % BLOCK)
    with transaction.atomic():
        WordPair.objects.bulk_create(
            [WordPair(pair=pair, block=block, places=at.tobytes()) for pair, at in found.items()],
            batch_size=300,
        )
