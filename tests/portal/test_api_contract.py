"""The whole API against its contract: no 500, and no answer that the contract does not have."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.portal.calling import fonds_of, key_of

from liandong.portal.api import api
from liandong.portal.policies import SCOPES

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def _contract(*, every_edge: bool) -> Any:
    """The contract as schemathesis reads it; `every_edge`: with each bound of each value."""
    config = schemathesis.Config()
    config.projects.default.phases.coverage.enabled = every_edge
    read = schemathesis.openapi.from_dict(dict(api.get_openapi_schema()), config=config)
    read.app = get_wsgi_application()
    return read


schema, few = _contract(every_edge=True), _contract(every_edge=False)
EXAMPLES = settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
# What a value may be that has the right form: a mark or digest that is not ours, a name that no
# system takes, a host that nobody has.  Everything else that the contract lets through is taken.
BY_MEANING = {
    "bad-cursor", "not-as-declared", "bad-name", "bad-endpoint", "unknown-fonds", "classified",
    "no-files", "token-reused",
}  # fmt: skip
ALSO_INVALID = {"file_one", "shares_ask"}  # base64, real dates, content or upload: beyond a schema


def _call(case: Any, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}" if token else ""}
    return case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """A request ends by closing the connection, in which the test itself stands."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def token() -> str:
    """The key of a department's system with every scope."""
    fonds_of()
    return key_of(per_minute=100_000).token


@pytest.fixture
def one_scope() -> dict[str, str]:
    """A key for each scope alone."""
    return {scope: key_of(scopes=[scope], per_minute=100_000).token for scope in SCOPES}


@schema.parametrize()
@EXAMPLES
def test_every_answer_is_in_the_contract(case: Any, token: str) -> None:
    answer = _call(case, token)

    if case.meta.generation.mode is GenerationMode.POSITIVE and answer.status_code in (400, 422):
        code = answer.json()["type"].partition("#")[2]
        named = case.operation.definition.raw["operationId"]
        is_known = any(named.endswith(name) for name in ALSO_INVALID) and code == "invalid"
        assert code in BY_MEANING or is_known, (case.as_curl_command(), answer.text)


@few.parametrize()
@settings(EXAMPLES, max_examples=5)
def test_without_a_key_nothing_is_answered(case: Any) -> None:
    answer = _call(case, "")
    assert answer.status_code in (401, 405)


@few.parametrize()
@settings(EXAMPLES, max_examples=5)
def test_with_a_key_of_another_scope_nothing_is_answered(
    case: Any, one_scope: dict[str, str]
) -> None:
    needed = case.operation.definition.raw["x-scope"]
    other = "records:search" if needed != "records:search" else "filing:write"

    answer = _call(case, one_scope[other])

    assert answer.status_code in (401, 403, 405)  # 401: it left the key out by itself
