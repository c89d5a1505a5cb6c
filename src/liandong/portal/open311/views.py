"""The calls of Open311 GeoReport v2, strict: what the standard has not is not answered.

`page`, `page_size`, `updated_after` and `updated_before`, `extensions` and the multipart field
`media` are extensions, on where `LIANDONG_OPEN311_EXTENSIONS` says so.  A POST needs `api_key`, an
interface key with the scope `reports:write`.  An update is a step of the reporter, and only on a
request that came in by this interface.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Final
from uuid import UUID, uuid5

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from liandong.base.gates import ANYONE, open_to
from liandong.base.middleware import origin_of
from liandong.base.params import number
from liandong.base.tables import CSV, csv_bytes
from liandong.cases.models import Case, Evidence
from liandong.cases.policies import Bearer
from liandong.cases.queries.public import MOST, Asked, public_case, public_list, public_moves
from liandong.cases.services.opening import BadReport, Report, open_case
from liandong.cases.services.photos import BadPhoto, keep_photo
from liandong.cases.services.stepping import Given, Stale, take_step
from liandong.kernel.casework import EXITS
from liandong.kernel.flows import StepRefused
from liandong.portal.queries.keys import scopes_of, viewer_of_key
from liandong.portal.services.keys import BadKey, TooMany, let_in

from . import shapes
from .writing import FORMATS, Listed, answer

SPAN: Final = timedelta(days=90)
LONGEST: Final = 4000
SCOPE: Final = "reports:write"
SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
CHANGED: Final = "2026-11-01T00:00:00+08:00"
_SPACE: Final = UUID("9f1a1c9e-54a3-4b7b-9f0a-311311311311")


class Refused(Exception):
    """An error of the standard: HTTP status, and one description or several."""

    def __init__(self, status: int, *descriptions: str) -> None:
        super().__init__(descriptions)
        self.status = status
        self.descriptions = descriptions


def _call(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer errors in the format that was asked for; unknown formats are not there."""

    @wraps(view)
    def around(request: HttpRequest, form: str, **parts: Any) -> HttpResponse:
        if form not in FORMATS:
            form = "xml"
            return _errors(Refused(404, "no such format"), form)
        try:
            _jurisdiction(request)
            return view(request, form, **parts)
        except Refused as refused:
            return _errors(refused, form)

    return around


def _errors(refused: Refused, form: str) -> HttpResponse:
    rows = [{"code": str(refused.status), "description": one} for one in refused.descriptions]
    return answer(Listed("errors", "error", rows), form, status=refused.status)


def _jurisdiction(request: HttpRequest) -> None:
    """One jurisdiction is served: its own id may be given, another is not found."""
    asked = _given(request).get("jurisdiction_id", "")
    if asked and asked != settings.JURISDICTION:
        raise Refused(404, f"jurisdiction_id {asked[:60]} was not found")


def _given(request: HttpRequest) -> dict[str, str]:
    """Parameters that are not blank: an empty one equals an absent one."""
    sent = request.POST if request.method == "POST" else request.GET
    return {name: sent[name].replace("\0", "") for name in sent if sent[name].strip()}


# What there is ------------------------------------------------------------------------------------


@require_safe
@open_to(ANYONE)
@_call
def discovery(request: HttpRequest, form: str) -> HttpResponse:
    """Where the endpoints are, and what they speak."""
    base = request.build_absolute_uri("/open311/v2").rstrip("/")
    formats = Listed("formats", "format", ["text/xml", "application/json"])
    endpoints = [
        {"specification": SPECIFICATION, "url": base, "changeset": CHANGED, "type": kind,
         "formats": formats}
        for kind in ("production", "test")
    ]  # fmt: skip
    content = {
        "changeset": CHANGED, "contact": settings.ARCHIVE_NAME,
        "key_service": request.build_absolute_uri("/open/api/"),
        "endpoints": Listed("endpoints", "endpoint", endpoints),
    }  # fmt: skip
    return answer(content, form, root="discovery")


