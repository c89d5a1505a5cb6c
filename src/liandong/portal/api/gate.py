"""The one way into every operation: key, scope, policy, limit, idempotency, trace, headers.

An operation says `@admits(Entry(...))` and begins with a `Caller`; whatever is refused on the way
is a `Problem`.  Sessions and cookies of the pages count for nothing here.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Final, TypeVar

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from ninja.decorators import decorate_view
from ninja.errors import HttpError, ValidationError

from liandong.base.audit import record_act
from liandong.base.locks import Busy
from liandong.base.middleware import origin_of
from liandong.base.models import Outcome
from liandong.base.viewers import today_of
from liandong.kernel.ports import SearchAway
from liandong.kernel.sealed import CannotOpen
from liandong.kernel.viewer import Viewer
from liandong.portal.models import ApiKey, KeptAnswer
from liandong.portal.policies import Entry
from liandong.portal.queries.keys import scopes_of, viewer_of_key
from liandong.portal.services import answers
from liandong.portal.services.keys import BadKey, TooMany, let_in, room_left

from .problems import Problem, answer_problem, place

log = logging.getLogger(__name__)
JSON: Final = "application/json"
WHERE_MAX: Final = 20  # faults that one answer lists
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
View = TypeVar("View", bound=Callable[..., Any])
Run = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the key, what it may see, when, and the token that makes a POST unique."""

    key: ApiKey
    viewer: Viewer
    now: datetime
    today: int
    token: str = ""  # of a POST

    @property
    def by(self) -> str:
        """The account that answers."""
        return self.viewer.name


def caller_of(request: HttpRequest) -> Caller:
    """The caller of an operation that was entered through its gate."""
    caller = getattr(request, "caller", None)
    if not isinstance(caller, Caller):
        raise TypeError("an operation without a gate")  # a fault of ours: nobody is let in
    return caller


def trace(request: HttpRequest, thing: str) -> None:
    """Say for the audit what this request read: `record:<code>`, `transfer:<id>`."""
    request.traced = thing  # type: ignore[attr-defined]  # read back by `_note_read` only


def admits(entry: Entry) -> Callable[[View], View]:
    """Declare how an operation is entered, and put its gate around it."""

    def mark(view: View) -> View:
        view.entry = entry  # type: ignore[attr-defined]  # read by `portal.api.operations`
        view.policy = entry.policy  # type: ignore[attr-defined]  # read by `base.addresses`

        def around(run: Run) -> Run:
            known = _parameters(run)

            @wraps(run)
            def gate(request: HttpRequest, **parts: Any) -> HttpResponseBase:
                return _through(request, entry, known, lambda: run(request, **parts))

            return gate

        return decorate_view(around)(view)

    return mark


def _parameters(run: Run) -> frozenset[str]:
    """Names that the address of an operation may carry."""
    models = getattr(getattr(run, "__self__", None), "models", ())
    return frozenset(
        name
        for model in models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    )


