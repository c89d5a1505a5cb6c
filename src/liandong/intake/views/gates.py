"""Who may pass: decorators that turn the policies of the room into answers."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from liandong.archive.policies import Viewer
from liandong.archive.viewers import viewer_of

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]


def allowed(may: Callable[[Viewer], bool]) -> Callable[[View[Rest]], View[Rest]]:
    """Let only those pass whom `may` lets pass: others sign in, or are refused."""

    def around(view: View[Rest]) -> View[Rest]:
        @wraps(view)
        def gate(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
            if not may(viewer_of(request)):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return cast("View[Rest]", login_required(gate))

    return around
