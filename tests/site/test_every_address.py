"""Every address as every person, by GET and by POST: what is answered is what the policy says."""

import copy
import itertools
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from tests.site.every_address import (
    PEOPLE,
    behind_key,
    has_key,
    is_operation,
    make_people,
    make_things,
    sent_to,
)
from tests.site.thing import Thing
from typer.testing import CliRunner

from liandong.base.addresses import Address, addresses
from liandong.base.gates import ANYONE, open_to
from liandong.base.models import AuditRow, Outcome
from liandong.base.viewers import today_of
from liandong.kernel.access import holds
from liandong.kernel.viewer import Viewer
from liandong.site.access_matrix import ROLES, Answer, matrix
from liandong.site.cli.app import app

pytestmark = pytest.mark.django_db
TODAY = today_of(HttpRequest())
METHODS = ("GET", "POST")
PARTS = 6  # of the walk, so that several processes share it
OF_OTHER_METHODS = {"stranger", "archivist"}  # who tries those that an address does not answer
NOT_HERE = {  # exist only with a setting or a possession that nobody here has
    "base:gallery", "sso", "openid_connect_callback", "mfa_deactivate_totp",
    "mfa_view_recovery_codes", "portal:unknown", "portal:api-1:api-root",
}  # fmt: skip
KEY_IN_FORM = {"portal:service_requests", "portal:updates"}  # a POST must name a key, always
DOOR = "/login/?next="
CLOSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


# What the policy says -----------------------------------------------------------------------------


def expected(address: Address, viewer: Viewer, thing: Thing | None) -> str:
    """in, door, 403 or 404, from nothing but the declared policy and the facts of the thing."""
    policy = address.policy
    assert policy is not None, address.route
    if is_operation(address):
        if not has_key(viewer):
            return "401"
        viewer = behind_key(viewer)
    if not policy.may(viewer):
        return "403" if viewer.is_signed_in else "door"
    if thing is None or thing.scope != policy.scope:
        return "in"
    if policy.sees and not holds(policy.sees(viewer, TODAY), thing.facts):
        return "404"
    if not thing.seen_by(viewer):
        return "404"
    if policy.acts and not holds(policy.acts(viewer, TODAY), thing.facts):
        return "403"
    return "in"


def answered(client: Client, method: str, address: str, sent: Mapping[str, Any]) -> str:
    """in, door, 403, 404 or 405, or the status where it is none of these."""
    answer = client.post(address, **sent) if method == "POST" else client.get(address)
    for _ in getattr(answer, "streaming_content", ()):
        pass  # read to its end, which closes it
    if not {"private", "no-store"} & set(answer["Cache-Control"].split(", ")):
        return "kept by shared caches"
    if "Cookie" not in answer["Vary"]:
        return "alike for everybody"
    if answer.status_code == HTTPStatus.FOUND and answer["Location"].startswith(DOOR):
        return "door"
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return str(answer.status_code)
    known = {*CLOSED, HTTPStatus.METHOD_NOT_ALLOWED}
    return str(int(answer.status_code)) if answer.status_code in known else "in"


def things_for(address: Address, things: list[Thing]) -> list[Thing]:
    """The things that have a value for every parameter, of the scope of the policy if any has."""
    fitting = [
        one
        for one in things
        if address.parameters.keys() <= one.values.keys() and address.route.startswith(one.under)
    ]
    own = [one for one in fitting if address.policy and one.scope == address.policy.scope]
    nearest = max((len(one.under) for one in own), default=0)
    return [one for one in own if len(one.under) == nearest] or fitting


def walk(things: list[Thing]) -> Iterator[tuple[Address, Thing | None, str]]:
    """Every address with every thing that it may point at, and the path."""
    for address in addresses():
        if not address.parameters:
            yield address, None, address.route
            continue
        fitting = things_for(address, things)
        assert fitting, f"no thing has values for {set(address.parameters)} of {address.route}"
        for thing in fitting:
            yield address, thing, address.path(thing.values)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_address_answers_every_person_as_its_policy_says(home: Path, part: int) -> None:
    clients, wrong, asked = make_people(), [], 0
    things = make_things(home)
    for address, thing, where in itertools.islice(walk(things), part, None, PARTS):
        for method, role in itertools.product(METHODS, clients):
            wanted = expected(address, PEOPLE[role], thing)
            if wanted == "in" and address.name in NOT_HERE:
                wanted = "404"
            if method == "POST" and address.name in KEY_IN_FORM:
                wanted = "403"
            if address.methods and method not in address.methods:
                if role not in OF_OTHER_METHODS:
                    continue
                wanted = f"405 {wanted}".removesuffix(" in")  # before or after the gate
            asked += 1
            got = _undone(clients[role], method, where, sent_to(address, things))
            if got not in wanted.split():
                name = thing.name if thing else ""
                wrong.append(f"{method} {address.route} {name} {role}: {got}, not {wanted}")
    assert not wrong, "\n".join(wrong)
    assert asked > 1000 / PARTS


