"""Shared fixtures: the folder of real input, and hypothesis profiles."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings
from pytest_django import Settings

from tests.homes import shared_tables
from tests.services.opensearch import search_server as search_server
from tests.services.s3 import s3 as s3  # a fixture

for name, examples in (("dev", 30), ("ci", 200), ("few", 20)):
    settings.register_profile(
        name, max_examples=examples, deadline=None, derandomize=name != "dev",
        suppress_health_check=[HealthCheck.too_slow],  # of the machine, which others may use
    )  # fmt: skip
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

GUARDED = (  # tables whose rows are only added
    "base_auditrow", "base_auditseal", "exchange_requestevent", "exchange_visitevent",
    "exchange_loanevent", "archive_openingdecision", "archive_rightsstep",
    "cases_caseevent", "community_pointsposting", "community_pointsentry",
    "community_contactrecord",
)  # fmt: skip
SHARED = Path(os.environ.get("LIANDONG_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def pytest_configure(config: pytest.Config) -> None:
    """The processes of one run share the tables that are made once."""
    if not hasattr(config, "workerinput"):
        shared = ExitStack()
        shared.enter_context(shared_tables())
        config.add_cleanup(shared.close)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real input beside the checkout; tests that need it are skipped without it."""
    if not SHARED.is_dir():
        pytest.skip(f"no real input at {SHARED}; set LIANDONG_TEST_DATA")
    return SHARED


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Path:
    """A data folder of its own, with store, staging, cache and index; engines are made anew."""
    folder = tmp_path / "home"
    settings.HOME = folder
    settings.STORE, settings.STAGING = folder / "store", folder / "staging"
    settings.CACHE, settings.INDEX = folder / "cache", folder / "index"
    settings.EVIDENCE = folder / "evidence"
    settings.KEYS = folder / "keys"
    places = {
        "vault": "master",
        "keyring": "objects",
        "signer": "signing",
        "time_stamper": "signing",
    }
    settings.ENGINES = {
        **settings.ENGINES,
        **{
            role: {**settings.ENGINES[role], "options": {"folder": settings.KEYS / place}}
            for role, place in places.items()
        },
        "search": {**settings.ENGINES["search"], "options": {"folder": settings.INDEX}},
        "blobs": {**settings.ENGINES["blobs"], "options": {"folder": settings.STORE}},
        "evidence": {**settings.ENGINES["evidence"], "options": {"folder": settings.EVIDENCE}},
        "messenger": {"class": "tests.portal.messengers.KeepingMessenger", "options": {}},
    }
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    for place in (settings.STORE, settings.STAGING, settings.CACHE, settings.INDEX):
        place.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Passwords are digested by the real algorithm with its least cost: hundreds are set here."""
    with pytest.MonkeyPatch.context() as patch:
        for name, least in (("time_cost", 1), ("memory_cost", 8), ("parallelism", 1)):
            patch.setattr(Argon2PasswordHasher, name, least)
        yield


@pytest.fixture(scope="session", autouse=True)
def _emptying_of_guarded_tables() -> Iterator[None]:
    """Tests that commit are cleaned up by deleting every row, which guarded tables refuse."""
    from django.db import connection

    from liandong.base.triggers import frees, guards, run

    empty = TransactionTestCase._fixture_teardown

    def teardown(self: TransactionTestCase) -> None:
        run([sql for table in GUARDED for sql in frees(table, connection.vendor)])
        empty(self)
        run([sql for table in GUARDED for sql in guards(table, connection.vendor)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield


@pytest.fixture(autouse=True)
def _home_of_database_tests(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("home")
