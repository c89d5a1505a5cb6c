"""Addresses of the room `portal`."""

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern, include, path, re_path

from .api import api, reference
from .api.edges import only_problems, unknown_address
from .open311 import views as open311
from .views import keys


def _wrapped(patterns: Sequence[Any]) -> list[URLPattern]:
    """The addresses of the API, whose every refusal is a problem."""
    return [
        URLPattern(one.pattern, only_problems(one.callback), one.default_args, one.name)
        for one in patterns
    ]


_patterns, _app, _namespace = api.urls
app_name = "portal"
urlpatterns = [
    path("api/v1/", include((_wrapped(_patterns), _app), _namespace)),
    re_path(r"^api/(?P<rest>.*)$", unknown_address, name="unknown"),
    path("open311/v2/discovery.<str:form>", open311.discovery, name="discovery"),
    path("open311/v2/services.<str:form>", open311.list_services, name="services"),
    path(
        "open311/v2/services/<str:service_code>.<str:form>",
        open311.show_definition,
        name="definition",
    ),
    path("open311/v2/requests.csv", open311.send_bulk, name="bulk"),
    path("open311/v2/requests.<str:form>", open311.list_or_open, name="service_requests"),
    path(
        "open311/v2/requests/<str:service_request_id>.<str:form>",
        open311.show_request,
        name="service_request",
    ),
    path("open311/v2/tokens/<uuid:token>.<str:form>", open311.show_token, name="token"),
    path(
        "open311/v2/servicerequestupdates.<str:form>", open311.list_or_take_updates, name="updates"
    ),
    path("open/api/", reference.show_reference, name="reference"),
    path("admin/apikeys/", keys.show_keys, name="keys"),
    path("admin/apikeys/<str:code>/rotate/", keys.rotate, name="rotate_key"),
    path("admin/apikeys/<str:code>/revoke/", keys.revoke, name="revoke_key"),
]
