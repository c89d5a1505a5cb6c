"""Requests of persons about their own data: asked, identified, answered.  Each step is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from liandong.archive.flow import RIGHTS_FLOW
from liandong.archive.models import (
    PersonalHit,
    Record,
    RightsKind,
    RightsOutcome,
    RightsRequest,
    RightsState,
    RightsStep,
)
from liandong.archive.policies import may_change
from liandong.archive.queries.granting import granted
from liandong.archive.services.correcting import describe
from liandong.archive.services.opening.people import actor_of
from liandong.archive.services.opening.settling import day_of
from liandong.base.audit import record_act
from liandong.base.models import Account
from liandong.base.params import words
from liandong.kernel import catalog
from liandong.kernel.flows import StepRefused
from liandong.kernel.metadata import fields
from liandong.kernel.opening import add_days
from liandong.kernel.person_numbers import PAPERS, normal_number

from .matching import held_anywhere, person_digest, restrict

_ABOUT_RECORDS = {RightsKind.DELETION}  # legal retention wins over these


class BadRequest(Exception):
    """What was asked cannot stand: `reason` is no-name, no-words, no-number or no-kind."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RetentionWins(Exception):
    """Records that law keeps hold the data: it is restricted, not deleted.  Art. 47."""


class OtherPerson(Exception):
    """The number shown at the desk is not the one that was given."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks.  `number` is digested and forgotten."""

    kind: str
    name: str
    words: str
    contact: str = ""
    about: str = ""
    paper: str = ""
    number: str = ""


@transaction.atomic
def ask(asked: Asked, *, by: str, now: datetime, at_desk: bool = False) -> RightsRequest:
    """Write a request down; at the desk an archivist saw the paper, and it is identified at once.

    Raises BadRequest; then nothing is written.
    """
    _refuse(asked, at_desk)
    account = Account.objects.get(username=by)
    digest = person_digest(asked.paper, asked.number) if asked.number else ""
    seen = at_desk and bool(digest)
    request = RightsRequest.objects.create(
        number=_next_number(now),
        kind=asked.kind,
        state=RightsState.IDENTIFIED if seen else RightsState.RECEIVED,
        account=None if at_desk else account,
        taken_by=by if at_desk else "",
        name=words(asked.name.strip())[:100],
        contact=words(asked.contact.strip())[:200],
        paper=asked.paper if digest else "",
        last_four=normal_number(asked.paper, asked.number)[-4:] if digest else "",
        digest=digest,
        about=words(asked.about.strip())[:300],
        words=asked.words.replace("\0", "").strip()[:2000],
        asked_at=now,
        answer_until=add_days(day_of(now), settings.RIGHTS_ANSWER_DAYS),
        identified_at=now if seen else None,
        identified_by=by if seen else "",
    )
    _note(request, "ask", "", by, now, act="ask_rights", facts={"kind": asked.kind})
    return request


def _refuse(asked: Asked, at_desk: bool) -> None:
    if asked.kind not in RightsKind.values:
        raise BadRequest("no-kind")
    if not asked.name.strip():
        raise BadRequest("no-name")
    if not asked.words.replace("\0", "").strip():
        raise BadRequest("no-words")
    known = asked.paper in PAPERS and bool(normal_number(asked.paper, asked.number))
    if (at_desk or asked.number) and not known:
        raise BadRequest("no-number")


def _next_number(now: datetime) -> str:
    """QL2026-0001, and so on within the year."""
    year = day_of(now) // 10_000
    last = RightsRequest.objects.filter(number__startswith=f"QL{year}-").order_by("-pk").first()
    return f"QL{year}-{int(last.number.split('-')[1]) + 1 if last else 1:04d}"


def identify(request_id: int, number: str, *, by: str, now: datetime) -> RightsRequest:
    """An archivist saw the paper, and its number is the one that was given online.

    Raises StepRefused, and OtherPerson when it is another number.
    """
    with transaction.atomic():
        request = _locked(request_id)
        target = _take(request, "identify", by, {"number": number.strip()})
        if not request.digest or person_digest(request.paper, number) != request.digest:
            raise OtherPerson
        request.state, request.identified_at, request.identified_by = target, now, by
        request.save(update_fields=["state", "identified_at", "identified_by"])
        _note(request, "identify", "", by, now, act="identify_person")
        return request


def extend(request_id: int, days: int, reason: str, *, by: str, now: datetime) -> RightsRequest:
    """Give the answer so many days more, with a reason that the person reads.

    Raises StepRefused.
    """
    with transaction.atomic():
        request = _locked(request_id)
        step = "extend" if request.state == RightsState.RECEIVED else "extend_identified"
        _take(request, step, by, {"reason": reason.strip()})
        if not 1 <= days <= 2 * settings.RIGHTS_ANSWER_DAYS:
            raise StepRefused("extend", "missing-evidence", "days")
        request.answer_until = add_days(request.answer_until, days)
        request.save(update_fields=["answer_until"])
        _note(request, "extend", reason, by, now, act="extend_rights", facts={"days": days})
        return request


