"""The health of an installation: 200 while all parts answer, 503 and which part when not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client, RequestFactory
from tests.homes import environment, lay_tables

from liandong.base.engines import engine
from liandong.base.middleware import PartsAway
from liandong.kernel.ports import StoreUnavailable
from liandong.site import doctor

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


def test_a_store_that_is_away_is_told_on_the_page_and_by_the_doctor(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise away

    away = StoreUnavailable(5, "存储不可用：http://127.0.0.1:9（refused）")
    monkeypatch.setattr(type(engine("blobs")), "state", fail)

    answer = PartsAway(fail).process_exception(rf.get("/"), away)

    assert answer is not None
    assert (answer.status_code, "存储不可用" in answer.content.decode()) == (503, True)
    (row,) = [row for row in doctor.examine("zh") if row["part"] == "store"]
    assert (row["state"], "127.0.0.1:9" in row["found"]) == ("broken", True)
    assert "LIANDONG_STORE" in row["advice"]


ASKED_TWICE = """
import io, sys
from liandong.site.wsgi import application
from django.db.backends.signals import connection_created
opened = []
connection_created.connect(lambda **_: opened.append(1), weak=False)
for _ in range(3):
    asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "localhost",
             "SERVER_PORT": "80", "HTTP_HOST": "localhost", "wsgi.url_scheme": "http",
             "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr}
    answer = application(asked, lambda status, headers: print(status))
    b"".join(answer)
    answer.close()
print(len(opened))
"""


def test_a_web_process_keeps_its_connection_for_the_next_request(tmp_path: Path) -> None:
    lay_tables(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", ASKED_TWICE], capture_output=True, text=True, check=True,
        env=environment(tmp_path, DJANGO_SETTINGS_MODULE="liandong.site.settings"),
    )  # fmt: skip
    *answers, opened = done.stdout.splitlines()
    assert answers == ["200 OK"] * 3
    assert int(opened) <= 1  # one may have been opened by the start
