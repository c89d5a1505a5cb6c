"""What whoever holds the token of a case may know of it: public words, never who or why inside."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.crypto import constant_time_compare, salted_hmac

from liandong.cases.models import Case, CaseEvent, Evidence
from liandong.cases.policies import Bearer
from liandong.kernel.casework import OVER, STATE, Move
from liandong.kernel.clocks import ClockRun
from liandong.kernel.explanations import Line

from .cases import open_moves
from .clocks import explained

BEARER: Final = Bearer(holds_token=True)
STEPS: Final = ("answer", "rate", "dispute", "urge", "remark", "withdraw")
_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)
_ENDED: Final = frozenset({*OVER, "resolved", "reopen_review"})
_SAID: Final[Mapping[str, Sequence[str]]] = {  # actions that are told, and what is told of each
    "submit": (), "ask": ("question",), "answer": ("answer",),
    "remind_answer": (), "lapse": (),
    "reject": ("public_text",), "merge": (), "refer": ("route", "public_text"), "withdraw": (),
    "accept_for_verification": (), "accept": (), "confirm": (), "not_found": (),
    "dispatch": (), "sign_in": (), "extend": ("until",), "park": ("until", "public_text"),
    "resume": (), "hand_in": ("reply",), "solve_on_site": ("reply",), "pass": (), "fail": (),
    "rate": ("score",), "silence": (), "dispute": ("reason",), "accept_reopen": (),
    "refuse_reopen": ("reason",), "urge": (), "remark": ("text",), "file": (),
}  # fmt: skip
_AFTER_PASS: Final = frozenset({"hand_in", "solve_on_site"})  # open until inspection passes


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the requester reads it: what it was, and (code, text) of what is told."""

    at: datetime
    action: str
    said: Sequence[tuple[str, str]]


def case_by_token(digest: str) -> Case | None:
    """The case whose tracking link has the token of this digest; None when there is none."""
    rows = Case.objects.filter(token_hash=digest).exclude(token_hash="")
    return rows.select_related("lead_unit", "requester", "enterprise", "desk_unit").first()


def letter_token(case: Case) -> str:
    """The token of the link in letters: derived, since the server does not have the other one.

    It ends when the link of the requester is made anew.
    """
    named = f"{case.uuid}:{case.token_hash}"
    code = salted_hmac("liandong.cases.letter", named, algorithm="sha256")
    return f"{case.pk:x}-{code.hexdigest()[:40]}"


def case_by_letter(token: str) -> Case | None:
    """The case of the link in a letter; None when it is none, or has ended."""
    key, _dash, code = token.partition("-")
    if len(code) != 40 or len(key) > 15 or not _HEX.fullmatch(key):
        return None
    rows = Case.objects.select_related("lead_unit", "requester", "enterprise", "desk_unit")
    case = rows.filter(pk=int(key, 16)).first()
    return case if case and constant_time_compare(letter_token(case), token) else None


def story(case: Case) -> list[Told]:
    """The events that are told, the newest first."""
    events = list(
        case.events.filter(axis=STATE, action__in=_SAID).select_related("words").order_by("-number")
    )
    passed = _passed_rounds(case)
    return [_told(one) for one in events if one.action not in _AFTER_PASS or one.round in passed]


def _told(event: CaseEvent) -> Told:
    words: Any = getattr(event, "words", None)
    kept = dict(words.said) if words and words.erased_at is None else {}
    known = {**event.facts, **kept}
    said = [(code, str(known[code])) for code in _SAID[event.action] if known.get(code)]
    return Told(event.at, event.action, said)


def _passed_rounds(case: Case) -> frozenset[int]:
    rows = case.events.filter(axis=STATE, action="pass")
    return frozenset(rows.values_list("round", flat=True))


def photos_of(case: Case) -> dict[str, list[Evidence]]:
    """The pictures sent with the report, and those of what was done once inspection passed."""
    sent = case.evidence.filter(event__isnull=False)
    done = sent.filter(part=Evidence.Part.AFTER, event__round__in=_passed_rounds(case))
    return {"before": list(sent.filter(part=Evidence.Part.BEFORE)), "after": list(done)}


def running(case: Case, *, now: datetime) -> list[tuple[ClockRun, list[Line]]]:
    """The clocks that run now, each with its arithmetic."""
    rows = explained(case, now=now)
    return [(run, lines) for run, lines in rows if run.stopped_at is None and not run.paused]


def shown_outcome(case: Case) -> str:
    """The code of the outcome, "" while the matter is open."""
    return case.outcome if case.state in _ENDED else ""


def steps(case: Case, *, now: datetime) -> list[Move]:
    """What the holder of the token may do now."""
    rows = [one for one in open_moves(case, BEARER, now=now) if one.axis == STATE]
    return sorted(
        (one for one in rows if one.action in STEPS), key=lambda one: STEPS.index(one.action)
    )
