"""Mandates of chambers: which hold, whom they let act, and what an event says of it."""

from collections.abc import Sequence
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from liandong.base.models import Role, Unit, UnitKind
from liandong.cases.models import Case, Mandate
from liandong.cases.models.mandates import ALL, live_on
from liandong.cases.policies import is_by_mandate
from liandong.kernel.viewer import Viewer

from .situations import standing_of


def mandated(codes: Sequence[str | int]) -> Q:
    """Cases that a mandate which holds today lets one of these chambers follow."""
    rows = live_on(timezone.localdate()).filter(
        Q(scope=ALL) | Q(scope=OuterRef("kind")), chamber__code__in=codes,
        enterprise=OuterRef("enterprise"),
    )  # fmt: skip
    return Q(Exists(rows))


def members_of(codes: Sequence[str | int]) -> Q:
    """Units that gave one of these chambers a mandate which holds today."""
    rows = live_on(timezone.localdate()).filter(chamber__code__in=codes)
    return Q(pk__in=rows.values("enterprise"))


def on_behalf(case: Case, viewer: Viewer) -> dict[str, str | int]:
    """What an event says of whoever acts for the enterprise by a mandate; {} for everybody else."""
    if Role.CHAMBER not in viewer.roles or not is_by_mandate(viewer, standing_of(case)):
        return {}
    rows = live_on(timezone.localdate()).filter(
        enterprise=case.enterprise, chamber__code=viewer.unit, scope__in=[ALL, case.kind]
    )
    first = rows.order_by("pk").values_list("pk", flat=True).first()
    return {"on_behalf_of": case.firm, "mandate": first or 0}


def may_raise_for(viewer: Viewer, kind: str = "") -> QuerySet[Unit]:
    """Enterprises for which this person may raise a matter (of `kind`, if one is named)."""
    where = Q(pk__in=[])
    if Role.ENTERPRISE in viewer.roles and viewer.unit:
        where |= Q(code=viewer.unit)
    if Role.CHAMBER in viewer.roles and viewer.unit:
        rows = live_on(timezone.localdate()).filter(chamber__code=viewer.unit)
        if kind:
            rows = rows.filter(scope__in=[ALL, kind])
        where |= Q(pk__in=rows.values("enterprise"))
    return Unit.objects.filter(where, closed_at__isnull=True)


def mandates_for(viewer: Viewer, *, today: date) -> list[Mandate]:
    """Mandates that this person's unit gave or holds: those that hold or will, then the others."""
    rows = Mandate.objects.filter(pk__in=[])
    if Role.ENTERPRISE in viewer.roles and viewer.unit:
        rows = rows | Mandate.objects.filter(enterprise__code=viewer.unit)
    if Role.CHAMBER in viewer.roles and viewer.unit:
        rows = rows | Mandate.objects.filter(chamber__code=viewer.unit)
    found = rows.select_related("enterprise", "chamber").order_by("-pk")[:100]
    return sorted(found, key=lambda one: not one.is_live(today))


def own_mandate(mandate_id: int, *, viewer: Viewer) -> Mandate | None:
    """A mandate that the enterprise of this person gave."""
    rows = Mandate.objects.filter(pk=mandate_id, enterprise__code=viewer.unit)
    return rows.select_related("enterprise", "chamber").first() if viewer.unit else None


def mandates_of(enterprise: Unit, *, today: date) -> list[Mandate]:
    """Mandates of an enterprise that hold on this day."""
    return list(live_on(today).filter(enterprise=enterprise).select_related("chamber"))


def open_chambers() -> QuerySet[Unit]:
    """Chambers that may be given a mandate."""
    return Unit.objects.filter(kind=UnitKind.CHAMBER, closed_at__isnull=True)
