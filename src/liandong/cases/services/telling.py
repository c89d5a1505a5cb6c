"""Who is told of what (告知、提醒): rows for people with an account, letters for other requesters.

Told from the events of a case after they were written, in a transaction that notes how far: each
event is told once, none is lost.  Nobody is told of the own act.  Source: casework rules, section 2
(every merged reporter is told; the dispute link is in every closing message).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from liandong.base.notices.services import settle, tell
from liandong.cases.models import Case, CaseEvent, Letter
from liandong.cases.queries.addressees import OWNERS, addressees, reporters
from liandong.kernel import catalog
from liandong.kernel.casework import STATE
from liandong.kernel.tending import Duty

ROOM: Final = "cases"
REPORTER: Final = "reporter"
_FACTS: Final = ("unit", "level", "until")  # of an event; the rest is not for a notice


def tell_events(case: Case, *, now: datetime) -> int:
    """Tell what nobody was told of yet; how many events.  The caller holds the case."""
    rows = list(case.events.filter(number__gt=case.told).order_by("number"))
    for event in rows:
        if event.axis == STATE and event.before != event.after:
            settle(ROOM, case.number, _asking(), now=now)
        if row := catalog.by_key("case_notices", "code").get(event.action):
            _tell_event(case, event, row, now=now)
    if rows:
        Case.objects.filter(pk=case.pk).update(told=rows[-1].number)
    return len(rows)


def _asking() -> list[str]:
    """Notices that ask for a step: void once the case has moved."""
    return [row["code"] for row in catalog.rows("case_notices") if row["asks"] == "Y"]


def _tell_event(case: Case, event: CaseEvent, row: Mapping[str, str], *, now: datetime) -> None:
    who = row["tells"].split()
    facts = {name: event.facts[name] for name in _FACTS if name in event.facts}
    key = f"{ROOM}:{case.number}:{event.number}"
    staff = [word for word in who if word != REPORTER]
    people = addressees(case, staff, {**facts, "after": event.after})
    _tell_people(case, people, event.action, key, facts, by=event.by, now=now)
    if REPORTER in who:
        for one in (case, *merged_into(case)):
            _tell_reporter(one, event, now=now)


def _tell_people(
    case: Case, people: list[Any], kind: str, key: str, facts: Mapping[str, Any], *, by: str,
    now: datetime,
) -> None:  # fmt: skip
    told = [one for one in people if one.username != by]
    path = f"/cases/{case.number}/"
    tell(told, ROOM, kind, number=case.number, path=path, key=key, now=now, facts=facts)


def merged_into(case: Case) -> Iterator[Case]:
    """Cases that were merged into this one, and into those: their requesters are told the same."""
    rows = case.merged.filter(state="merged").select_related("requester", "enterprise")
    for one in rows.order_by("pk"):
        yield one
        yield from merged_into(one)


def _tell_reporter(case: Case, event: CaseEvent, *, now: datetime) -> None:
    key, people = f"{ROOM}:{event.case_id}:{event.number}", reporters(case)
    _tell_people(case, people, event.action, f"{key}:public", {"public": 1}, by=event.by, now=now)
    has_way = bool(settings.MAIL_SERVER or settings.SMS)
    is_told = any(one.email for one in people)  # by the digest: the same fact once
    if case.contact is not None and has_way and not is_told and event.role != REPORTER:
        Letter.objects.get_or_create(
            case=case, key=key, defaults={"code": event.action, "made_at": now, "next_at": now}
        )


def tell_of_clock(case: Case, duty: Duty, *, now: datetime) -> None:
    """Tell those whose limit it is that it is nearly over, or over."""
    owner = duty.run.kind.owner
    facts = {"clock": duty.run.code, "unit": duty.run.unit}
    people = addressees(case, [OWNERS.get(owner, owner)], facts)
    key = f"{ROOM}:{case.number}:{duty.key}"
    _tell_people(case, people, duty.code, key, facts, by="", now=now)
