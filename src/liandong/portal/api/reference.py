"""The reference page of the API, made from its contract: nothing on it is written twice."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from liandong.base.gates import ANYONE, open_to
from liandong.portal.policies import SCOPES
from liandong.portal.queries.changes import EVENTS

from . import api
from .examples import example_of
from .problems import PROBLEMS

METHODS: Final = ("get", "post", "put", "patch", "delete")
Schema = Mapping[str, Any]


@require_safe
@open_to(ANYONE)
def show_reference(request: HttpRequest) -> HttpResponse:
    """Every operation with parameters, bodies, answers and an example to copy."""
    schema = api.get_openapi_schema()
    base = f"{request.scheme}://{request.get_host()}"
    context = {
        "version": schema["info"]["version"],
        "groups": list(_groups(schema, base)),
        "shapes": list(_shapes(schema["components"]["schemas"])),
        "problems": [(code, status, title) for code, (status, title) in PROBLEMS.items()],
        "scopes": list(SCOPES.items()),
        "events": list(EVENTS.items()),
        "base": base,
    }
    return render(request, "portal/reference.html", context)


def _titles() -> dict[str, str]:
    return {
        "records": _("检索与阅读"),
        "transfers": _("移交"),
        "filings": _("归档接口"),
        "shares": _("共享利用"),
        "webhooks": _("事件通知"),
    }


def _groups(schema: Schema, base: str) -> Iterator[dict[str, Any]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                one = methods[method]
                found.setdefault(one["tags"][0], []).append(_operation(path, method, one, base))
    for tag, title in _titles().items():
        if tag in found:
            yield {"tag": tag, "title": title, "operations": found[tag]}


def _operation(path: str, method: str, one: Schema, base: str) -> dict[str, Any]:
    body = one.get("requestBody", {}).get("content", {})
    media = next(iter(body), "")
    shape: Schema = body[media]["schema"] if media else {}
    return {
        "id": one["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": one["summary"],
        "description": one["description"],
        "scope": one["x-scope"],
        "parameters": [_parameter(row) for row in one["parameters"]],
        "media": media,
        "body": _kind(shape) if shape else "",
        "body_link": _link(shape),
        "answers": [_answer(status, what) for status, what in sorted(one["responses"].items())],
        "example": example_of(one["operationId"], method.upper(), path, base),
    }


def _parameter(row: Schema) -> dict[str, Any]:
    return {
        "name": row["name"],
        "place": row["in"],
        "required": row["required"],
        "kind": _kind(row["schema"]),
        "words": row.get("description", row["schema"].get("description", "")),
    }


def _answer(status: int, what: Schema) -> dict[str, Any]:
    content: Schema = next((one["schema"] for one in what.get("content", {}).values()), {})
    is_problem = int(status) >= 400
    codes = what["description"].split("、") if is_problem else []
    return {
        "status": status,
        "kind": _kind(content) if content else "",
        "link": _link(content),
        "codes": codes,
        "words": "" if is_problem else what["description"],
    }


def _shapes(schemas: Schema) -> Iterator[dict[str, Any]]:
    for name, shape in sorted(schemas.items()):
        required = set(shape.get("required", ()))
        yield {
            "name": name,
            "fields": [
                {
                    "name": field,
                    "required": field in required,
                    "kind": _kind(what),
                    "link": _link(what),
                    "words": what.get("description", ""),
                }
                for field, what in shape.get("properties", {}).items()
            ],
        }


def _kind(shape: Schema) -> str:
    """The type of a value in a few words."""
    if name := _name(shape):
        return name
    if "anyOf" in shape:
        return " | ".join(_kind(one) for one in shape["anyOf"])
    if "enum" in shape:
        return " | ".join(str(one) or '""' for one in shape["enum"])
    if shape.get("type") == "array":
        return f"{_kind(shape['items'])}[]"
    kind = str(shape.get("format") or shape.get("type") or shape.get("const", ""))
    most = shape.get("maxLength")
    return f"{kind} ≤ {most}" if most else kind


def _name(shape: Schema) -> str:
    return str(shape.get("$ref", "")).rpartition("/")[2]


def _link(shape: Schema) -> str:
    """The shape that a value leads to, "" for a plain one."""
    return _name(shape) or _name(shape.get("items", {}))
