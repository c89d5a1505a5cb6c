"""Who asks, with the live grants of use: a request becomes a Viewer once."""

from dataclasses import replace

from django.http import HttpRequest
from django.utils import timezone

from liandong.base import viewers as base
from liandong.base.viewers import may, today_of
from liandong.kernel.viewer import Viewer

from .models import Record, ShareGrant
from .queries.shares import grant_of_reading, live_shares
from .watermark import Mark, mark

__all__ = ["grant_of", "mark_of", "may", "today_of", "viewer_of"]


def viewer_of(request: HttpRequest) -> Viewer:
    """The viewer behind a request; a stranger when nobody is signed in."""
    known: Viewer | None = getattr(request, "_viewer", None)
    if known is None:
        person = base.viewer_of(request)
        known = replace(person, shares=live_shares(person, now=timezone.now()))
        request._viewer = known  # type: ignore[attr-defined]  # kept for the same request only
    return known


def grant_of(request: HttpRequest, record: Record) -> ShareGrant | None:
    """The grant under which whoever asks reads this record; None where none is needed."""
    known: dict[int, ShareGrant | None] = request.__dict__.setdefault("_grants", {})
    if record.pk not in known:
        viewer, today = viewer_of(request), today_of(request)
        known[record.pk] = grant_of_reading(record, viewer=viewer, today=today)
    return known[record.pk]


def mark_of(request: HttpRequest, record: Record) -> Mark | None:
    """The watermark of this read; None where no grant is needed."""
    grant = grant_of(request, record)
    if grant is None:
        return None
    account = request.user
    unit = getattr(account, "unit", None)
    who = grant.reader or (f"{account}（{unit}）" if unit else str(account))
    return mark(
        who=who, account=viewer_of(request).name, number=grant.code, purpose=grant.purpose,
        now=timezone.now(),
    )  # fmt: skip
