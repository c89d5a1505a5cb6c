"""Grants of use that are live."""

from datetime import datetime

from django.db.models import Q

from liandong.archive.models import ShareGrant
from liandong.kernel.viewer import Share, Viewer


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
