"""Every address of the installation with the policy that its view declares, guests included.

Knows no room: it walks what the root of the addresses includes, third parties and the operations
of an API too.  The role × URL matrix, the system check and the tests of every address read it.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import get_converters

from .gates import Policy, policy_of

SAFE = ("GET", "HEAD")
_PARAMETER = re.compile(r"<(?:(?P<kind>[^>:]+):)?(?P<name>\w+)>")


@dataclass(frozen=True, slots=True)
class Address:
    """One address, or one operation of an API."""

    route: str  # as it is declared, with a leading /
    name: str  # with its namespaces, "" when it has none
    methods: tuple[str, ...]  # that it answers; empty: the view itself decides
    policy: Policy | None
    where: str  # module and name of the view

    @property
    def parameters(self) -> dict[str, str]:
        """Kind of converter by name of parameter."""
        return {one["name"]: one["kind"] or "str" for one in _PARAMETER.finditer(self.route)}

    def path(self, values: Mapping[str, Any]) -> str:
        """The path with these values for the parameters; raises KeyError for a missing one."""
        return _PARAMETER.sub(lambda one: _written(one["kind"], values[one["name"]]), self.route)


def _written(kind: str | None, value: object) -> str:
    converters = get_converters()
    converter = converters.get(kind or "str", converters["str"])
    return str(converter.to_url(value))


def addresses(urlconf: str | None = None) -> list[Address]:
    """Every address, in the order in which requests are matched."""
    return list(_walk(get_resolver(urlconf), "/", ""))


def _walk(resolver: URLResolver, route: str, namespace: str) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        here = route + _route(entry)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, here, inner)
        elif isinstance(entry, URLPattern):
            name = f"{namespace}{entry.name}" if entry.name else ""
            yield from _of(entry.callback, here, name)


def _route(entry: URLPattern | URLResolver) -> str:
    """The route of an entry; that of a regular expression in the writing of a path."""
    route = str(entry.pattern)
    if hasattr(entry.pattern, "_route"):
        return route
    named = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<str:\1>", route)
    return named.strip("^$").replace("\\.", ".").replace("\\Z", "")


def _of(view: Callable[..., Any], route: str, name: str) -> Iterator[Address]:
    operations = _operations(view)
    for operation in operations:
        function = operation.view_func
        methods = tuple(sorted(operation.methods))
        policy = policy_of(function) or policy_of(view)
        yield Address(route, name, methods, policy, _where(function))
    if not operations:
        yield Address(route, name, methods_of(view), policy_of(view), _where(view))


def _operations(view: Callable[..., Any]) -> list[Any]:
    """The operations of django-ninja behind a view, which one view answers by method."""
    view = inspect.unwrap(view)
    held = inspect.getclosurevars(view).nonlocals.get("self") if inspect.isfunction(view) else None
    found = getattr(held, "operations", None)
    return list(found) if isinstance(found, list) else []


def _where(view: Callable[..., Any]) -> str:
    inner = inspect.unwrap(view, stop=lambda step: hasattr(step, "view_class"))
    inner = getattr(inner, "view_class", inner)
    return f"{inner.__module__}.{getattr(inner, '__qualname__', type(inner).__name__)}"


def methods_of(view: Callable[..., Any]) -> tuple[str, ...]:
    """The methods that a view answers; empty where only the view knows."""
    step: Any = view
    while step is not None:
        if inspect.isfunction(step):
            listed = inspect.getclosurevars(step).nonlocals.get("request_method_list")
            if listed:
                return tuple(sorted(listed))
        kind = getattr(step, "view_class", None)
        if kind is not None:
            names = [one for one in kind.http_method_names if hasattr(kind, one)]
            return tuple(sorted(name.upper() for name in names if name != "options"))
        step = getattr(step, "__wrapped__", None)
    return ()
