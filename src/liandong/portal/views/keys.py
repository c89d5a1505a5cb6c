"""The security officer's page of interface keys: who has which, issue, rotate, revoke."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from liandong.base.gates import open_to
from liandong.base.params import number
from liandong.base.viewers import viewer_of
from liandong.portal.forms import KeyForm
from liandong.portal.models import ApiKey
from liandong.portal.policies import MANAGE_KEYS, SCOPES
from liandong.portal.queries.keys import all_keys, state_of
from liandong.portal.services.keys import BadTerms, Issued, issue_key, revoke_key, rotate_key

PAGE_SIZE = 50
TONES = {"live": "done", "revoked": "rejected", "expired": "idle"}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to(MANAGE_KEYS)
def show_keys(request: HttpRequest) -> HttpResponse:
    """Every key with its last use; a POST issues one and shows it this once."""
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (issued := _issue(request, form)):
        return _shown(request, KeyForm(), issued)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return _shown(request, form, None, status)


def _issue(request: HttpRequest, form: KeyForm) -> Issued | None:
    said, now = form.cleaned_data, timezone.now()
    try:
        return issue_key(
            name=said["name"], unit=said["unit"], account=said["account"], scopes=said["scopes"],
            expires_at=now + timedelta(days=said["days"]),
            networks=filter(str.strip, said["networks"].replace("，", ",").split(",")),
            per_minute=said["per_minute"] or 0, by=viewer_of(request).name, now=now,
        )  # fmt: skip
    except BadTerms as error:
        form.add_error(_field(error.reason), _wrong(error))
    return None


def _field(reason: str) -> str:
    known = {"scope": "scopes", "network": "networks", "expiry": "days", "limit": "per_minute"}
    return known.get(reason, reason)


def _wrong(error: BadTerms) -> str:
    words = {
        "account": _("该账号不属于这个机构，或已停用"),
        "network": _("不是网段：{what}").format(what=error.what),
    }
    return words.get(error.reason, _("不合要求"))


def _shown(
    request: HttpRequest, form: KeyForm, issued: Issued | None, status: int = HTTPStatus.OK
) -> HttpResponse:
    before = number(request.GET.get("after"))
    rows = all_keys()
    rows = rows.filter(pk__lt=before) if before else rows
    found = list(rows[: PAGE_SIZE + 1])
    context = {
        "form": form,
        "issued": issued,
        "keys": [_row(key) for key in found[:PAGE_SIZE]],
        "after": found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else "",
    }
    return render(request, "portal/keys.html", context, status=status)


def _row(key: ApiKey) -> dict[str, Any]:
    words = {"live": _("有效"), "revoked": _("已停用"), "expired": _("已到期")}
    state = state_of(key, now=timezone.now())
    return {
        "key": key,
        "state": state,
        "word": words[state],
        "tone": TONES[state],
        "scopes": [(code, SCOPES.get(code, code)) for code in key.scopes.split(",")],
    }


@never_cache
@require_POST
@open_to(MANAGE_KEYS)
def rotate(request: HttpRequest, code: str) -> HttpResponse:
    """A new key on the same terms, shown this once; the old one goes on for a day."""
    try:
        issued = rotate_key(code, by=viewer_of(request).name, now=timezone.now())
    except ApiKey.DoesNotExist:
        raise Http404 from None
    return _shown(request, KeyForm(), issued)


@require_POST
@open_to(MANAGE_KEYS)
def revoke(request: HttpRequest, code: str) -> HttpResponse:
    """End a key at once."""
    try:
        key = revoke_key(code, by=viewer_of(request).name, now=timezone.now())
    except ApiKey.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("接口密钥 {code} 已停用").format(code=key.code))
    return redirect("portal:keys")