def _undone(client: Client, method: str, address: str, sent: Mapping[str, Any]) -> str:
    """What is answered; what it changed, in the database and in the browser, is taken back."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        got = answered(client, method, address, sent)
        transaction.set_rollback(True)
    client.cookies = cookies
    return got


def test_a_refusal_leaves_a_row_in_the_audit(home: Path) -> None:
    client = make_people()["reader"]
    assert client.get("/preservation/").status_code == HTTPStatus.FORBIDDEN
    row = AuditRow.objects.latest("number")
    assert (row.by, row.object, row.outcome) == ("reader", "page:/preservation/", Outcome.REFUSED)


def test_hidden_and_absent_things_answer_alike_whoever_asks(home: Path) -> None:
    clients = make_people()
    (restricted,) = (one for one in make_things(home) if one.name == "record 3")
    for address in addresses():
        if "record_id" not in address.parameters or "GET" not in address.methods:
            continue
        hidden = address.path(restricted.values)
        absent = address.path({**restricted.values, "record_id": 987654})
        for role in ("stranger", "reader", "clerk"):
            one, other = (clients[role].get(path) for path in (hidden, absent))
            assert one.status_code == other.status_code, (role, hidden)
            assert _plain(one) == _plain(other), (role, hidden)
            names = {"Content-Type", "Cache-Control", "Vary", "ETag", "Last-Modified"}
            assert [one.get(name) for name in names] == [other.get(name) for name in names]


def _plain(answer: Any) -> list[bytes]:
    noise = (b"csrf", b"<code>", b"next", b"X-CSRFToken")
    return [line for line in answer.content.splitlines() if not any(word in line for word in noise)]


# Nothing without a policy -------------------------------------------------------------------------


def _undeclared(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


class _Operation:
    methods = ("GET", "DELETE")

    def __init__(self, view: Any) -> None:
        self.view_func = view


def _api(operations: list[_Operation]) -> Any:
    """A view as django-ninja makes them: one for all operations of a path."""

    class PathView:
        def __init__(self) -> None:
            self.operations = operations

        def get_view(self) -> Any:
            def view(request: HttpRequest) -> HttpResponse:
                return HttpResponse(str(self))

            return view

    return PathView().get_view()


urlpatterns = [
    path("bare/", _undeclared),
    path("good/<int:one>/", open_to(ANYONE)(_undeclared)),
    path("api/", _api([_Operation(_undeclared), _Operation(open_to(ANYONE)(_undeclared))])),
]


def test_an_address_without_a_policy_stops_the_start() -> None:
    assert [one for one in run_checks(tags=["urls"]) if one.id == "liandong.E001"] == []
    with override_settings(ROOT_URLCONF="tests.site.test_every_address"):
        errors = [str(one.msg) for one in run_checks(tags=["urls"]) if one.id == "liandong.E001"]
        assert [error.split()[0] for error in errors] == ["/bare/", "/api/"]
        with pytest.raises(SystemCheckError):
            call_command("check", stdout=StringIO(), stderr=StringIO())


def test_operations_of_an_api_are_addresses_of_their_own() -> None:
    found = addresses("tests.site.test_every_address")
    assert [(one.route, one.methods, one.policy) for one in found if one.route == "/api/"] == [
        ("/api/", ("DELETE", "GET"), None),
        ("/api/", ("DELETE", "GET"), ANYONE),
    ]
    (good,) = (one for one in found if one.route.startswith("/good/"))
    assert (good.parameters, good.path({"one": 7})) == ({"one": "int"}, "/good/7/")


# The matrix ---------------------------------------------------------------------------------------


def test_the_matrix_says_of_every_address_what_the_policy_says() -> None:
    rows = matrix()
    assert [row.route for row in rows] == [one.route for one in addresses()]
    for row, address in zip(rows, addresses(), strict=True):
        assert address.policy is not None
        assert set(row.answers) == set(ROLES)
        for role, viewer in ROLES.items():
            closed = {Answer.NO, Answer.SIGN_IN}
            assert (row.answers[role] in closed) is not address.policy.may(viewer)


@pytest.mark.parametrize("form", ["--json", "--csv", ""])
def test_the_command_prints_every_address_and_role(form: str) -> None:
    done = CliRunner().invoke(app, ["access", "matrix", *([form] if form else [])])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    rows = len(addresses())
    assert len(lines) == (rows if form == "--json" else rows + 1)
    if form == "--json":
        first = json.loads(lines[0])
        assert (first["route"], first["stranger"]) == ("/", "yes")
    assert all(role in lines[0] for role in ROLES)