@require_safe
@open_to(ANYONE)
@_call
def list_services(_request: HttpRequest, form: str) -> HttpResponse:
    """What can be reported."""
    return answer(shapes.services(), form)


@require_safe
@open_to(ANYONE)
@_call
def show_definition(_request: HttpRequest, form: str, service_code: str) -> HttpResponse:
    """The questions of a service that has some."""
    if shapes.service_row(service_code) is None or not shapes.attributes_of(service_code):
        raise Refused(404, f"service_code {service_code[:60]} was not found")
    return answer(shapes.definition(service_code), form, root="service_definition")


# Requests -----------------------------------------------------------------------------------------


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ANYONE)
@_call
def list_or_open(request: HttpRequest, form: str) -> HttpResponse:
    """GET lists public requests, POST opens one and needs a key."""
    if request.method == "POST":
        return answer(_opened(request), form, status=201)
    given = _given(request)
    if ids := given.get("service_request_id"):
        found = [public_case(one.strip()) for one in ids.split(",")[:MOST]]
        return answer(_requests(request, [one for one in found if one is not None]), form)
    start, size = _page(given)
    rows = public_list(_asked(given))[start : start + size]
    return answer(_requests(request, list(rows)), form)


def _requests(request: HttpRequest, cases: Sequence[Case]) -> Listed:
    return shapes.requests(cases, request.build_absolute_uri)


def _page(given: Mapping[str, str]) -> tuple[int, int]:
    if not settings.OPEN311_EXTENSIONS:
        return 0, MOST
    size = min(number(given.get("page_size"), 0) or MOST, MOST)
    return (max(number(given.get("page"), 1), 1) - 1) * size, size


def _asked(given: Mapping[str, str]) -> Asked:
    since, until = _moment(given, "start_date"), _moment(given, "end_date")
    if since and until and until < since:
        raise Refused(400, "end_date is before start_date")
    if since is None:
        since = (until or timezone.now()) - SPAN
    if until is None:
        until = since + SPAN
    if until - since > SPAN:
        raise Refused(400, "start_date and end_date may be at most 90 days apart")
    status = frozenset(filter(None, given.get("status", "").split(",")))
    if status - {"open", "closed"}:
        raise Refused(400, "status must be open or closed")
    codes = [one for one in given.get("service_code", "").split(",") if one]
    if not settings.OPEN311_EXTENSIONS:
        return Asked(since, until, codes, status)
    after, before = _moment(given, "updated_after"), _moment(given, "updated_before")
    return Asked(since, until, codes, status, after, before)


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        found = parse_datetime(given[name].replace(" ", "+"))  # a plus that a form did not escape
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise Refused(400, f"{name} must be ISO 8601 with a zone")
    return found


@require_safe
@open_to(ANYONE)
@_call
def show_request(request: HttpRequest, form: str, service_request_id: str) -> HttpResponse:
    """One request, as a list of one."""
    case = public_case(service_request_id)
    if case is None:
        raise Refused(404, f"service_request_id {service_request_id[:60]} was not found")
    return answer(_requests(request, [case]), form)


@require_safe
@open_to(ANYONE)
@_call
def show_token(_request: HttpRequest, form: str, token: UUID) -> HttpResponse:
    """The id that a token stands for."""
    case = Case.objects.filter(uuid=token).first()
    if case is None or not case.kind_of.open311:
        raise Refused(404, "token was not found")
    rows = [{"service_request_id": case.number, "token": str(token)}]
    return answer(Listed("service_requests", "request", rows), form)


# Opening ------------------------------------------------------------------------------------------


