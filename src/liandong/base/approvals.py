"""Acts that need two persons (双人审批): one asks, another decides, and it happens once.

A room registers its acts, in the `ready` of its application:

    register(Act(
        code="destroy_key",                  # also a row of catalog/audit_acts.csv
        name=_("销毁密钥"),
        may_ask=lambda viewer: viewer.officer == Officer.SYSTEM,
        may_decide=lambda viewer, asker: viewer.officer == Officer.SECURITY,
        preview=say_what_is_lost,            # (params) -> sentences; raises ActRefused
        run=destroy_key,                     # (params, by=, asked_by=, now=) -> words shown once
        object_of=lambda params: f"key:{params['key']}",
    ))

`ask` writes the request, `decide` carries it out in its own transaction, so that the decision and
what it changes stand or fall together.  `run` writes its own audit row of the act.  An act that
takes long or touches more than the database has `run=None`: deciding only approves it, and a
command (`--approval N`) calls `spend` in the transaction in which it writes down that it has begun.
Source: GB/T 22239-2019 8.1.4.2 (separation of rights); catalog/roles_three_officers.csv.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from liandong.kernel.viewer import Viewer

from .audit import record_act
from .models import Account, Approval, Outcome
from .viewers import viewer_of_account

LIVES: Final = timedelta(days=7)  # a request, and an approval that no command has spent

Params = Mapping[str, Any]  # plain JSON values
State = Approval.Outcome


class ActRefused(Exception):
    """The act cannot be done as asked; `words` (lazy text) says why to the person."""

    def __init__(self, words: Any) -> None:
        super().__init__(str(words))
        self.words = words


class NotForYou(Exception):
    """The person may not ask for, or decide, this act."""


class NotWaiting(Exception):
    """Decided, withdrawn, used or expired; `number` names the request."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Run(Protocol):
    """Does an act within the transaction of its decision and records it in the audit."""

    def __call__(self, params: Params, *, by: str, asked_by: str, now: datetime) -> str:
        """Words for whoever decides, shown once and kept nowhere; "" for none.

        Raises ActRefused, and then nothing was changed.
        """


@dataclass(frozen=True, slots=True)
class Act:
    """A kind of act that two persons do together."""

    code: str
    name: Any  # lazy text
    may_ask: Callable[[Viewer], bool]
    may_decide: Callable[[Viewer, Viewer], bool]  # who decides, who asked
    preview: Callable[[Params], Sequence[Any]]  # what will change, a sentence each
    run: Run | None  # None: a command carries it out
    object_of: Callable[[Params], str]  # as audit rows name it


_acts: dict[str, Act] = {}


def register(act: Act) -> None:
    """Make an act known; a second one of the same code is a fault of ours."""
    if act.code in _acts:
        raise ValueError(act.code)
    _acts[act.code] = act


def act_of(code: str) -> Act:
    """The registered act of this code.  Raises KeyError."""
    return _acts[code]


def preview(code: str, params: Params) -> list[str]:
    """What the act would change, in words.  Raises ActRefused when it cannot be done."""
    return [str(line) for line in act_of(code).preview(params)]


def may_ask(code: str, viewer: Viewer) -> bool:
    """Whether this person may ask for acts of this kind."""
    return act_of(code).may_ask(viewer)


def may_decide(approval: Approval, viewer: Viewer) -> bool:
    """Whether this person may decide it: never the one who asked, nor the one it is about."""
    about_self = approval.object == f"account:{viewer.name}"
    if approval.asked_by.username == viewer.name or about_self or not viewer.is_signed_in:
        return False
    act = _acts.get(approval.act)
    return act is not None and act.may_decide(viewer, viewer_of_account(approval.asked_by))


def approvals(*, viewer: Viewer, now: datetime) -> list[Approval]:
    """Live requests that this person may decide, the oldest first."""
    waiting = _live(State.WAITING, now).select_related("asked_by__unit").order_by("pk")
    return [one for one in waiting if may_decide(one, viewer)]


def own_approvals(*, viewer: Viewer, limit: int = 100) -> QuerySet[Approval]:
    """What this person asked for or decided, the newest first."""
    mine = Approval.objects.filter(asked_by__username=viewer.name)
    decided = Approval.objects.filter(decided_by__username=viewer.name)
    return (mine | decided).select_related("asked_by", "decided_by")[:limit]


def is_live(approval: Approval, now: datetime) -> bool:
    """Whether it can still be decided."""
    return approval.outcome == State.WAITING and now < approval.until


