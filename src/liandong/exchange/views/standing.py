"""Small pieces that several pages of the room share."""

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from liandong.exchange.models import LoanState, RequestState, VisitState
from liandong.exchange.wording import refusal_words
from liandong.kernel.flows import StepRefused


def state_word(state: str) -> str:
    """A state of a request, or "ended" for a grant that ran out, in words."""
    if state == "ended":
        return _("已到期")
    return str(dict(RequestState.choices).get(state, ""))


def visit_word(state: str) -> str:
    """A state of a visit in words."""
    return str(dict(VisitState.choices).get(state, ""))


def loan_word(state: str) -> str:
    """A state of a loan in words."""
    return str(dict(LoanState.choices).get(state, ""))


def say_refusal(request: HttpRequest, refused: StepRefused) -> None:
    """Tell the person why a step was not taken."""
    messages.error(request, refusal_words(refused))