def _through(
    request: HttpRequest, entry: Entry, known: frozenset[str], run: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    with translation.override(language_of(request)):
        try:
            caller = _enter(request, entry)
            _refuse_unknown(request, known)
            request.caller = caller  # type: ignore[attr-defined]  # read back by `caller_of` only
            answer = _once(request, entry, caller, run) if caller.token else run()
            if entry.act and answer.status_code < 400:
                _note_read(request, entry, caller)
        except Problem as problem:
            answer = answer_problem(request, problem)
        except Exception as error:  # noqa: BLE001 - one shape for every fault, told in the log
            answer = answer_exception(request, error)
        return _dressed(request, answer)


def language_of(request: HttpRequest) -> str:
    """English for who asks for it first, else Chinese."""
    return "en" if request.headers.get("Accept-Language", "").startswith("en") else "zh-hans"


# Who ----------------------------------------------------------------------------------------------


def _enter(request: HttpRequest, entry: Entry) -> Caller:
    now = timezone.now()
    key = _key(request, now)
    left, reset_s = room_left(key, now=now)
    request.room = (key.per_minute, left, reset_s)  # type: ignore[attr-defined]  # for `_dressed`
    viewer = viewer_of_key(key, now=now)
    if not viewer.is_signed_in:
        _refuse(request, key, "account", now)
        raise Problem("bad-key", _("答责账号已停用或已调离"), headers=_CHALLENGE)
    if entry.scope not in scopes_of(key):
        _refuse(request, key, entry.scope, now)
        raise Problem("no-scope", entry.scope)
    if not entry.policy.may(viewer):
        _refuse(request, key, entry.policy.code, now)
        raise Problem("not-allowed", entry.policy.words)
    _refuse_body(request, entry)
    return Caller(key, viewer, now, today_of(request), _token(request))


_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="liandong"'}


def _key(request: HttpRequest, now: datetime) -> ApiKey:
    scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    if not token:
        raise Problem("no-key", headers=_CHALLENGE)
    try:
        return let_in(token, origin=origin_of(request), now=now)
    except TooMany as error:
        request.room = (error.key.per_minute, 0, _up(error.wait_s))  # type: ignore[attr-defined]
        raise Problem("too-many", headers={"Retry-After": str(_up(error.wait_s))}) from None
    except BadKey as error:
        if error.key is not None:
            _refuse(request, error.key, error.reason, now)
        raise Problem("bad-key", _why(error.reason), headers=_CHALLENGE) from None


def _up(seconds: float) -> int:
    return max(1, -int(-seconds // 1))


def _why(reason: str) -> str:
    return {
        "expired": _("已到期"), "revoked": _("已停用"), "network": _("来源地址不在允许的网段"),
    }.get(reason, "")  # fmt: skip


def _refuse(request: HttpRequest, key: ApiKey, why: str, now: datetime) -> None:
    record_act(
        "use_api_key", by=key.account.username, now=now, object=f"page:{request.path}", why=why,
        outcome=Outcome.REFUSED, facts={"key": key.code},
    )  # fmt: skip


def _note_read(request: HttpRequest, entry: Entry, caller: Caller) -> None:
    thing = getattr(request, "traced", "") or f"page:{request.path}"
    facts = {"key": caller.key.code}
    record_act(entry.act, by=caller.by, now=caller.now, object=thing, facts=facts)


def _refuse_unknown(request: HttpRequest, known: frozenset[str]) -> None:
    """A parameter that means nothing is a mistake of the caller, not to be passed over."""
    if unknown := sorted(set(request.GET) - known):
        raise Problem(
            "invalid", where=[place(name[:60], _("没有这个参数")) for name in unknown[:20]]
        )


# The body -----------------------------------------------------------------------------------------


def _refuse_body(request: HttpRequest, entry: Entry) -> None:
    if request.method not in {"POST", "PATCH"} or entry.streams:
        return
    size = request.META.get("CONTENT_LENGTH") or "0"
    if str(size).isdecimal() and int(size) > entry.most_bytes:
        raise Problem("too-large", _("最多 {n} 字节").format(n=entry.most_bytes))
    if size != "0" and request.content_type != JSON:
        raise Problem("bad-media-type", JSON)


def _token(request: HttpRequest) -> str:
    """The idempotency token of a POST; other requests need none."""
    if request.method != "POST":
        return ""
    token = request.headers.get("Idempotency-Key", "")
    if not _TOKEN.fullmatch(token):
        raise Problem("token-missing")
    return token


# Once ---------------------------------------------------------------------------------------------


def _once(
    request: HttpRequest, entry: Entry, caller: Caller, run: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """The kept answer of this request, or the work and its answer, kept."""
    named = (caller.key.line, caller.token, _print_of(request, entry))
    with ExitStack() as held:
        try:
            row = answers.known(*named, now=caller.now)
            if row is None or not entry.keeps:
                held.enter_context(answers.answering(*named[:2]))
                row = answers.begin(*named, now=caller.now)
        except answers.OtherRequest:
            raise Problem("token-reused") from None
        except Busy:
            raise Problem("at-work", headers={"Retry-After": "2"}) from None
        if row.status and entry.keeps:
            return _kept(row)
        return _worked(row, entry, run)


def _worked(row: KeptAnswer, entry: Entry, run: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The work of a token and its answer, kept; a refused or failed one may be sent again."""
    answer: HttpResponseBase | None = None
    try:
        answer = run()
    finally:
        is_done = answer is not None and answer.status_code < 400
        if not is_done:
            answers.let_go(row)
    if isinstance(answer, HttpResponse) and is_done:
        body = answer.content.decode() if entry.keeps else ""
        location = answer.headers.get("Location", "")
        answers.keep(row, status=answer.status_code, body=body, location=location)
    return answer


def _print_of(request: HttpRequest, entry: Entry) -> str:
    """SHA-256 of what was asked.  Of a body that goes to the disk: its length; its digest is said
    in the address."""
    body = (request.META.get("CONTENT_LENGTH") or "").encode() if entry.streams else request.body
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def _kept(row: KeptAnswer) -> HttpResponse:
    answer = HttpResponse(row.body, status=row.status, content_type=f"{JSON}; charset=utf-8")
    answer.headers["Idempotency-Replayed"] = "true"
    if row.location:
        answer.headers["Location"] = row.location
    return answer


# The answer ---------------------------------------------------------------------------------------


def _dressed(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    """The headers that every answer has; an unchanged one is 304."""
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Vary"] = "Authorization, Accept-Language"
    answer.headers["Content-Language"] = translation.get_language() or ""
    if room := getattr(request, "room", None):
        limit, left, reset_s = room
        answer.headers["RateLimit-Policy"] = f'"key";q={limit};w=60'
        answer.headers["RateLimit"] = f'"key";r={left};t={reset_s}'
    if request.method == "GET" and answer.status_code == 200 and isinstance(answer, HttpResponse):
        etag = answer.headers.get("ETag") or quote_etag(
            hashlib.sha256(answer.content).hexdigest()[:32]
        )
        answer.headers["ETag"] = etag
        return get_conditional_response(request, etag=etag, response=answer) or answer
    return answer


def spoken(request: HttpRequest, problem: Problem) -> HttpResponseBase:
    """A problem outside of any operation, in the language of the caller and with its headers."""
    with translation.override(language_of(request)):
        return _dressed(request, answer_problem(request, problem))


def answer_exception(request: HttpRequest, error: Exception) -> HttpResponse:
    """Any exception as a problem; one that nobody foresaw is told in the log with its trace."""
    match error:
        case Problem():
            return answer_problem(request, error)
        case ValidationError():
            return answer_problem(request, Problem("invalid", where=_faults(error)))
        case RequestDataTooBig():
            return answer_problem(request, Problem("too-large"))
        case HttpError(status_code=400) | SuspiciousOperation() | UnreadablePostError():
            return answer_problem(request, Problem("bad-request"))
        case CannotOpen():
            log.warning("api.sealed path=%s why=%s", request.path, error)
            return answer_problem(request, Problem("sealed"))
        case SearchAway():
            log.warning("api.search_away path=%s why=%s", request.path, error)
            return answer_problem(request, Problem("search-away"))
    log.exception("api.fault path=%s", request.path)
    return answer_problem(request, Problem("fault"))


def _faults(error: ValidationError) -> list[dict[str, str]]:
    """Fields and what is wrong with them, without the values: they may be secret or endless."""
    return [
        place(
            ".".join(str(part)[:60] for part in one.get("loc", ())[1:])[:200],
            str(one.get("msg", ""))[:200],
            str(one.get("type", "")),
        )
        for one in error.errors[:WHERE_MAX]
    ]
