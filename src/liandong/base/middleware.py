"""What every answer carries: an id of the request, and the rules a browser must keep."""

import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from liandong.kernel.findings import word
from liandong.kernel.ports import SearchAway, StoreUnavailable
from liandong.kernel.sealed import CannotOpen

logger = logging.getLogger(__name__)

Answer = Callable[[HttpRequest], HttpResponseBase]

CURRENT_REQUEST: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request being answered, for the log; "" outside of one."""

CURRENT_ORIGIN: ContextVar[str] = ContextVar("request_origin", default="")
"""Network address that the request being answered came from; "" outside of one."""

# Styles stay 'unsafe-inline': the deep-zoom viewer and progress bars place things by `style`.
POLICY: Final = "; ".join((
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'self'",
    "form-action 'self'",
))  # fmt: skip
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

WITH_PLACE: Final = HEADERS["Permissions-Policy"].replace("geolocation=()", "geolocation=(self)")
"""The same header for a page that takes the place once, when a person taps."""

_GIVEN_ID = re.compile(r"[0-9A-Za-z-]{8,64}", re.ASCII)


def request_id(request: HttpRequest) -> str:
    """The id of this request as it stands in the log; "" where the middleware did not run."""
    return str(getattr(request, "trace_id", ""))


def origin_of(request: HttpRequest) -> str:
    """The network address of whoever asks.

    With LIANDONG_PROXIES = n, the n-th address from the right of `X-Forwarded-For`, which the
    outermost proxy of ours wrote; whatever stands left of it a stranger may have made up.
    """
    chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if 0 < settings.PROXIES <= len(chain) and chain[-settings.PROXIES]:
        return chain[-settings.PROXIES][:64]
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


class RequestId:
    """Gives every request an id, in the log, in the answer and on error pages.

    The id of a proxy in front (`X-Request-ID`) is taken over when it is harmless.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        trace_id = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        request.trace_id = trace_id  # type: ignore[attr-defined]  # read back by `request_id` only
        token = CURRENT_REQUEST.set(trace_id)
        origin = CURRENT_ORIGIN.set(origin_of(request))
        try:
            response = self.get_response(request)
        finally:
            CURRENT_REQUEST.reset(token)
            CURRENT_ORIGIN.reset(origin)
        response.headers["X-Request-ID"] = trace_id
        return response


class KeptByNobody:
    """Answers depend on who asks: no shared cache keeps them, no browser shows them to the next.

    A view that says how long its answer may be kept has its way.  What a stranger gets may be kept
    and asked for again; what somebody who signed in gets may not be kept at all.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            user = getattr(request, "user", None)
            known = user is not None and user.is_authenticated
            response["Cache-Control"] = f"private, {'no-store' if known else 'no-cache'}"
        patch_vary_headers(response, ["Cookie"])
        return response


class PartsAway:
    """Answers for content that cannot be opened, a store or an index that is away; never a 500."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """The page that says which part is away and what helps."""
        if isinstance(exception, CannotOpen):
            logger.error("content.sealed code=%s where=%s", exception.code, exception.where)
            language = "en" if get_language() == "en" else "zh"
            title, text = word(exception.code, exception.facts, language)
        elif isinstance(exception, StoreUnavailable):
            logger.error("store.unavailable error=%s", exception.strerror)
            title = _("存储不可用")
            text = _("请稍后再试；没有写入任何内容。管理员请运行 liandong doctor。")
        elif isinstance(exception, SearchAway):
            logger.error("search.away path=%s why=%s", request.path, exception)
            title, text = _("检索暂时不可用"), _("请过几分钟再试。目录和已打开的档案不受影响。")
        else:
            return None
        context = {"status": 503, "title": title, "text": text}
        return render(request, "base/error_plain.html", context, status=503)


class ContentSecurity:
    """Adds the security headers; a view that sets one of them itself keeps its own."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