def _opened(request: HttpRequest) -> Listed:
    given, now = _given(request), timezone.now()
    _key(request, given, now)
    row = shapes.service_row(given.get("service_code", ""))
    if "service_code" not in given:
        raise Refused(400, "service_code was not provided")
    if row is None:
        raise Refused(404, "service_code was not found")
    place = _place(given)
    words = _words(request, row["local_code"], given)
    uuid = _uuid(given)
    photos = _media(request, uuid, now=now)
    if not words and not photos:
        raise Refused(400, "description was not provided")
    contact: dict[str, str] = {
        name: given[name][:200] for name in ("email", "phone", "first_name", "last_name")
        if name in given
    }  # fmt: skip
    report = Report(
        "snap_report", "open311", {"text": words}, uuid=uuid, category=row["local_code"],
        contact=contact, **place,
    )  # fmt: skip
    try:
        done = open_case(report, by=Bearer(), now=now, evidence=photos)
    except BadReport as bad:
        raise Refused(400, *(f"{name}: {code}" for name, code in bad.faults)) from None
    told = {"service_request_id": done.case.number, "service_notice": None, "account_id": None}
    return Listed("service_requests", "request", [told])


def _key(request: HttpRequest, given: Mapping[str, str], now: datetime) -> None:
    """Raises Refused (403) without a live key that may report."""
    if "api_key" not in given:
        raise Refused(403, "api_key was not provided")
    try:
        key = let_in(given["api_key"], origin=origin_of(request), now=now)
    except BadKey:
        raise Refused(403, "api_key is not valid") from None
    except TooMany:
        raise Refused(403, "api_key has used up its limit, try again later") from None
    if SCOPE not in scopes_of(key) or not viewer_of_key(key, now=now).is_signed_in:
        raise Refused(403, f"api_key lacks the scope {SCOPE}")


def _place(given: Mapping[str, str]) -> dict[str, Any]:
    """Coordinates, or an address.  Raises Refused when neither is given, or one half."""
    if "lat" in given or "long" in given:
        try:
            lat, lon = float(given.get("lat", "")), float(given.get("long", ""))
        except ValueError:
            raise Refused(400, "lat and long must both be numbers") from None
        if not (abs(lat) <= 90 and abs(lon) <= 180):  # false for nan as well
            raise Refused(400, "lat and long must lie on the earth")
        return {"lat": lat, "lon": lon, "datum": "wgs84",
                "address": given.get("address_string", "")[:200]}  # fmt: skip
    address = given.get("address_string") or given.get("address_id")
    if not address:
        raise Refused(400, "one of lat and long, address_string, address_id must be provided")
    return {"address": address[:200]}


def _words(request: HttpRequest, code: str, given: Mapping[str, str]) -> str:
    """The description with the answers to the questions of the service below it."""
    words = given.get("description", "").strip()
    if len(words) > LONGEST:
        raise Refused(400, f"description is longer than {LONGEST} characters")
    lines, faults = [words] if words else [], []
    for one in shapes.attributes_of(code):
        sent = _sent(request, one["code"])
        choices = dict(shapes.choices_of(one))
        if not sent and one["required"] == "Y":
            faults.append(f"{one['code']} is required")
        if choices and set(sent) - choices.keys():
            faults.append(f"{one['code']} must be one of {', '.join(choices)}")
        elif sent:
            told = "、".join(choices.get(text, text) for text in sent)
            lines.append(f"{one['description_zh']}：{told}")
    if faults:
        raise Refused(400, *faults)
    return "\n".join(lines)[:LONGEST]


def _sent(request: HttpRequest, code: str) -> list[str]:
    name = f"attribute[{code}]"
    found = request.POST.getlist(f"{name}[]") or request.POST.getlist(name)
    return [one.strip()[:200] for one in found if one.strip()]


def _uuid(given: Mapping[str, str]) -> UUID:
    """The same request sent again within a minute by the same key is the same case."""
    minute = timezone.now().strftime("%Y%m%d%H%M")
    told = "\n".join(f"{name}={text}" for name, text in sorted(given.items()))
    return uuid5(_SPACE, f"{minute}\n{told}")


