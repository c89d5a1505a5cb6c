"""The health of an installation: 200 while all parts answer, 503 and which part when not."""

import shutil

import pytest
from django.test import Client

from liandong.base.engines import engine

pytestmark = pytest.mark.django_db


def _health(client: Client) -> tuple[int, dict[str, bool]]:
    answer = client.get("/healthz/")
    return answer.status_code, answer.json()["parts"]


def test_a_whole_installation_is_healthy_to_everyone(client: Client) -> None:
    assert _health(client) == (200, {"database": True, "store": True, "index": True})


def test_a_missing_store_is_told(client: Client, settings: pytest.FixtureRequest) -> None:
    shutil.rmtree(settings.STORE)

    assert _health(client) == (503, {"database": True, "store": False, "index": True})


def test_an_index_that_does_not_answer_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("x")

    monkeypatch.setattr(type(engine("search")), "count", fail)

    assert _health(client) == (503, {"database": True, "store": True, "index": False})
