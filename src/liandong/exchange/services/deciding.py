"""The decision on a request: which records, how, until when; by one person or by two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from liandong.archive.models import Record
from liandong.archive.queries import find, record_by_code
from liandong.archive.services.sharing import NotLive, grant_share, withdraw_share
from liandong.base.models import Unit
from liandong.exchange.models import RequestedRecord, UseRequest, Verdict
from liandong.kernel import catalog
from liandong.kernel.flows import StepRefused
from liandong.kernel.query import parse
from liandong.kernel.viewer import USES

from .drafting import MOST_RECORDS
from .notices import account_of, directors, tell
from .people import day_of, end_of, on_duty, today_number, viewer_by
from .steps import Taken, taking
from .weighing import weigh, within_duty


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided of one record."""

    record_id: int
    granted: bool
    ground: str = ""  # opening_grounds, of a refusal
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a decision says; never more than was asked."""

    rulings: tuple[Ruling, ...]
    uses: tuple[str, ...]
    whole: bool
    until: date | None
    answer: str = ""  # words to the asker; for two people also the reason to the second


def gather(request_id: int, record_ids: Sequence[int], *, by: str, now: datetime) -> UseRequest:
    """Take these records into a request; what was found before and is not among them goes out.

    Those that the asker named stay.  Raises StepRefused: not-cleared for what the archivist may
    not read.
    """
    with taking("gather", request_id, by=by, now=now) as taken:
        request = taken.request
        named = request.records.filter(named=True).values("record")
        rows = Record.objects.filter(pk__in=list(record_ids)[:MOST_RECORDS])
        found = list(rows.exclude(pk__in=named))
        if not within_duty(taken.viewer, found, now=now):
            raise StepRefused("gather", "not-cleared")
        request.records.filter(named=False).delete()
        RequestedRecord.objects.bulk_create(
            [RequestedRecord(request=request, record=row, code=row.code) for row in found]
        )
        taken.facts = {"found": len(found)}
    return request


def candidates(request: UseRequest, *, by: str, now: datetime) -> list[Record]:
    """What the words and the query of a request lead to, as the archivist may see it; no write.

    Codes that are written one a line or after a mark in `wanted`, then the hits of `query`.
    """
    viewer, today = on_duty(viewer_by(by, now=now)), today_number(now)
    found: dict[int, Record] = {}
    for word in _code_words(request.wanted):
        record = record_by_code(word, viewer=viewer, today=today)
        if record is not None:
            found[record.pk] = record
    if request.query:
        hits = find(parse(request.query), viewer=viewer, today=today, limit=MOST_RECORDS).hits
        found |= {hit.record.pk: hit.record for hit in hits}
    held = set(request.records.filter(named=True).values_list("record_id", flat=True))
    return [record for pk, record in found.items() if pk not in held]


def ids_of_codes(codes: Sequence[str], *, by: str, now: datetime) -> list[int]:
    """Keys of the records with these archival codes that the archivist may read."""
    viewer, today = on_duty(viewer_by(by, now=now)), today_number(now)
    found = (record_by_code(code, viewer=viewer, today=today) for code in codes[:MOST_RECORDS])
    return [record.pk for record in found if record is not None]


def _code_words(text: str) -> list[str]:
    for mark in "，,；;、\n\r\t":
        text = text.replace(mark, " ")
    return [word for word in text.split(" ") if "-" in word or "－" in word][:200]


def grant(request_id: int, decision: Decision, *, by: str, now: datetime) -> UseRequest:
    """Decide alone.  Raises StepRefused: second-person where two are needed, and as `_check`."""
    given = _given(decision)
    with taking("grant", request_id, by=by, now=now, given=given, why=decision.answer) as taken:
        records = _check(taken, "grant", decision, now=now)
        if weigh(taken.request, records, whole=decision.whole, now=now).needs_two:
            raise StepRefused("grant", "second-person")
        _write(taken, decision)
        _give(taken, records, by=by, now=now)
    return taken.request


def propose(request_id: int, decision: Decision, *, by: str, now: datetime) -> UseRequest:
    """Put a decision before the director.  Raises StepRefused as `_check`."""
    given = _given(decision)
    with taking("propose", request_id, by=by, now=now, given=given, why=decision.answer) as taken:
        _check(taken, "propose", decision, now=now)
        _write(taken, decision)
        request = taken.request
        request.proposed_at, request.proposed_by, request.two_people = now, by, True
        tell(
            directors(), "request_proposed", number=request.number,
            path=f"/exchange/{request.number}/", now=now, occasion=now.isoformat(),
        )  # fmt: skip
    return request


def confirm(request_id: int, *, by: str, now: datetime, why: str = "") -> UseRequest:
    """Decide as the second person what was proposed.

    What was proposed is weighed again: opinions or levels may have changed.  Raises StepRefused:
    second-person when the proposer confirms.
    """
    with taking("confirm", request_id, by=by, now=now, why=why) as taken:
        request = taken.request
        if by == request.proposed_by:
            raise StepRefused("confirm", "second-person")
        rows = request.records.filter(verdict=Verdict.GRANTED).select_related("record")
        records = [row.record for row in rows]
        if not within_duty(taken.viewer, records, now=now):
            raise StepRefused("confirm", "not-cleared")
        if request.granted_until is None or request.granted_until < day_of(now):
            raise StepRefused("confirm", "past")
        _give(taken, records, by=by, now=now)
    return request


def send_back(request_id: int, *, why: str, by: str, now: datetime) -> UseRequest:
    """Have the archivist look again.  Raises StepRefused."""
    given = {"reason"} if why.strip() else set()
    with taking("send_back", request_id, by=by, now=now, given=given, why=why) as taken:
        request = taken.request
        tell(
            account_of(request.proposed_by), "request_sent_back", number=request.number,
            path=f"/exchange/{request.number}/", now=now, occasion=now.isoformat(),
        )  # fmt: skip
        request.proposed_at, request.proposed_by, request.two_people = None, "", False
    return request


def refuse(request_id: int, *, ground: str, answer: str, by: str, now: datetime) -> UseRequest:
    """Refuse everything, with a ground of the law and words.  Raises StepRefused."""
    known = ground in catalog.by_key("opening_grounds", "code")
    given = ({"ground"} if known else set()) | ({"reason"} if answer.strip() else set())
    with taking("refuse", request_id, by=by, now=now, given=given, why=answer) as taken:
        request = taken.request
        request.records.update(verdict=Verdict.REFUSED, ground=ground, reason="")
        request.ground, request.answer = ground, answer.strip()[:1000]
        request.decided_at, request.decided_by, request.two_people = now, by, False
        taken.facts = {"ground": ground}
        _tell_asker(request, "request_refused", now=now)
    return request


def withdraw(request_id: int, *, why: str, by: str, now: datetime) -> UseRequest:
    """End the grant at once.  Raises StepRefused."""
    given = {"reason"} if why.strip() else set()
    return _end("withdraw", request_id, given, why=why, by=by, now=now)


def give_up(request_id: int, *, by: str, now: datetime) -> UseRequest:
    """The asker needs it no more: the grant ends at once.  Raises StepRefused."""
    return _end("give_up", request_id, set(), why="", by=by, now=now)


def _end(
    step: str, request_id: int, given: set[str], *, why: str, by: str, now: datetime
) -> UseRequest:
    with taking(step, request_id, by=by, now=now, given=given, why=why) as taken:
        request = taken.request
        try:
            withdraw_share(request.grant_id or 0, by=by, now=now, why=why)
        except NotLive:
            raise StepRefused(step, "wrong-state", "withdrawn") from None
        if step == "withdraw":
            _tell_asker(request, "request_withdrawn", now=now)
    return request


def _given(decision: Decision) -> set[str]:
    parts = {
        "records": any(ruling.granted for ruling in decision.rulings),
        "until": decision.until is not None,
        "uses": bool(decision.uses),
        "reason": bool(decision.answer.strip()),
    }
    return {name for name, is_there in parts.items() if is_there}


def _check(taken: Taken, step: str, decision: Decision, *, now: datetime) -> list[Record]:
    """The records to be given.

    Raises StepRefused: undecided, ground, beyond-asked, past, not-cleared, opinion-open.
    """
    request = taken.request
    held = {row.record_id: row.record for row in request.records.select_related("record")}
    if {ruling.record_id for ruling in decision.rulings} != held.keys():
        raise StepRefused(step, "undecided")
    known = catalog.by_key("opening_grounds", "code")
    if any(not one.granted and one.ground not in known for one in decision.rulings):
        raise StepRefused(step, "ground")
    _check_terms(request, step, decision, today=day_of(now))
    records = [held[ruling.record_id] for ruling in decision.rulings if ruling.granted]
    if not within_duty(taken.viewer, records, now=now):
        raise StepRefused(step, "not-cleared")
    weighed = weigh(request, records, whole=decision.whole, now=now)
    if weighed.needs_opinion:
        raise StepRefused(step, "opinion-open", " ".join(weighed.unasked + weighed.waiting))
    if request.opinions.filter(answered_by=taken.viewer.name).exists():
        raise StepRefused(step, "second-person", "opinion")
    return records


def _check_terms(request: UseRequest, step: str, decision: Decision, *, today: date) -> None:
    asked = set(request.uses.split(","))
    more = not set(decision.uses) <= asked or (decision.whole and not request.whole)
    if more or (decision.until and request.until and decision.until > request.until):
        raise StepRefused(step, "beyond-asked")
    if decision.until is not None and decision.until < today:
        raise StepRefused(step, "past", str(decision.until))


def _write(taken: Taken, decision: Decision) -> None:
    request = taken.request
    by_record: Mapping[int, Ruling] = {one.record_id: one for one in decision.rulings}
    for row in request.records.all():
        ruling = by_record[row.record_id]
        row.verdict = Verdict.GRANTED if ruling.granted else Verdict.REFUSED
        row.ground = "" if ruling.granted else ruling.ground
        row.reason = ruling.reason.strip()[:500]
        row.save(update_fields=["verdict", "ground", "reason"])
    request.granted_uses = ",".join(use for use in USES if use in decision.uses)
    request.granted_whole, request.granted_until = decision.whole, decision.until
    request.answer = decision.answer.strip()[:1000]
    granted = sum(one.granted for one in decision.rulings)
    taken.facts = {
        "granted": granted, "refused": len(decision.rulings) - granted,
        "uses": request.granted_uses, "whole": int(request.granted_whole),
        "until": str(request.granted_until),
    }  # fmt: skip


def _give(taken: Taken, records: list[Record], *, by: str, now: datetime) -> None:
    request = taken.request
    until = request.granted_until
    if until is None:
        raise StepRefused("grant", "missing-evidence", "until")
    unit = Unit.objects.filter(code=request.asker_unit).first() if request.for_unit else None
    request.grant = grant_share(
        request.number, to=unit or request.asker, records=records, purpose=request.purpose,
        uses=request.granted_uses.split(","), whole=request.granted_whole, begins_at=now,
        ends_at=end_of(until), by=by, now=now,
    )  # fmt: skip
    request.decided_at, request.decided_by = now, by
    _tell_asker(request, "request_granted", now=now, facts={"until": str(until)})


def _tell_asker(
    request: UseRequest, kind: str, *, now: datetime, facts: Mapping[str, str | int] | None = None
) -> None:
    tell(
        account_of(request.asked_by), kind, number=request.number,
        path=f"/exchange/{request.number}/", now=now, facts=facts,
    )  # fmt: skip
