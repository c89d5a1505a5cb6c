"""Addresses for the tests of `base` alone: its pages, and stand-ins for other rooms."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

from liandong.base import views


def _fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


def _hide(request: HttpRequest) -> HttpResponse:
    raise Http404


urlpatterns = [
    path("", include("liandong.base.urls")),
    path("", include("liandong.base.people.signing_urls")),
    path("fail/", _fail),
    path("hide/", _hide),
    *(
        path(name, views.show_modes)
        for name in ("archive/", "transfers/", "preservation/", "search/")
    ),
]
handler404 = "liandong.base.views.not_found"
handler500 = "liandong.base.views.server_error"
