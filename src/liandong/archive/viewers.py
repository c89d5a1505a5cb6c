"""Who asks, with the live grants of use: a request becomes a Viewer once."""

from dataclasses import replace

from django.http import HttpRequest
from django.utils import timezone

from liandong.base import viewers as base
from liandong.base.viewers import may, today_of
from liandong.kernel.viewer import Viewer

from .queries.shares import live_shares

__all__ = ["may", "today_of", "viewer_of"]


def viewer_of(request: HttpRequest) -> Viewer:
    """The viewer behind a request; a stranger when nobody is signed in."""
    known: Viewer | None = getattr(request, "_viewer", None)
    if known is None:
        person = base.viewer_of(request)
        known = replace(person, shares=live_shares(person, now=timezone.now()))
        request._viewer = known  # type: ignore[attr-defined]  # kept for the same request only
    return known