def withdraw_request(request_id: int, *, by: str, now: datetime) -> RightsRequest:
    """The person does not ask any more.  Raises StepRefused."""
    with transaction.atomic():
        request = _locked(request_id)
        request.state = _take(request, "withdraw", by, {})
        request.save(update_fields=["state"])
        _note(request, "withdraw", "", by, now, act="withdraw_rights")
        return request


def answer(
    request_id: int,
    outcome: str,
    text: str,
    basis: str,
    *,
    by: str,
    now: datetime,
    told: Sequence[PersonalHit] = (),
) -> RightsRequest:
    """Answer with the article it rests on; `told` are the hits that the person is told of.

    Deletion of what law keeps raises RetentionWins; with the outcome `restricted` the masks over it
    are confirmed instead.  Only an identified person is told of hits.  Raises StepRefused.
    """
    with transaction.atomic():
        request = _locked(request_id)
        given = {"outcome": outcome, "answer": text.strip(), "basis": basis}
        target = _take(request, "answer", by, given)
        _check_answer(request, outcome, basis, told)
        if outcome == RightsOutcome.RESTRICTED:
            restrict(request, by=by, now=now)
        request.state, request.outcome, request.basis = target, outcome, basis
        request.answer = text.replace("\0", "").strip()[:4000]
        request.found = [_told(hit) for hit in told]
        request.answered_at, request.answered_by = now, by
        request.save()
        facts: dict[str, str | int] = {"outcome": outcome, "basis": basis}
        _note(request, "answer", "", by, now, act="answer_rights", facts=facts)
        return request


def _check_answer(
    request: RightsRequest, outcome: str, basis: str, told: Sequence[PersonalHit]
) -> None:
    row = catalog.by_key("rights_bases", "code").get(basis)
    if outcome not in RightsOutcome.values or row is None:
        raise StepRefused("answer", "missing-evidence", "outcome basis")
    if request.kind not in row["kinds"].split("|"):
        raise StepRefused("answer", "wrong-basis", basis)
    if told and request.state != RightsState.IDENTIFIED:
        raise StepRefused("answer", "not-identified")
    deletes = request.kind in _ABOUT_RECORDS and outcome in {"granted", "partly"}
    if deletes and held_anywhere(request):
        raise RetentionWins
    if outcome == RightsOutcome.RESTRICTED and request.state != RightsState.IDENTIFIED:
        raise StepRefused("answer", "not-identified")


def _told(hit: PersonalHit) -> dict[str, str | int]:
    return {"code": hit.record.code, "page": hit.page, "kind": hit.kind}


def annotate(request_id: int, code: str, text: str, *, by: str, now: datetime) -> Record:
    """Correct what a record says by an annotation beside it; the original is never altered.

    Source: 档案法 (2020) art. 21; 个人信息保护法 (2021) art. 46.
    Raises Record.DoesNotExist, StepRefused (no correction was asked for, or no words), and what
    `correcting.describe` raises.
    """
    request = RightsRequest.objects.get(pk=request_id)
    text = words(text.strip())
    if request.kind != RightsKind.CORRECTION or request.state in RIGHTS_FLOW.final:
        raise StepRefused("annotate", "wrong-state", request.state)
    if not text:
        raise StepRefused("annotate", "missing-evidence", "words")
    record = granted(may_change(actor_of(by))).get(code=code)
    before = record.description.get("annotation", "")
    line = f"更正说明（{request.number}）：{text}"
    merged = f"{before}\n{line}" if before else line
    longest = fields()["annotation"].max_length
    done = describe(record, {"annotation": merged[-longest:]}, by=by, now=now)
    with transaction.atomic():
        _note(
            request, "annotate", f"{record.code} {text}", by, now, act="annotate_record",
            about=f"record:{record.code}",
        )  # fmt: skip
    return done


def _locked(request_id: int) -> RightsRequest:
    return RightsRequest.objects.select_for_update(of=("self",)).get(pk=request_id)


def _take(request: RightsRequest, step: str, by: str, given: Mapping[str, str]) -> str:
    roles = set() if by in {"system", "cli"} else set(actor_of(by).roles & {"archivist"})
    if request.account and request.account.username == by:
        roles.add("person")
    able = roles & RIGHTS_FLOW.steps[step].roles
    named = {name for name, text in given.items() if text}
    return RIGHTS_FLOW.take(step, request.state, min(able) if able else "", named)


def _note(
    request: RightsRequest,
    step: str,
    said: str,
    by: str,
    now: datetime,
    *,
    act: str,
    about: str = "",
    facts: Mapping[str, str | int] | None = None,
) -> None:
    RightsStep.objects.create(request=request, step=step, words=words(said.strip()), at=now, by=by)
    record_act(
        act, by=by, now=now, object=about or f"rights:{request.number}", why=said, facts=facts
    )