def _media(request: HttpRequest, uuid: UUID, *, now: datetime) -> list[Evidence]:
    """Photos of the extension field `media`; an address in `media_url` is never fetched."""
    if not settings.OPEN311_EXTENSIONS or Case.objects.filter(uuid=uuid).exists():
        return []
    kept = []
    for file in request.FILES.getlist("media")[:6]:
        try:
            kept.append(keep_photo(
                file.read(), case_uuid=uuid, part="before", name=file.name or "photo.jpg",
                by="", now=now,
            ))  # fmt: skip
        except BadPhoto as bad:
            raise Refused(400, f"media: {bad.code}") from None
    return kept


# Updates and bulk ---------------------------------------------------------------------------------


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ANYONE)
@_call
def list_or_take_updates(request: HttpRequest, form: str) -> HttpResponse:
    """Changes of state, and an update of whoever reported through a key; as FixMyStreet does."""
    if request.method == "POST":
        taken = [{"update_id": _updated(request)}]
        return answer(Listed("service_request_updates", "request_update", taken), form)
    asked = _asked(_given(request))
    rows = [
        {
            "update_id": f"{one.case_id}-{one.number}", "service_request_id": one.case.number,
            "status": shapes.update_status(one.after, one.case.outcome),
            "updated_datetime": timezone.localtime(one.at).isoformat(timespec="seconds"),
            "description": None, "media_url": None, "external_status_code": one.after,
        }
        for one in public_moves(asked.since, asked.until)
    ]  # fmt: skip
    return answer(Listed("service_request_updates", "request_update", rows), form)


def _updated(request: HttpRequest) -> str:
    """Take an update in as a step of the reporter; its id.  Once per id and request."""
    given, now = _given(request), timezone.now()
    _key(request, given, now)
    names = ("service_request_id", "update_id", "status", "description")
    if missing := [name for name in names if name not in given]:
        raise Refused(400, *(f"{name} was not provided" for name in missing))
    case = public_case(given["service_request_id"])
    if case is None or case.channel != "open311":
        raise Refused(404, f"service_request_id {given['service_request_id'][:60]} was not found")
    update, words = given["update_id"][:60], given["description"].strip()[:LONGEST]
    if case.events.filter(facts__update_id=update).exists():
        raise Refused(400, f"update_id {update} already exists")
    action, need = _step_of(case, given["status"])
    try:
        take_step(
            case.pk, action, by=Bearer(holds_token=True), now=now, seen=case.last,
            given=Given({need: words}, facts={"update_id": update}),
        )  # fmt: skip
    except Stale:
        raise Refused(400, "the request has just changed, try again") from None
    except StepRefused as refused:
        raise Refused(400, f"status {given['status'][:20]}: {refused.reason}") from None
    return update


def _step_of(case: Case, status: str) -> tuple[str, str]:
    """The step that an update is, and the code of its words: what else it says, people decide."""
    if case.state == "needs_info":
        return "answer", "answer"
    if status.upper() in {"OPEN", "REOPEN"} and case.state in {"resolved", *EXITS}:
        return "dispute", "reason"
    return "remark", "text"


BULK: Final = (
    "service_request_id", "requested_datetime", "updated_datetime", "closed_date",
    "status_description", "status_notes", "source", "service_name", "service_subtype",
    "description", "agency_responsible", "address", "lat", "long",
)  # fmt: skip


@require_safe
@open_to(ANYONE)
def send_bulk(request: HttpRequest) -> HttpResponse:
    """The same list as CSV (GeoReport Bulk, proposed)."""
    try:
        rows = public_list(_asked(_given(request)))[:MOST]
    except Refused as refused:
        return _errors(refused, "xml")
    lines = [_line(one) for one in rows]
    return HttpResponse(csv_bytes(BULK, lines), content_type=CSV)


def _line(case: Case) -> list[str]:
    row = shapes.request_of(case)
    row |= {
        "closed_date": row["updated_datetime"] if row["status"] == "closed" else None,
        "status_description": row["status"], "source": case.channel, "service_subtype": None,
    }  # fmt: skip
    return ["" if row[name] is None else str(row[name]) for name in BULK]
