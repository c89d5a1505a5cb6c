"""The audit chain: every act adds one row, chained, that the database lets nobody change."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings
from tests.homes import database_with_tables, lay_tables
from tests.people import ARCHIVIST, client_of

from liandong.base.audit import (
    Act,
    UnknownAct,
    digest_of,
    heads,
    plain,
    record_act,
    record_acts,
    was_shown,
    who_has_seen,
)
from liandong.base.audit.heads import follow, keys, read_head, write_head
from liandong.base.models import AuditRow, AuditSeal, Outcome
from liandong.kernel.audit import cell_sums, row_code, row_hash

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db
Commits = Callable[..., object]


def acts(count: int, **facts: object) -> list[AuditRow]:
    """So many rows by li, a second apart."""
    return [
        record_act("open_page", by="li", now=NOW + timedelta(seconds=at), object=f"page:/{at}/",
                   facts=facts)
        for at in range(count)
    ]  # fmt: skip


# Writing ------------------------------------------------------------------------------------------


def test_rows_are_numbered_without_a_gap_and_name_the_row_before() -> None:
    first, second, third = acts(3)
    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert [first.previous, second.previous, third.previous] == ["", first.hash, second.hash]


@pytest.mark.parametrize("algorithm", ["sm3", "sha256"])
def test_hash_code_and_sums_cover_what_the_database_gives_back(
    algorithm: str, settings: Settings
) -> None:
    settings.AUDIT_DIGEST = algorithm
    record_act("open_page", by="li", now=NOW, object="page:/x", why="查", facts={"b": 1, "a": "二"})
    row = AuditRow.objects.get()
    assert row.hash == row_hash(plain(row), algorithm)
    assert row.mac == row_code(plain(row), keys()[0], algorithm)
    assert row.cells == cell_sums(plain(row))
    assert row.facts == '{"a": "二", "b": 1}'


def test_a_time_of_any_zone_is_kept_as_utc() -> None:
    from zoneinfo import ZoneInfo

    record_act("open_page", by="li", now=NOW.astimezone(ZoneInfo("Asia/Shanghai")))
    row = AuditRow.objects.get()
    assert plain(row)["at"] == "2026-11-26T08:00:00.000000+00:00"
    assert row.hash == row_hash(plain(row), "sm3")


def test_hostile_text_is_kept_as_far_as_databases_can_hold_it() -> None:
    odd = "a\0b\ud800" + "长" * 600
    record_act("open_page", by=odd, now=NOW, object=odd, why=odd, facts={"text": odd})
    row = AuditRow.objects.get()
    assert (len(row.by), len(row.object), len(row.why)) == (150, 200, 500)
    assert row.hash == row_hash(plain(row), "sm3")


def test_several_acts_are_chained_in_their_order_at_the_cost_of_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    before = 4 if connection.vendor == "postgresql" else 3  # standing, (turn,) last row, rows
    with django_assert_num_queries(before):
        rows = record_acts([Act("open_page", f"page:/{n}/") for n in range(20)], by="li", now=NOW)
    assert [row.number for row in rows] == list(range(1, 21))
    assert all(after.previous == row.hash for row, after in pairwise(rows))


def test_an_act_that_the_catalogue_does_not_know_is_a_fault_of_ours() -> None:
    with pytest.raises(UnknownAct):
        record_act("dance", by="li", now=NOW)
    assert AuditRow.objects.count() == 0


def test_a_row_goes_with_the_act_that_is_rolled_back_and_leaves_no_gap() -> None:
    acts(1)
    with suppress(RuntimeError), transaction.atomic():
        acts(2)
        raise RuntimeError
    (row,) = acts(1)
    assert (row.number, AuditRow.objects.count()) == (2, 2)


@pytest.mark.django_db(transaction=True)
def test_an_act_fails_when_its_row_cannot_be_written_though_the_error_is_caught() -> None:
    """A table that takes no rows: what the same transaction did is undone."""
    from liandong.base.models import Unit

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE base_auditrow RENAME TO base_away")
    try:
        with transaction.atomic():
            Unit.objects.create(code="X", name="X")
            with pytest.raises(DatabaseError):
                acts(1)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE base_away RENAME TO base_auditrow")
    assert not Unit.objects.exists()


def test_the_clock_may_jump_back() -> None:
    acts(1)
    record_act("open_page", by="li", now=NOW - timedelta(days=400))
    first, second = AuditRow.objects.order_by("number")
    assert second.at < first.at
    assert second.previous == first.hash


# Who may change it --------------------------------------------------------------------------------


def test_the_database_refuses_to_change_a_row() -> None:
    acts(1)
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditRow.objects.update(by="wang")
    assert AuditRow.objects.get().by == "li"


def test_the_database_refuses_to_remove_a_row() -> None:
    acts(1)
    for remove in (AuditRow.objects.all().delete, AuditRow.objects.get().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            remove()
    assert AuditRow.objects.count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE base_auditrow SET by = 'wang'",
        "DELETE FROM base_auditrow",
        "DELETE FROM base_auditrow WHERE number = 1",
        "TRUNCATE base_auditrow",
        "INSERT OR REPLACE INTO base_auditrow SELECT * FROM base_auditrow",
        "REPLACE INTO base_auditrow SELECT * FROM base_auditrow",
        "UPDATE OR REPLACE base_auditrow SET number = 2 WHERE number = 1",
        "INSERT INTO base_auditrow SELECT * FROM base_auditrow WHERE true "
        "ON CONFLICT (number) DO UPDATE SET by = 'wang'",
        "UPDATE base_auditseal SET day = '2020-01-01'",
        "DELETE FROM base_auditseal",
    ],
)
def test_no_statement_changes_or_removes_rows(statement: str) -> None:
    acts(2)
    AuditSeal.objects.create(
        number=1, day="2026-11-26", at=NOW, first=1, last=2, last_hash="x", root="x",
        previous="", hash="x", mac="x",
    )  # fmt: skip
    before = list(AuditRow.objects.values_list()), list(AuditSeal.objects.values_list())
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert before == (list(AuditRow.objects.values_list()), list(AuditSeal.objects.values_list()))


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="rowid is of SQLite")
def test_a_row_is_not_replaced_by_way_of_its_hidden_number() -> None:
    acts(2)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT OR REPLACE INTO base_auditrow (rowid, number, at, by, roles, unit, act, object,"
            " outcome, why, origin, request, facts, cells, previous, mac, hash) SELECT rowid, 9,"
            " at, 'wang', roles, unit, act, object, outcome, why, origin, request, facts, cells,"
            " previous, mac, hash FROM base_auditrow WHERE number = 1"
        )
    assert set(AuditRow.objects.values_list("by", flat=True)) == {"li"}


@pytest.mark.django_db(transaction=True)
def test_flush_of_django_leaves_the_audit() -> None:
    acts(1)
    with pytest.raises(CommandError):
        call_command("flush", interactive=False, verbosity=0)
    assert AuditRow.objects.count() == 1


def test_no_admin_of_django_is_installed() -> None:
    from django.apps import apps

    assert not apps.is_installed("django.contrib.admin")


# The head -----------------------------------------------------------------------------------------


def test_the_head_follows_what_is_committed(
    django_capture_on_commit_callbacks: Commits, home: Path
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        rows = acts(3)
    head = read_head()
    assert head is not None
    assert (head.number, head.hash) == (3, rows[-1].hash)


def test_of_many_writers_who_wait_the_first_writes_the_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = acts(3)  # committed, and none of their writers has had the file yet
    written = []
    monkeypatch.setattr(
        heads, "write_head", lambda head: written.append(head.number) or write_head(head)
    )
    for row in rows:
        follow(row, row)
    head = read_head()
    assert head is not None
    assert (head.number, head.hash) == (3, rows[-1].hash)
    assert written == [3]


def test_the_head_stays_behind_an_act_that_was_rolled_back(
    django_capture_on_commit_callbacks: Commits,
) -> None:
    with (
        suppress(RuntimeError),
        django_capture_on_commit_callbacks(execute=True),  # type: ignore[attr-defined]
        transaction.atomic(),
    ):
        acts(1)
        raise RuntimeError
    assert read_head() is None


def test_a_forged_head_is_told(django_capture_on_commit_callbacks: Commits, home: Path) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        acts(1)
    file = home / "audit" / "head.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"number": 7}))
    with pytest.raises(ValueError, match="head"):
        read_head()


def test_the_key_is_made_once_and_only_its_owner_reads_it(settings: Settings) -> None:
    (first,) = keys()
    file = Path(settings.KEYS) / "audit.key"
    assert (len(first), file.stat().st_mode & 0o777) == (32, 0o600)
    file.write_text(f"{'ab' * 32}\n{first.hex()}\n")
    os.utime(file, ns=(1, 1))
    assert keys() == (bytes.fromhex("ab" * 32), first)


# Reading ------------------------------------------------------------------------------------------


def test_a_refused_page_leaves_a_row_with_person_role_and_request() -> None:
    client = client_of("clerk")
    answer = client.get("/preservation/", headers={"X-Request-ID": "abcdefgh12"})
    row = AuditRow.objects.get()
    assert answer.status_code == 403
    assert (row.by, row.roles, row.unit) == ("clerk", "clerk", "BGS")
    assert (row.object, row.outcome) == ("page:/preservation/", Outcome.REFUSED)
    assert (row.origin, row.request) == ("127.0.0.1", "abcdefgh12")


def test_a_page_that_shows_no_content_leaves_no_row() -> None:
    assert client_of(ARCHIVIST).get("/preservation/").status_code == 200
    assert AuditRow.objects.count() == 0


def test_who_has_seen_an_object_is_told_newest_first() -> None:
    client_of("clerk", name="wang")
    for act, by in (("look_record", "wang"), ("download_file", "gone"), ("correct_text", "wang")):
        record_act(act, by=by, now=NOW, object="record:Z1")
    record_act("look_record", by="wang", now=NOW, object="record:Z2")
    record_act("open_viewer", by="wang", now=NOW, object="record:Z1", outcome=Outcome.REFUSED)
    found = who_has_seen("record:Z1")
    assert [(one.by, one.name, one.unit, one.act) for one in found] == [
        ("gone", "gone", "", "download_file"),
        ("wang", "clerk", "BGS", "look_record"),
    ]
    assert [one.number for one in who_has_seen("record:Z1", before=2)] == [1]
    assert [one.by for one in who_has_seen("record:Z1", by="wang")] == ["wang"]


def test_a_look_counts_for_its_person_or_address_and_for_its_time() -> None:
    record_act("look_record", by="wang", now=NOW, object="record:Z1")
    hour = NOW - timedelta(hours=1)
    assert was_shown("record:Z1", by="wang", origin="", since=hour)
    assert not was_shown("record:Z1", by="li", origin="", since=hour)
    assert not was_shown("record:Z1", by="wang", origin="", since=NOW + timedelta(seconds=1))
    record_act("look_record", by="", now=NOW, object="record:Z1")
    assert not was_shown("record:Z1", by="", origin="10.9.9.9", since=hour)


def test_a_digest_of_words_is_the_same_for_the_same_words_only() -> None:
    assert digest_of("张三  低保") == digest_of(" 张三 低保 ")
    assert digest_of("ＡＢ") == digest_of("ab")
    assert digest_of("张三") != digest_of("张四")
    assert "张" not in digest_of("张三")


# Many writers -------------------------------------------------------------------------------------


MIGRATE = textwrap.dedent(
    """
    import django
    django.setup()
    from django.core.management import call_command
    call_command("migrate", verbosity=0)
    """
)
WRITER = textwrap.dedent(
    """
    import sys
    import django
    django.setup()
    from django.db import transaction
    from django.utils import timezone
    from liandong.base.audit import Act, record_act, record_acts
    for turn in range(25):
        try:
            with transaction.atomic():
                record_act("open_page", by=sys.argv[1], now=timezone.now())
                if turn % 5 == 4:
                    raise RuntimeError
        except RuntimeError:
            record_acts([Act("open_page")] * 3, by=sys.argv[1], now=timezone.now())
    """
)
CHECK = textwrap.dedent(
    """
    import django
    django.setup()
    from liandong.base.audit.checking import check_chain
    from liandong.base.audit.heads import read_head
    from liandong.base.models import AuditRow
    found = check_chain()
    print(found.rows, len(found.faults), AuditRow.objects.last().number, read_head().number)
    """
)
EACH = 20 + 5 * 3  # rows of one writer


@pytest.mark.slow
def test_eight_writers_leave_no_gap_and_no_fork(tmp_path: Path) -> None:
    race(tmp_path, {})


@pytest.mark.slow
@pytest.mark.skipif("TEST_POSTGRES" not in os.environ, reason="no PostgreSQL: set TEST_POSTGRES")
def test_eight_writers_on_postgresql_leave_no_gap_and_no_fork(tmp_path: Path) -> None:
    with database_with_tables("audit_race") as url:
        race(tmp_path, {"LIANDONG_DATABASE": url})


def race(folder: Path, extra: dict[str, str]) -> None:
    home = folder / "race"
    lay_tables(home)
    environment = {**bare_environment(), **extra, "LIANDONG_HOME": str(home)}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, f"w{n}"], env=environment) for n in range(8)
    ]
    assert [writer.wait() for writer in writers] == [0] * 8
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(8 * EACH), "0", str(8 * EACH), str(8 * EACH)]


def bare_environment() -> dict[str, str]:
    known = {key: text for key, text in os.environ.items() if key != "LIANDONG_DATABASE"}
    return known | {
        "LIANDONG_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "liandong.site.settings",
        "PYTHONPATH": str(Path(record_act.__code__.co_filename).parents[3]),
    }
