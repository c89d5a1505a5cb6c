"""Grants of use that are live."""

from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from liandong.archive.models import Record, ShareGrant
from liandong.kernel.viewer import Share, Viewer

from .sight import sight_of


def live_shares(person: Viewer, *, now: datetime) -> tuple[Share, ...]:
    """The grants that this person, or the person's department, has at this moment.

    One query, none for a stranger.  Officers have none: they read no business data.
    """
    if not person.is_signed_in or person.officer:
        return ()
    own = Q(account__username=person.name)
    if person.unit:
        own |= Q(unit__code=person.unit)
    rows = ShareGrant.objects.filter(
        own, begins_at__lte=now, ends_at__gt=now, withdrawn_at__isnull=True
    )
    return tuple(
        Share(code, whole, frozenset(uses.split(",")))
        for code, whole, uses in rows.order_by("code").values_list("code", "whole", "uses")
    )


def grant_of_reading(record: Record, *, viewer: Viewer, today: int) -> ShareGrant | None:
    """The grant without which the viewer would see less of this record, or None.

    Of several the one that shows the whole, then the one that lasts longest.
    """
    if not viewer.shares:
        return None
    bare = replace(viewer, shares=())
    seen = sight_of(record.pk, viewer=viewer, today=today)
    if sight_of(record.pk, viewer=bare, today=today) == seen:
        return None
    codes = [share.code for share in viewer.shares]
    grants = ShareGrant.objects.filter(code__in=codes, shared_records__record=record.pk)
    return grants.select_related("unit").order_by("-whole", "-ends_at").first()
