"""Pages that belong to no room: display modes, errors, the gallery of parts."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from .gallery import gallery_parts
from .gates import ANYONE, is_script, open_to
from .modes import keep_modes, modes_of
from .params import way_back


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(ANYONE)
def show_modes(request: HttpRequest) -> HttpResponse:
    """The page of the display modes; a POST keeps what was chosen and goes back."""
    if request.method != "POST":
        return render(request, "base/modes.html")
    modes = modes_of(request).with_choices(request.POST.dict())
    response = HttpResponseRedirect(way_back(request), status=HTTPStatus.SEE_OTHER)
    keep_modes(response, modes, secure=request.is_secure())
    return response


@open_to(ANYONE)
def show_gallery(request: HttpRequest) -> HttpResponse:
    """Every component with example values; exists only while DEBUG is on."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "base/gallery.html", gallery_parts(request))


def _error(request: HttpRequest, status: HTTPStatus, title: str, text: str) -> HttpResponse:
    # 500 must not fail again: its page asks nothing of the database.
    template = (
        "base/error_plain.html" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "base/error.html"
    )
    context: dict[str, Any] = {"status": status.value, "title": title, "text": text}
    return render(request, template, context, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Page for 400."""
    return _error(
        request,
        HTTPStatus.BAD_REQUEST,
        _("请求无法识别"),
        _("地址或提交的内容不完整。请返回上一页重试。"),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Page for 403; a program gets it as JSON."""
    title, text = _("没有权限"), _("您的账号不能打开此页。如工作需要，请向本单位管理员申请。")
    if is_script(request):
        return JsonResponse({"message": text}, status=HTTPStatus.FORBIDDEN)
    return _error(request, HTTPStatus.FORBIDDEN, title, text)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Page for a form whose token is missing or old (CSRF_FAILURE_VIEW)."""
    return _error(
        request,
        HTTPStatus.FORBIDDEN,
        _("页面已过期"),
        _("为了安全，此次提交没有生效。请返回上一页刷新后重新提交。"),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Page for 404; also what a hidden record answers, so that it says nothing about existence."""
    return _error(
        request, HTTPStatus.NOT_FOUND, _("没有找到"), _("此页不存在，或者您无权知道它是否存在。")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Page for 500."""
    return _error(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        _("系统出错"),
        _("错误已经记录。请稍后重试；如需协助，请把下面的编号告诉管理员。"),
    )
