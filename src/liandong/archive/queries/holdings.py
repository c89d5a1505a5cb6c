"""The tree of holdings and the records of a class.

The tree is read from the counts of the classes, never from the records, and opens at once with a
million of them.  Counts are shown only to whoever may read everything: a count never tells of a
record that is hidden.
"""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import get_language

from liandong.archive.models import ArchivalClass, Fonds, Record
from liandong.kernel import catalog
from liandong.kernel.viewer import RESTRICTED, Viewer

from .granting import readable
from .sight import as_seen

_LEVELS = ("category", "year", "retention", "org")


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of the tree; `count` is None for a viewer who may not read everything."""

    level: str  # fonds, category, year, retention, org
    value: str  # as in the code; "" when the template has no such part
    label: str
    count: int | None
    class_id: int | None = None  # of the lowest branches: its records can be listed


def holdings_tree(
    *,
    viewer: Viewer,
    today: int,
    fonds: str = "",
    category: str | None = None,
    year: str | None = None,
    retention: str | None = None,
) -> list[Branch]:
    """The branches below the given ones: fonds, then category, year, retention, organisation.

    A fixed number of queries.  Branches without a record that the viewer may read are left out.
    """
    classes = _visible_classes(viewer, today)
    if not fonds:
        return _fonds_branches(classes, _sees_all(viewer))
    given = {"category": category, "year": year, "retention": retention}
    chosen = {name: value for name, value in given.items() if value is not None}
    classes = classes.filter(fonds__number=fonds, **chosen)
    level = next(name for name in _LEVELS if name not in chosen)
    if level == "org":
        return [
            Branch("org", one.org, one.org, one.record_count if _sees_all(viewer) else None, one.pk)
            for one in classes.order_by("org")
        ]
    rows = classes.values_list(level).annotate(count=Sum("record_count"))
    order = level if level != "year" else f"-{level}"
    return [
        Branch(level, value, label_of(level, value), count if _sees_all(viewer) else None)
        for value, count in rows.order_by(order)
    ]


def _sees_all(viewer: Viewer) -> bool:
    return viewer.is_archivist and viewer.clearance >= RESTRICTED


def _visible_classes(viewer: Viewer, today: int) -> QuerySet[ArchivalClass]:
    if _sees_all(viewer):
        return ArchivalClass.objects.filter(record_count__gt=0)
    seen: QuerySet[Record] = readable(viewer, today).filter(archival_class=OuterRef("pk"))
    return ArchivalClass.objects.filter(Exists(seen.order_by()))


def _fonds_branches(classes: QuerySet[ArchivalClass], with_counts: bool) -> list[Branch]:
    rows = (
        Fonds.objects.filter(classes__in=classes)
        .annotate(count=Coalesce(Sum("classes__record_count"), 0))
        .order_by("number")
    )
    return [
        Branch("fonds", one.number, one.title, one.count if with_counts else None) for one in rows
    ]


def label_of(level: str, value: str) -> str:
    """What a part of a code is called in the language of the page: WS → 文书, D30 → 30年."""
    table = {"category": "category_codes", "retention": "retention_periods"}.get(level)
    if table is None:
        return value
    head, _, tail = value.partition("·")
    row = catalog.by_key(table, "code").get(head)
    english = (get_language() or "").startswith("en")
    name = row["name_en" if english else "name_zh"] if row else head
    if level == "retention" and row is None and value.startswith("D"):
        name = f"{value[1:]} years" if english else f"{value[1:]}年"
    return f"{name}·{tail}" if tail else name


def class_by_id(class_id: int, *, viewer: Viewer, today: int) -> ArchivalClass | None:
    """A class with at least one record that the viewer may read, or None."""
    found = _visible_classes(viewer, today).select_related("fonds")
    return found.filter(pk=class_id).first()


def records_of_class(
    class_id: int, *, viewer: Viewer, today: int, after: str = "", limit: int = 50
) -> list[Record]:
    """Records of a class by code, after the code `after`; one more than `limit` when there is more.

    Keyset: the last page is as fast as the first.
    """
    rows = readable(viewer, today).filter(archival_class=class_id, code__gt=after)
    rows = rows.select_related("fonds").order_by("code")[: limit + 1]
    return as_seen(rows, viewer=viewer, today=today)
