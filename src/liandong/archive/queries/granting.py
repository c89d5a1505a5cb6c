"""The rules of `archive.policies` as conditions on rows: which records, not how much of them."""

from collections.abc import Mapping, Sequence
from typing import Final

from django.db.models import Q, QuerySet

from liandong.archive.models import Record, SharedRecord
from liandong.archive.policies import may_change, may_read
from liandong.base.access import Lookup, to_q
from liandong.kernel.access import Rule
from liandong.kernel.viewer import Viewer


def _shared_under(codes: Sequence[str | int]) -> Q:
    return Q(pk__in=SharedRecord.objects.filter(grant__code__in=codes).values("record"))


LOOKUPS: Final[Mapping[str, Lookup]] = {"shares": _shared_under}


def condition(rule: Rule) -> Q:
    """The condition of a rule of `archive.policies` on records."""
    return to_q(rule, LOOKUPS)


def granted(rule: Rule) -> QuerySet[Record]:
    """The records that a rule of `archive.policies` grants."""
    return Record.objects.filter(condition(rule))


def readable(viewer: Viewer, today: int) -> QuerySet[Record]:
    """Records that `viewer` may read on `today` (YYYYMMDD), be it in the masked view.

    The rows are as they are stored: whoever shows them asks `sight.as_seen` first.
    """
    return granted(may_read(viewer, today))


def changeable(viewer: Viewer) -> QuerySet[Record]:
    """Records that `viewer` may correct and describe."""
    return granted(may_change(viewer))
