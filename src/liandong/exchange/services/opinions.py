"""The forming unit's opinion: asked, answered, and shown when it stays away."""

from collections.abc import Collection
from datetime import datetime

from django.conf import settings

from liandong.base.models import Unit
from liandong.exchange.models import Opinion, UseRequest
from liandong.kernel.calendars import catalogue_calendar
from liandong.kernel.flows import StepRefused

from .notices import account_of, clerks_of, holders, tell
from .people import day_of
from .steps import taking


def ask_opinion(
    request_id: int, units: Collection[str], *, by: str, now: datetime, why: str = ""
) -> UseRequest:
    """Ask units (codes) for their opinion; the time it takes does not count for the answer.

    Units that were asked before are left alone.  Raises StepRefused: missing-evidence when nobody
    new is named.
    """
    with taking("ask_opinion", request_id, by=by, now=now, given={"units"}, why=why) as taken:
        request, today = taken.request, day_of(now)
        first_time = not request.opinions.exists()
        fresh = Unit.objects.filter(code__in=units).exclude(code__in=request.asked_units)
        fresh = fresh.exclude(code=request.asker_unit)
        calendar = catalogue_calendar()
        due = calendar.add_workdays(today, settings.OPINION_DAYS)
        rows = [
            Opinion(request=request, unit=unit, asked_at=now, asked_by=by, due_on=due)
            for unit in fresh
        ]
        if not rows:
            raise StepRefused("ask_opinion", "missing-evidence", "units")
        Opinion.objects.bulk_create(rows)
        if first_time and request.due_on:
            request.due_on = calendar.add_workdays(request.due_on, settings.OPINION_DAYS)
        codes = sorted(row.unit.code for row in rows)
        taken.facts = {"units": ",".join(codes), "due": str(due)}
        for code in codes:
            _tell(request, code, now=now, due=str(due))
    return request


def _tell(request: UseRequest, unit_code: str, *, now: datetime, due: str) -> None:
    tell(
        clerks_of(unit_code), "opinion_asked", number=request.number,
        path=f"/exchange/{request.number}/", now=now, facts={"due": due},
    )  # fmt: skip


def give_opinion(request_id: int, *, agrees: bool, text: str, by: str, now: datetime) -> UseRequest:
    """Answer for the own unit, once.  Raises StepRefused (answered: it was answered before)."""
    given = {"opinion"} | ({"text"} if text.strip() else set())
    with taking("give_opinion", request_id, by=by, now=now, given=given, why=text) as taken:
        request = taken.request
        opinion = request.opinions.select_for_update().get(unit__code=taken.viewer.unit)
        if opinion.answered_at is not None:
            raise StepRefused("give_opinion", "answered")
        opinion.answered_at, opinion.answered_by = now, by
        opinion.agrees, opinion.text = agrees, text.strip()[:1000]
        opinion.save()
        taken.facts = {"unit": taken.viewer.unit, "agrees": int(agrees)}
        tell(
            account_of(opinion.asked_by) or holders(), "opinion_given", number=request.number,
            path=f"/exchange/{request.number}/", now=now, occasion=taken.viewer.unit,
            facts={"unit": opinion.unit.name},
        )  # fmt: skip
    return request
