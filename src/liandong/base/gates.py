"""Who may pass: every view declares its policy, and the role × URL matrix is read from them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Final, NoReturn, ParamSpec, Protocol, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liandong.kernel.access import Rule
from liandong.kernel.viewer import Viewer

from .audit import record_act
from .models import Outcome
from .viewers import viewer_of

Rest = ParamSpec("Rest")
Answer = TypeVar("Answer", bound=HttpResponseBase)


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may open an address.  `scope` names the object whose own rule decides besides.

    Where the rule of the object is known it stands here, so that the tests of every address compare
    what is answered with `holds`.
    """

    code: str  # as the matrix prints it
    may: Callable[[Viewer], bool]
    words: Any  # lazy text: who that is
    scope: str = ""  # "record", "batch", …: hidden ones answer 404
    sees: Callable[[Viewer, int], Rule] | None = None  # on a day YYYYMMDD; the others get 404
    acts: Callable[[Viewer, int], Rule] | None = None  # those who see it and more, or get 403


class Declared(Protocol):
    """A view that says who may open it."""

    policy: Policy


ANYONE: Final = Policy("anyone", lambda viewer: True, _("任何人"))
SIGNED_IN: Final = Policy("signed-in", lambda viewer: viewer.is_signed_in, _("已登录者"))


def open_to(
    policy: Policy,
) -> Callable[
    [Callable[Concatenate[HttpRequest, Rest], Answer]],
    Callable[Concatenate[HttpRequest, Rest], Answer],
]:
    """Let only those pass whom the policy lets pass: strangers sign in, others are refused.

    A refusal (403) leaves a row in the audit.
    """

    def around(
        view: Callable[Concatenate[HttpRequest, Rest], Answer],
    ) -> Callable[Concatenate[HttpRequest, Rest], Answer]:
        @wraps(view)
        def gate(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> Answer:
            viewer = viewer_of(request)
            if policy.may(viewer):
                return view(request, *args, **kwargs)
            if not viewer.is_signed_in and not is_script(request):
                return cast("Answer", redirect_to_login(request.get_full_path()))
            refuse(request)

        gate.policy = policy  # type: ignore[attr-defined]  # read by `policy_of`
        return cast("Callable[Concatenate[HttpRequest, Rest], Answer]", gate)

    return around


def policy_of(view: Any) -> Policy | None:
    """The declared policy of a view, None when it has none."""
    found = getattr(view, "policy", None)
    return found if isinstance(found, Policy) else None


def is_script(request: HttpRequest) -> bool:
    """Whether a program asks, to which a sign-in page would say nothing."""
    return "application/json" in {request.content_type, request.headers.get("Accept")}


def refuse(request: HttpRequest) -> NoReturn:
    """Answer 403 and leave a row in the audit."""
    record_act(
        "open_page",
        by=viewer_of(request).name,
        now=timezone.now(),
        object=f"page:{request.path}",
        outcome=Outcome.REFUSED,
    )
    raise PermissionDenied
