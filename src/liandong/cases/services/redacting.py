"""The redacted view of a case: everything that was done, and nobody's number, name or address.

Words of people go through the masks of `kernel.privacy`; whoever raised the case is named by that
alone.  Source: casework design §12, rule 4; 个人信息保护法 art. 73 (de-identification).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from liandong.base.models import Account
from liandong.cases import wording
from liandong.cases.models import Case, CaseEvent
from liandong.cases.queries.clocks import clocks_of
from liandong.kernel.clocks import ClockRun
from liandong.kernel.privacy import find_in_texts, mask_text

from .stepping import at_text

FORMAT = "liandong-case/1"
REPORTER = "reporter"


def masked(texts: Sequence[str], *, today: date) -> list[str]:
    """The texts of one case with what identifies a person masked; a name in one is found in all."""
    found = find_in_texts(texts, today=today)
    return [mask_text(text, hits) for text, hits in zip(texts, found, strict=True)]


def redacted(case: Case, *, now: datetime) -> dict[str, Any]:
    """The case as it goes into the archive: form, axes, clocks, every event with hash and words."""
    events = list(case.events.select_related("words").order_by("number"))
    names = _names(events)
    view: dict[str, Any] = {
        "format": FORMAT, "number": case.number, "uuid": str(case.uuid), "kind": case.kind,
        "kind_name": case.kind_of.name_zh, "channel": case.channel,
        "title": case.title, "text": case.text, "form": dict(case.form),
        "category": case.category, "category_name": wording.category_word(case.category),
        "severity": case.severity, "lat": case.lat, "lon": case.lon,
        **_standing(case),
        "clocks": [_clock(one) for one in clocks_of(case, now=now)],
        "events": [_event(one, names) for one in events],
    }  # fmt: skip
    view = _masked_words(view, today=timezone.localdate(now))
    # The place of a thing is what the case is about; of a matter without one it may be a home.
    view["address"] = case.address if case.kind_of.place == "required" else ""
    return view


def _standing(case: Case) -> dict[str, Any]:
    return {
        "state": case.state, "ledger": case.ledger, "record": case.record, "round": case.round,
        "outcome": case.outcome, "score": case.score, "policy": case.policy,
        "calendar": case.calendar,
        "lead_unit": {"code": case.lead, "name": case.lead_unit.name if case.lead_unit else ""},
        "parent": case.parent.number if case.parent else "",
        "submitted_at": at_text(case.submitted_at),
        "over_at": at_text(case.over_at) if case.over_at else "",
    }  # fmt: skip


def _names(events: Sequence[CaseEvent]) -> dict[str, str]:
    """Full names of the officials who acted, by account; of whoever raised the case none."""
    acting = {one.by for one in events if one.role != REPORTER}
    rows = Account.objects.filter(username__in=acting).values_list("username", "full_name")
    return {username: name for username, name in rows if name}


def who(event: CaseEvent, names: Mapping[str, str]) -> str:
    """Who acted, as the record says it."""
    if event.role in {REPORTER, "system"}:
        return str(wording.ROLE_WORDS[event.role])
    return names.get(event.by, event.by)


def _event(event: CaseEvent, names: Mapping[str, str]) -> dict[str, Any]:
    words = getattr(event, "words", None)
    is_erased = words is not None and words.erased_at is not None
    return {
        "number": event.number, "at": at_text(event.at), "by": who(event, names),
        "role": event.role, "unit": event.unit, "axis": event.axis, "action": event.action,
        "name": wording.action_word(event.action), "before": event.before, "after": event.after,
        "round": event.round, "sets": event.sets, "facts": event.facts,
        "evidence": event.evidence, "payload": event.payload, "previous": event.previous,
        "hash": event.hash, "said": dict(words.said) if words and not is_erased else {},
        "erased": is_erased,
    }  # fmt: skip


def _masked_words(view: dict[str, Any], *, today: date) -> dict[str, Any]:
    """Title, text, form and what was said at each event, masked together."""
    fields = [("title",), ("text",), *(("form", name) for name in view["form"])]
    said = [(at, name) for at, one in enumerate(view["events"]) for name in one["said"]]
    texts = [str(view[one[0]] if len(one) == 1 else view[one[0]][one[1]]) for one in fields]
    texts += [str(view["events"][at]["said"][name]) for at, name in said]
    plain = masked(texts, today=today)
    for one, text in zip(fields, plain, strict=False):
        if len(one) == 1:
            view[one[0]] = text
        else:
            view[one[0]][one[1]] = text
    for (at, name), text in zip(said, plain[len(fields) :], strict=True):
        view["events"][at]["said"][name] = text
    return view


def _clock(run: ClockRun) -> dict[str, Any]:
    return {
        "code": run.code, "name": run.kind.name["zh"], "round": run.round, "unit": run.unit,
        "started_at": at_text(run.started_at), "due_at": at_text(run.due_at),
        "stopped_at": at_text(run.stopped_at) if run.stopped_at else "", "late": run.overdue,
    }  # fmt: skip
