"""A grant that is to last longer: asked before it ends, decided like the grant itself."""

from datetime import date, datetime, timedelta

from django.conf import settings

from liandong.archive.services.sharing import extend_share
from liandong.base.models import Account
from liandong.exchange.models import UseRequest, Verdict
from liandong.kernel.flows import StepRefused

from .notices import account_of, directors, holders, tell
from .people import day_of, end_of
from .steps import Taken, taking
from .weighing import weigh


def ask_extension(
    request_id: int, *, until: date | None, why: str, by: str, now: datetime
) -> UseRequest:
    """Ask for more time while the grant still runs.  Raises StepRefused: ended, past, too-long."""
    given = ({"until"} if until else set()) | ({"reason"} if why.strip() else set())
    with taking("ask_extension", request_id, by=by, now=now, given=given, why=why) as taken:
        request = taken.request
        if request.time_left(now) is None:
            raise StepRefused("ask_extension", "ended")
        if until is None or request.granted_until is None or until <= request.granted_until:
            raise StepRefused("ask_extension", "past", str(until))
        if until > day_of(now) + timedelta(days=settings.SHARE_MAX_DAYS):
            raise StepRefused("ask_extension", "too-long", str(settings.SHARE_MAX_DAYS))
        request.extension_until, request.extension_reason = until, why.strip()[:300]
        request.extension_proposed_by = ""
        taken.facts = {"until": str(until)}
        _tell(request, holders(), "extension_asked", now=now)
    return request


def extend(request_id: int, *, by: str, now: datetime) -> UseRequest:
    """Give more time, alone.  Raises StepRefused: second-person where the grant needed two."""
    with taking("extend", request_id, by=by, now=now) as taken:
        if needs_two(taken.request, now=now):
            raise StepRefused("extend", "second-person")
        _give_time(taken, by=by, now=now)
    return taken.request


def needs_two(request: UseRequest, *, now: datetime) -> bool:
    """Whether more time needs a second person: as the grant did, or as its records now do."""
    rows = request.records.filter(verdict=Verdict.GRANTED).select_related("record")
    records = [row.record for row in rows]
    weighed = weigh(request, records, whole=request.granted_whole, now=now)
    return request.two_people or weighed.needs_two


def propose_extension(request_id: int, *, why: str, by: str, now: datetime) -> UseRequest:
    """Put an extension before the director.  Raises StepRefused."""
    given = {"reason"} if why.strip() else set()
    with taking("propose_extension", request_id, by=by, now=now, given=given, why=why) as taken:
        taken.request.extension_proposed_by = by
        _tell(taken.request, directors(), "request_proposed", now=now)
    return taken.request


def confirm_extension(request_id: int, *, by: str, now: datetime, why: str = "") -> UseRequest:
    """Give more time as the second person.  Raises StepRefused."""
    with taking("confirm_extension", request_id, by=by, now=now, why=why) as taken:
        if taken.request.extension_proposed_by == by:
            raise StepRefused("confirm_extension", "second-person")
        _give_time(taken, by=by, now=now)
    return taken.request


def refuse_extension(request_id: int, *, why: str, by: str, now: datetime) -> UseRequest:
    """Leave the grant to end when it ends.  Raises StepRefused."""
    given = {"reason"} if why.strip() else set()
    with taking("refuse_extension", request_id, by=by, now=now, given=given, why=why) as taken:
        _forget(taken.request)
        _tell(taken.request, account_of(taken.request.asked_by), "extension_refused", now=now)
    return taken.request


def _give_time(taken: Taken, *, by: str, now: datetime) -> None:
    request = taken.request
    until = request.extension_until
    if until is None or request.grant_id is None or until < day_of(now):
        raise StepRefused("extend", "past", str(until))
    request.grant = extend_share(request.grant_id, ends_at=end_of(until), by=by, now=now)
    request.granted_until = until
    taken.facts = {"until": str(until)}
    _forget(request)
    _tell(request, account_of(request.asked_by), "extension_granted", now=now)


def _forget(request: UseRequest) -> None:
    request.extension_until, request.extension_reason = None, ""
    request.extension_proposed_by = ""


def _tell(request: UseRequest, accounts: list[Account], kind: str, *, now: datetime) -> None:
    tell(
        accounts, kind, number=request.number, path=f"/exchange/{request.number}/", now=now,
        occasion=now.isoformat(),
    )  # fmt: skip
