"""The edges of the API: whatever Django itself answers below /api/ is a problem as well."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from liandong.base.gates import ANYONE, Policy, open_to

from .gate import answer_exception, language_of, spoken
from .problems import MEDIA_TYPE, Problem

View = Callable[..., HttpResponseBase]
BY_KEY: Final = Policy(
    "api-key", lambda viewer: True, _("持有接口密钥者；逐项权限见接口的操作表"), "operation"
)
REFUSALS: Final = {404: "not-found", 405: "bad-method"}


def only_problems(view: View) -> View:
    """The view, whose refusals all have the shape of a problem.

    Its policy only says that operations have their own: see `portal.api.operations`.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **parts: Any) -> HttpResponseBase:
        try:
            with translation.override(language_of(request)):
                found = view(request, *args, **parts)
        except Http404:
            return spoken(request, Problem("not-found"))
        except Exception as error:  # noqa: BLE001 - one shape for every fault, told in the log
            return answer_exception(request, error)
        if found.status_code in REFUSALS and found.headers.get("Content-Type") != MEDIA_TYPE:
            ways = sorted(filter(None, found.headers.get("Allow", "").split(", ")))
            kept = {"Allow": ", ".join(ways)} if ways else {}
            return spoken(request, Problem(REFUSALS[found.status_code], headers=kept))
        return found

    answer.csrf_exempt = True  # type: ignore[attr-defined]  # no cookie counts here
    answer.policy = BY_KEY  # type: ignore[attr-defined]  # read by `base.gates.policy_of`
    return answer


@open_to(ANYONE)
def unknown_address(request: HttpRequest, rest: str = "") -> HttpResponseBase:
    """Any other address below /api/."""
    return spoken(request, Problem("not-found"))


unknown_address.csrf_exempt = True  # type: ignore[attr-defined]  # it changes nothing
