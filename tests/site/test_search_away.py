"""A search server that is away: pages and the interface say so; the rest goes on."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings
from tests.portal.calling import caller, code_of

from liandong.base.engines import engine
from liandong.site import doctor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.enable_socket]


@pytest.fixture(autouse=True)
def _away(home: Path, settings: Settings) -> None:
    """A port where nobody listens."""
    settings.ENGINES = {
        **settings.ENGINES,
        "search": {
            "class": "liandong.engines.search.opensearch.OpenSearchIndex",
            "options": {"url": "http://127.0.0.1:9/away", "timeout_s": 1.0},
        },
    }


def test_the_page_of_search_says_so_and_the_catalogue_is_there(client: Client) -> None:
    answer = client.get("/search/?q=防汛")
    assert answer.status_code == 503
    assert "检索暂时不可用" in answer.content.decode()
    assert client.get("/archive/").status_code == 200


def test_the_interface_says_so() -> None:
    answer = caller().get("/search?q=防汛")
    assert (answer.status_code, code_of(answer)) == (503, "search-away")


def test_health_and_the_doctor_say_so(client: Client) -> None:
    assert client.get("/healthz/").json()["parts"]["index"] is False
    (index,) = [row for row in doctor.examine("zh") if row["part"] == "index"]
    assert index["state"] == "broken"
    assert index["found"].startswith("SearchAway: search server")
    with pytest.raises(OSError, match="search server"):
        engine("search").count()
