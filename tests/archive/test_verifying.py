"""Every kind of damage is found and named; nothing sound is blamed."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from tests.archive.build import NOW, admission, admit_numbers, fonds

from liandong.archive.models import FixityRun, PreservationEvent, Record
from liandong.archive.services.objects import record_urn
from liandong.archive.services.packing import pack
from liandong.archive.services.verifying import collect_orphans, due_count, verify
from liandong.kernel.findings import kinds
from liandong.kernel.packages.ocfl import object_path

pytestmark = pytest.mark.django_db


def folder_of(record: Record, home: Path) -> Path:
    return home / "store" / object_path(record_urn(record.object_id))


def test_a_sound_store_has_no_finding(home: Path) -> None:
    fonds()
    admit_numbers(home / "staging", 1, 2, 3)

    done = verify(kind="all", by="li", now=NOW)

    assert done.findings == []
    assert (done.run.checked, done.run.failed) == (3, 0)
    assert done.run.size_bytes > 0
    assert set(Record.objects.values_list("verified_ok", flat=True)) == {True}
    assert PreservationEvent.objects.filter(kind="fixity check", outcome="success").count() == 3


def change_original(folder: Path) -> None:
    file = folder / "v1/content/original/通知.txt"
    file.unlink()
    file.write_bytes(b"forged")


def remove_original(folder: Path) -> None:
    (folder / "v1/content/original/通知.txt").unlink()


def change_text(folder: Path) -> None:
    with (folder / "v1/content/derivative/text.json").open("ab") as file:
        file.write(b" ")


def add_file(folder: Path) -> None:
    (folder / "v1/content/stray.txt").write_bytes(b"x")


def change_inventory(folder: Path) -> None:
    file = folder / "inventory.json"
    file.write_bytes(file.read_bytes().replace(b"li", b"lo"))


def change_old_inventory(folder: Path) -> None:
    (folder / "v1/inventory.json.sha512").write_bytes(b"0 inventory.json\n")


def remove_object(folder: Path) -> None:
    (folder / "0=ocfl_object_1.1").unlink()


def change_row(folder: Path) -> None:
    Record.objects.update(title="另一题名")


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        (change_original, {"ARCH-FILE-CHANGED"}),
        (remove_original, {"ARCH-FILE-MISSING"}),
        (change_text, {"ARCH-FILE-CHANGED"}),
        (add_file, {"ARCH-FILE-EXTRA"}),
        (change_inventory, {"ARCH-INVENTORY-BROKEN"}),
        (change_old_inventory, {"ARCH-INVENTORY-BROKEN"}),
        (remove_object, {"ARCH-OBJECT-MISSING"}),
        (change_row, {"ARCH-ROW-DIFFERS"}),
    ],
)
def test_each_kind_of_damage_is_named(
    home: Path, damage: Callable[[Path], None], codes: set[str]
) -> None:
    fonds()
    record = admit_numbers(home / "staging", 1)[0]
    damage(folder_of(record, home))

    done = verify(kind="all", by="li", now=NOW)

    assert {finding.code for finding in done.findings} == codes
    assert codes <= kinds().keys()
    record.refresh_from_db()
    assert (record.verified_ok, done.run.failed) == (False, 1)
    assert PreservationEvent.objects.filter(outcome="failure").count() == 1
    assert {row["finding"] for row in FixityRun.objects.get().failures} == codes


def test_an_object_without_a_row_is_reported_and_kept(home: Path) -> None:
    fonds()
    packed = pack(admission(home / "staging"))

    done = verify(kind="all", by="li", now=NOW)

    assert [(one.code, one.where) for one in done.findings] == [
        ("ARCH-ROW-MISSING", record_urn(packed.object_id))
    ]


def test_only_objects_called_abandoned_are_removed(home: Path) -> None:
    fonds()
    record = admit_numbers(home / "staging", 1)[0]
    kept, gone = (pack(admission(home / "staging", number)) for number in (2, 3))

    removed = collect_orphans([gone.object_id, record.object_id, uuid4()], by="system", now=NOW)

    assert removed == [gone.object_id]
    assert (home / "store" / object_path(record_urn(kept.object_id))).exists()
    assert folder_of(record, home).exists()


def test_an_interrupted_run_goes_on_where_it_stopped(home: Path) -> None:
    fonds()
    records = admit_numbers(home / "staging", 1, 2, 3)
    FixityRun.objects.create(
        kind="all", started_at=NOW, by="li", checked=2, last_record=records[1].pk
    )

    done = verify(kind="all", by="li", now=NOW)

    assert (FixityRun.objects.count(), done.run.checked) == (1, 3)
    assert Record.objects.filter(verified_at__isnull=False).get() == records[2]


def test_a_sample_checks_as_many_as_asked(home: Path) -> None:
    fonds()
    admit_numbers(home / "staging", 1, 2, 3)

    assert verify(kind="sample", sample=2, by="li", now=NOW).run.checked == 2
    assert PreservationEvent.objects.filter(kind="fixity check").count() == 0


def test_scheduled_runs_check_every_record_within_the_period(home: Path, settings: object) -> None:
    settings.VERIFY_DAYS = 3  # type: ignore[attr-defined]  # pytest-django's settings
    fonds()
    admit_numbers(home / "staging", *range(1, 8))
    verify(kind="sample", sample=7, by="li", now=NOW)

    checked = [
        verify(kind="scheduled", by="li", now=NOW + timedelta(days=day)).run.checked
        for day in range(1, 4)
    ]

    assert sum(checked) >= 7
    assert max(checked) <= 4
    assert not Record.objects.filter(verified_at__lte=NOW).exists()
    assert due_count(now=NOW + timedelta(days=3)) == 3


def test_progress_is_told(home: Path) -> None:
    fonds()
    admit_numbers(home / "staging", 1, 2)
    told: list[tuple[int, int]] = []

    verify(kind="all", by="li", now=NOW, progress=lambda done, total: told.append((done, total)))

    assert told == [(2, 2)]
