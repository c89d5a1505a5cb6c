"""The contract of the API (OpenAPI 3.1), completed with what every operation has.

Ninja knows parameters and bodies; the gate's part is written once here: the key, the scope, the
idempotency token, every refusal as problem+json.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404
from django.utils.translation import gettext
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation as Route
from pydantic.json_schema import models_json_schema

from liandong.base.gates import Policy
from liandong.portal.policies import SCOPES, Entry

from . import shapes
from .problems import MEDIA_TYPE, PROBLEMS

VERSION: Final = "1.0.0"
EVERYWHERE: Final = ("no-key", "bad-key", "no-scope", "not-allowed", "too-many")
_WORDS: Final = frozenset({"description", "summary"})
_HEADERS: Final[Mapping[str, Any]] = {
    "RateLimit": {
        "description": "这把密钥还可立即请求几次（r），几秒后复原（t）",
        "schema": {"type": "string"},
    },
    "X-Request-ID": {"description": "日志里的编号", "schema": {"type": "string"}},
}
_TOKEN: Final[Mapping[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "每个新请求用一个新值；重发同一请求用同一个值，24 小时内得到同一回答",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the API with its declared policy."""

    method: str
    path: str  # with the prefix: /api/v1/records/{code}
    name: str
    policy: Policy
    scope: str


class Undeclared(Exception):
    """An operation says nothing of who may enter: the build fails."""


class Contract(NinjaAPI):
    """The API whose contract is complete."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The contract as OpenAPI; a fresh one each time, so that nobody changes another's."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        _add_components(schema)
        for route, path in self.routes():
            for method in route.methods:
                _complete(schema["paths"][path][method.lower()], route, method)
        _translate(schema)
        return schema

    def routes(self) -> Iterator[tuple[Route, str]]:
        """Every operation with its whole path."""
        root = self.get_root_path({}).rstrip("/")
        for bound in self._get_bound_routers():
            for path, view in bound.path_operations.items():
                for route in view.operations:
                    yield route, f"{root}{path}"


def entry_of(route: Route) -> Entry:
    """The declared entry of an operation.  Raises Undeclared."""
    entry = getattr(route.view_func, "entry", None)
    if not isinstance(entry, Entry):
        raise Undeclared(route.view_func.__name__)
    return entry


def operations_of(api: Contract) -> list[Operation]:
    """Every operation with its policy, for the matrix of who may do what.  Raises Undeclared."""
    return [
        Operation(method, path, route.view_func.__name__, entry.policy, entry.scope)
        for route, path in api.routes()
        for method in route.methods
        for entry in [entry_of(route)]
    ]


def _add_components(schema: OpenAPISchema) -> None:
    _map, made = models_json_schema(
        [(shapes.ProblemOut, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schema["components"]["schemas"].update(made["$defs"])
    schema["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "接口密钥 ldk_…"}
    }


def _complete(operation: dict[str, Any], route: Route, method: str) -> None:
    entry = entry_of(route)
    operation["security"] = [{"key": []}]
    operation["x-scope"] = entry.scope
    operation["description"] = (operation.get("description") or "").strip()
    if method == "POST":
        operation["parameters"].append(dict(_TOKEN))
    answers = operation["responses"]
    for answer in answers.values():
        answer["headers"] = dict(_HEADERS)
    if method == "GET":
        answers[304] = {"description": "没有变化（If-None-Match）"}
    for status, codes in _refusals(entry, method).items():
        answers[status] = {
            "description": "、".join(codes),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
        }
    answers[429]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}


def _refusals(entry: Entry, method: str) -> dict[int, list[str]]:
    """Codes of problems by status: what the gate refuses, and what the operation says."""
    codes = [*EVERYWHERE, "invalid", *entry.refuses]
    if method in {"POST", "PATCH"}:
        codes += ["bad-request", "bad-media-type", "too-large"]
    if method == "POST":
        codes += ["token-missing", "token-reused", "at-work"]
    found: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        found.setdefault(PROBLEMS[code][0], []).append(code)
    return found


def _translate(part: Any) -> None:
    """Words for people into the language that is active, wherever they stand."""
    if isinstance(part, list):
        for one in part:
            _translate(one)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in _WORDS and isinstance(value, str):
                part[name] = gettext(value) if value else value
            else:
                _translate(value)


def make_api(handler: Any) -> Contract:
    """An API without pages of its own; every exception goes to `handler`."""
    api = Contract(
        title="联动接口",
        version=VERSION,
        description="移交、归档、检索与事件通知。说明与示例：/open/api/",
        urls_namespace="portal:api-1",
        docs_url=None,
        openapi_url="/openapi.json",
        openapi_extra={"info": {"x-scopes": list(SCOPES)}},
    )
    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, handler)
    return api
