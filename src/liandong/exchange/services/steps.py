"""One step of a request: lock, ask the flow, write, add the event and the audit row, or nothing.

A refused step leaves no trace but an audit row that says who was refused, and why.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from liandong.base.audit import record_act
from liandong.base.models import Outcome
from liandong.exchange.flow import SHARE_FLOW
from liandong.exchange.models import RequestEvent, UseRequest
from liandong.exchange.policies import standings
from liandong.kernel.flows import Flow, StepRefused
from liandong.kernel.viewer import Viewer

from .people import viewer_by


@dataclass(slots=True)
class Taken:
    """A step on its way: the locked row, who takes it as what, and what the event will say."""

    request: UseRequest
    viewer: Viewer
    role: str
    why: str = ""
    facts: dict[str, str | int] = field(default_factory=dict)


def chosen_role(flow: Flow, step: str, state: str, roles: Collection[str]) -> str:
    """The standing under which the step may be taken, "" when there is none."""
    return next((role for role in sorted(roles) if flow.may(step, state, role)), "")


@contextmanager
def taking(
    step: str,
    request_id: int,
    *,
    by: str,
    now: datetime,
    given: Collection[str] = (),
    why: str = "",
) -> Iterator[Taken]:
    """The step around what the caller writes; `given` names the evidence that is not blank.

    Raises UseRequest.DoesNotExist, and StepRefused, which the caller may raise as well.
    """
    try:
        with transaction.atomic():
            request = UseRequest.objects.select_for_update().get(pk=request_id)
            viewer, before = viewer_by(by, now=now), request.state
            roles = standings(viewer, asker=request.asked_by, units=request.asked_units)
            role = chosen_role(SHARE_FLOW, step, before, roles)
            request.state = SHARE_FLOW.take(step, before, role, given)
            taken = Taken(request, viewer, role, why)
            yield taken
            request.save()
            RequestEvent.objects.create(
                request=request, step=step, before=before, after=request.state, at=now, by=by,
                role=role, why=taken.why[:1000], facts=taken.facts,
            )  # fmt: skip
            record_act(
                f"request_{step}", by=by, now=now, object=object_of(request), why=taken.why,
                facts=taken.facts,
            )  # fmt: skip
    except StepRefused as refused:
        record_act(
            f"request_{step}", by=by, now=now, object=f"request:{_name(request_id)}",
            outcome=Outcome.REFUSED, why=f"{refused.reason} {refused.detail}".strip(),
        )  # fmt: skip
        raise


def object_of(request: UseRequest) -> str:
    """How the audit names a request."""
    return f"request:{request.number or f'draft-{request.pk}'}"


def _name(request_id: int) -> str:
    number = UseRequest.objects.filter(pk=request_id).values_list("number", flat=True).first()
    return number or f"draft-{request_id}"
