"""Pages that belong to no room: the first page, the desk, and the health of the installation."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from liandong import __version__
from liandong.archive.queries import newest_records
from liandong.archive.viewers import today_of, viewer_of
from liandong.base.engines import engine
from liandong.base.gates import ANYONE, SIGNED_IN, open_to
from liandong.intake.policies import may_decide, may_hand_over
from liandong.intake.queries import desk_counts


@require_safe
@open_to(ANYONE)
def show_home(request: HttpRequest) -> HttpResponse:
    """One search box; staff go to their desk, officers to the accounts."""
    if viewer_of(request).officer:
        return redirect("base:accounts")
    if request.user.is_authenticated and may_hand_over(viewer_of(request)):
        return redirect("desk")
    viewer = viewer_of(request)
    records = newest_records(viewer=viewer, today=today_of(request), limit=6)
    return render(request, "site/home.html", {"records": records})


@require_safe
@open_to(SIGNED_IN)
def show_desk(request: HttpRequest) -> HttpResponse:
    """What waits for this person, each number a link."""
    viewer = viewer_of(request)
    records = newest_records(viewer=viewer, today=today_of(request), limit=8)
    context = {
        "counts": desk_counts(viewer),
        "records": records,
        "may_decide": may_decide(viewer),
    }
    return render(request, "site/desk.html", context)


@require_safe
@open_to(ANYONE)
def show_health(request: HttpRequest) -> HttpResponse:
    """200 when database, store and index answer, else 503; names no content."""
    parts = {"database": _database(), "store": _store(), "index": _index()}
    healthy = all(parts.values())
    answer = {"status": "ok" if healthy else "failing", "version": __version__, "parts": parts}
    return JsonResponse(answer, status=200 if healthy else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _store() -> bool:
    try:
        engine("blobs").state()
    except OSError:
        return False
    return True


def _index() -> bool:
    try:
        engine("search").count()
    except Exception:  # noqa: BLE001 - whatever an engine raises, it does not answer
        return False
    return True


@require_safe
@open_to(ANYONE)
def show_favicon(_request: HttpRequest) -> HttpResponse:
    """The icon of the product."""
    return redirect(static("base/favicon.svg"), permanent=True)