@transaction.atomic
def ask(code: str, params: Params, *, why: str, by: str, now: datetime) -> Approval:
    """Ask for an act.

    Raises NotForYou, and ActRefused when it cannot be done, lacks a reason or is asked already.
    """
    act, asker = act_of(code), Account.objects.get(username=by)
    if not act.may_ask(viewer_of_account(asker)):
        raise NotForYou
    if not why.strip():
        raise ActRefused(_("请写明事由。"))
    preview(code, params)
    about = act.object_of(params)
    same = _live(State.WAITING, now).filter(act=code, object=about)
    if any(one.params == dict(params) for one in same):
        raise ActRefused(_("同样的申请已在等待审批。"))
    approval = Approval.objects.create(
        act=code, params=dict(params), object=about, why=why.strip()[:500],
        asked_by=asker, asked_at=now, until=now + LIVES,
    )  # fmt: skip
    _note("ask_approval", approval, by=by, now=now, why=why)
    return approval


@transaction.atomic
def decide(
    number: int, *, approve: bool, answer: str = "", by: str, now: datetime
) -> tuple[Approval, str]:
    """Refuse a request, or approve it and carry it out; and the words to show once.

    An act that is no longer possible ends as FAILED, its reason in `answer`, with nothing changed.
    Raises Approval.DoesNotExist, NotForYou and NotWaiting.
    """
    approval = _locked(number)
    account = Account.objects.select_related("unit").get(username=by)
    if not may_decide(approval, viewer_of_account(account)):
        raise NotForYou
    if not is_live(approval, now):
        raise NotWaiting(number)
    act, words = act_of(approval.act), ""
    approval.decided_by, approval.decided_at = account, now
    approval.answer = answer.strip()[:500]
    approval.outcome = State.REFUSED
    if approve:
        approval.outcome, approval.until = State.APPROVED, now + LIVES
        words = _carry_out(act, approval, by=by, now=now)
    approval.save()
    _note("decide_approval", approval, by=by, now=now, why=answer)
    return approval, words


@transaction.atomic
def withdraw(number: int, *, by: str, now: datetime) -> Approval:
    """Take back an own request.  Raises Approval.DoesNotExist, NotForYou and NotWaiting."""
    approval = _locked(number)
    if approval.asked_by.username != by:
        raise NotForYou
    if not is_live(approval, now):
        raise NotWaiting(number)
    approval.outcome = State.WITHDRAWN
    approval.save(update_fields=["outcome"])
    _note("withdraw_approval", approval, by=by, now=now)
    return approval


def spend(number: int, code: str, *, by: str, now: datetime) -> Approval:
    """Use up an approval of an act that a command carries out; its `params` say on what.

    Call it inside the transaction that does the act, or that writes down that it has begun and
    from which it is resumed after a kill.  Raises NotWaiting when it is of another act, not
    approved, spent or expired.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("spend belongs into the transaction of the act")
    approval = Approval.objects.select_for_update().filter(pk=number, act=code).first()
    if approval is None or approval.outcome != State.APPROVED or now >= approval.until:
        raise NotWaiting(number)
    approval.outcome = State.DONE
    approval.save(update_fields=["outcome"])
    _note("use_approval", approval, by=by, now=now)
    return approval


def _carry_out(act: Act, approval: Approval, *, by: str, now: datetime) -> str:
    if act.run is None:
        return ""
    try:
        with transaction.atomic():
            preview(act.code, approval.params)
            words = act.run(approval.params, by=by, asked_by=approval.asked_by.username, now=now)
    except ActRefused as refusal:
        approval.outcome, approval.answer = State.FAILED, str(refusal.words)[:500]
        return ""
    approval.outcome = State.DONE
    return words


def _live(outcome: str, now: datetime) -> QuerySet[Approval]:
    return Approval.objects.filter(outcome=outcome, until__gt=now)


def _locked(number: int) -> Approval:
    return Approval.objects.select_for_update(of=("self",)).select_related("asked_by__unit").get(
        pk=number
    )  # fmt: skip


def _note(act: str, approval: Approval, *, by: str, now: datetime, why: str = "") -> None:
    bad = {State.REFUSED: Outcome.REFUSED, State.FAILED: Outcome.FAILED}
    record_act(
        act,
        by=by,
        now=now,
        object=f"approval:{approval.pk}",
        outcome=bad.get(State(approval.outcome), Outcome.DONE),
        why=why.strip() or approval.answer,
        facts={"act": approval.act, "object": approval.object},
    )
