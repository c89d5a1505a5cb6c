"""The database comes back from the store alone, equal in every row."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Model
from tests.archive.build import NOW, admission, admit_numbers, fonds, scanned_admission

from liandong.archive.models import (
    ArchivalClass,
    Fonds,
    LineCorrection,
    PersonalHit,
    PreservationEvent,
    Record,
    RecordFile,
    RecordPage,
    RetentionRule,
)
from liandong.archive.services.admitting import admit
from liandong.archive.services.correcting import correct_line, describe, pack_corrections
from liandong.archive.services.holdings import keep_in_store
from liandong.archive.services.objects import record_urn
from liandong.archive.services.packing import pack
from liandong.archive.services.rebuilding import rebuild
from liandong.base.models import Unit
from liandong.kernel.packages.ocfl import object_path

pytestmark = pytest.mark.django_db
MODELS: tuple[type[Model], ...] = (
    Fonds, RetentionRule, ArchivalClass, Record, RecordFile, RecordPage, LineCorrection,
    PreservationEvent, PersonalHit,
)  # fmt: skip
KEYS = {"id", "fonds_id", "unit_id", "record_id", "page_id", "archival_class_id"}
NOT_KEPT = {"indexed_version", "personal_revision", "verified_at", "verified_ok"}


def snapshot() -> dict[str, list[dict[str, Any]]]:
    """Every row without keys, in an order that does not depend on them."""
    return {
        model.__name__: sorted(
            (
                {name: value for name, value in row.items() if name not in KEYS | NOT_KEPT}
                for row in model._default_manager.values()
            ),
            key=repr,
        )
        for model in MODELS
    }


def forget_everything() -> None:
    for model in reversed(MODELS):
        model._default_manager.all().delete()
    Unit.objects.all().delete()


def holdings(staging: Path) -> list[Record]:
    """Text records, a corrected scan and a record described anew."""
    unit = Unit.objects.create(code="BGS", name="办公室")
    one = fonds(unit=unit)
    RetentionRule.objects.create(
        fonds=one,
        clause="1.1",
        scope="重要文件",
        words="通知",
        retention="Y",
        approval="〔2010〕1号",
    )
    keep_in_store(one, by="li", now=NOW)
    records = admit_numbers(staging, 1, 2, 3)
    scan = scanned_admission(staging, 4)
    scanned = admit(pack(scan), scan, by="li", now=NOW)
    page = scanned.pages.get(number=2)
    correct_line(page.pk, 1, "防汛", by="wang", now=NOW, expected_before="防讯工作从速办理")
    pack_corrections(scanned, by="system", now=NOW)
    describe(records[0], {"annotation": "复制件"}, by="li", now=NOW)
    return [*records, scanned]


def test_an_empty_database_comes_back_equal(home: Path) -> None:
    holdings(home / "staging")
    before = snapshot()
    forget_everything()

    done = rebuild(now=NOW)

    assert snapshot() == before
    assert (done.fonds, done.records, done.created, done.findings) == (1, 4, 4, [])


def test_rebuilding_again_changes_nothing(home: Path) -> None:
    holdings(home / "staging")
    before = snapshot()

    done = rebuild(now=NOW)

    assert snapshot() == before
    assert (done.records, done.created, done.findings) == (4, 0, [])


def test_rows_that_differ_are_named_and_left(home: Path) -> None:
    record = holdings(home / "staging")[0]
    Record.objects.filter(pk=record.pk).update(title="另一题名")

    done = rebuild(now=NOW)

    assert [(one.code, one.facts["fields"]) for one in done.findings] == [
        ("ARCH-ROW-DIFFERS", "title")
    ]
    record.refresh_from_db()
    assert record.title == "另一题名"


def test_a_damaged_object_stops_no_other(home: Path) -> None:
    records = holdings(home / "staging")
    key = object_path(record_urn(records[1].object_id))
    (home / "store" / key / "v1/content/metadata/description.json").write_text("{", "utf-8")
    forget_everything()

    done = rebuild(now=NOW)

    assert [one.code for one in done.findings] == ["ARCH-INVENTORY-BROKEN"]
    assert Record.objects.count() == 3


def test_two_objects_with_one_code_are_both_kept_and_named(home: Path) -> None:
    fonds()
    admit_numbers(home / "staging", 1)
    pack(admission(home / "staging", 1))
    forget_everything()

    done = rebuild(now=NOW)

    assert [one.code for one in done.findings] == ["ARCH-CODE-TWICE"]
    assert Record.objects.count() == 1


def test_a_fonds_without_its_object_is_known_by_its_records(home: Path) -> None:
    fonds(code_template="dat22_item")
    admit_numbers(home / "staging", 1)
    key = object_path("urn:liandong:fonds:Z109")
    shutil.rmtree(home / "store" / key)
    forget_everything()

    rebuild(now=NOW)

    assert Fonds.objects.get().code_template == "dat22_item"
    assert Record.objects.count() == 1


def test_a_lost_object_is_named(home: Path) -> None:
    fonds()
    record = admit_numbers(home / "staging", 1)[0]
    (home / "store" / object_path(record_urn(record.object_id)) / "0=ocfl_object_1.1").unlink()

    done = rebuild(now=NOW)

    assert [(one.code, one.where) for one in done.findings] == [
        ("ARCH-OBJECT-MISSING", record.code)
    ]
