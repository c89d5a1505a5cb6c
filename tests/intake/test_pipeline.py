"""The whole way of a hand-over, of every kind, from the door to the shelf."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.archive.build import TODAY, validate_store
from tests.corpus.contents import zipped
from tests.corpus.handovers import HEADERS, NOW, catalogued, code, lay_out, row
from tests.intake.running import INLINE, blocked, letter, states, take, take_files, told

from liandong.archive.models import Fonds, HeldNumber, Record
from liandong.archive.policies import SYSTEM
from liandong.archive.queries import find
from liandong.archive.services.holdings import keep_fonds
from liandong.base.engines import engine
from liandong.intake.models import HandedFile, Item, ItemPage, StepRun
from liandong.intake.queries import unfinished_batches
from liandong.intake.services import drive as driving
from liandong.intake.services.drive import drive
from liandong.kernel.packages import bagit, eep, transfer
from liandong.kernel.packages.packet import PackedFile, PackedItem
from liandong.kernel.query import parse

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _inline(settings: Any, home: Path) -> None:
    settings.ENGINES = {**settings.ENGINES, "compute": INLINE}


@pytest.fixture
def fonds() -> Fonds:
    return keep_fonds("Z109", title="滨州市人民政府", by="li", now=NOW)


def _texts(*numbers: int) -> dict[str, bytes]:
    return {f"{code(number)}.txt": letter(number) for number in numbers}


# Kinds of hand-over -------------------------------------------------------------------------------


def _csv(rows: list[list[object]], encoding: str) -> bytes:
    return "\r\n".join(",".join(map(str, one)) for one in [HEADERS, *rows]).encode(encoding)


def _packed(folder: Path, number: int) -> PackedItem:
    folder.mkdir(exist_ok=True)
    source = folder / f"{number}.txt"
    source.write_bytes(letter(number))
    description = {
        "archival_code": code(number), "title": f"关于第{number}号防汛工作的通知",
        "author": "滨州市人民政府办公室", "document_date": "20110506", "retention_period": "永久",
        "fonds_number": "Z109", "filing_year": "2011", "archival_category": "WS",
    }  # fmt: skip
    return PackedItem(description, (PackedFile("正文.txt", source),))


def _xlsx(root: Path) -> Path:
    return lay_out(root / "in", catalogued([row(1), row(2)], _texts(1, 2)))


def _gb_csv(root: Path) -> Path:
    return lay_out(root / "in", {"目录.csv": _csv([row(1), row(2)], "gb18030"), **_texts(1, 2)})


def _zip(root: Path) -> Path:
    files = catalogued([row(1), row(2)], _texts(1, 2))
    return lay_out(root, {"移交.zip": zipped(files)}) / "移交.zip"


def _bag(root: Path) -> Path:
    items = [_packed(root / "src", number) for number in (1, 2)]
    bagit.write(root / "bag", items, bagged_on=date(2026, 11, 22))
    return root / "bag"


def _transfer(root: Path) -> Path:
    items = [_packed(root / "src", number) for number in (1, 2)]
    transfer.write(root / "t93", items, made_on=date(2026, 11, 22), sender="办公室")
    return root / "t93"


def _eep(root: Path) -> Path:
    (root / "eep").mkdir()
    for number in (1, 2):
        eep.write(root / "eep" / f"{number}.eep", _packed(root / "src", number), created=NOW,
                  creator="办公室")  # fmt: skip
    return root / "eep"


KINDS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "catalogue xlsx": (_xlsx, "catalogue"),
    "catalogue csv in GB 18030": (_gb_csv, "catalogue"),
    "zip with a catalogue": (_zip, "catalogue"),
    "BagIt": (_bag, "bagit"),
    "DA/T 93": (_transfer, "dat93"),
    "EEP": (_eep, "eep"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_hand_over_ends_admitted(
    kind: str, tmp_path: Path, fonds: Fonds, settings: Any
) -> None:
    make, name = KINDS[kind]

    batch = take(make(tmp_path), fonds=fonds)

    assert (batch.kind, batch.state, states(batch)) == (name, "accepted", {"admitted": 2})
    assert list(Record.objects.values_list("code", flat=True)) == [code(1), code(2)]
    assert validate_store(settings.STORE) == 4  # two records, the fonds and the papers of the batch
    original = Record.objects.get(code=code(2)).files.get(role="original")
    objects = [path for path in settings.STORE.rglob(original.path) if path.is_file()]
    assert letter(2) in [path.read_bytes() for path in objects]
    found = find(parse("防汛"), viewer=SYSTEM, today=TODAY, limit=5)
    assert {hit.record.code for hit in found.hits} == {code(1), code(2)}


def test_a_bare_folder_without_fonds_ends_admitted_provisionally(tmp_path: Path) -> None:
    batch = take_files(tmp_path / "in", {"通知.txt": letter(1), "又一份.txt": letter(2)})

    assert (batch.kind, states(batch)) == ("bare", {"admitted": 2})
    assert {record.fonds.number for record in Record.objects.select_related("fonds")} == {"X000"}
    assert sorted(Record.objects.values_list("number", flat=True)) == [1, 2]
    assert not Record.objects.filter(looked_at=True).exists()


def test_without_accept_everything_waits_for_a_person(tmp_path: Path, fonds: Fonds) -> None:
    batch = take(_xlsx(tmp_path), fonds=fonds, accept=False)

    assert (batch.state, states(batch)) == ("pending_review", {"waiting": 2})
    assert not Record.objects.exists()
    assert unfinished_batches() == []


# Traces -------------------------------------------------------------------------------------------


def test_every_item_has_one_run_of_every_step_in_order(tmp_path: Path, fonds: Fonds) -> None:
    batch = take(_xlsx(tmp_path), fonds=fonds)

    for item in batch.items.all():
        assert list(item.steps.values_list("step", flat=True)) == list(driving.STEPS)
    assert "siegfried" in StepRun.objects.filter(step="identify")[0].tool


def test_nothing_of_an_ended_batch_stays_in_the_staging_folder(
    tmp_path: Path, fonds: Fonds, settings: Any
) -> None:
    batch = take(_xlsx(tmp_path), fonds=fonds)

    kept = [path.relative_to(settings.STAGING) for path in settings.STAGING.rglob("*")]
    assert list(map(str, kept)) == ["packing"]
    assert not batch.files.exclude(staged="").exists()
    assert not ItemPage.objects.exists()
    assert not HandedFile.objects.filter(item__isnull=False).exclude(staged="").exists()


def test_driving_again_changes_nothing(tmp_path: Path, fonds: Fonds) -> None:
    batch = take(_xlsx(tmp_path), fonds=fonds)
    before = (list(StepRun.objects.values()), list(Record.objects.values()))

    drive(batch.pk, by="wang", clock=lambda: NOW)

    assert (list(StepRun.objects.values()), list(Record.objects.values())) == before


# The same twice -----------------------------------------------------------------------------------


def test_the_same_content_after_its_end_is_recognised(tmp_path: Path, fonds: Fonds) -> None:
    source = _xlsx(tmp_path)
    first = take(source, fonds=fonds)
    second = take(source, fonds=fonds, late=1)

    assert second.repeats == first
    assert told(second)[""] >= {"BATCH-REPEATED"}
    assert states(second) == {"duplicate": 2}
    assert second.state == "accepted"
    assert Record.objects.count() == 2


def test_the_same_content_before_its_end_goes_on_with_the_first_batch(
    tmp_path: Path, fonds: Fonds
) -> None:
    source = _xlsx(tmp_path)
    first = take(source, fonds=fonds, accept=False)
    again = take(source, fonds=fonds, late=1)

    assert again == first
    assert states(again) == {"waiting": 2}
    assert HandedFile.objects.filter(batch=first).count() == 3


def test_one_file_of_another_hand_over_is_recognised(tmp_path: Path, fonds: Fonds) -> None:
    take(_xlsx(tmp_path), fonds=fonds)
    files = {f"{code(1)}.txt": letter(1), f"{code(3)}.txt": letter(3)}
    rows = [row(3), row(4, 档号=code(1))]
    batch = take_files(tmp_path / "more", catalogued(rows, files), fonds=fonds, late=1)

    assert states(batch) == {"admitted": 1, "duplicate": 1}
    assert batch.items.get(state="duplicate").key == code(1)


# Mending ------------------------------------------------------------------------------------------


def test_a_mended_hand_over_brings_only_what_failed(tmp_path: Path, fonds: Fonds) -> None:
    rows = [row(number) for number in (1, 2, 3)]
    first = take_files(tmp_path / "1", catalogued(rows, _texts(1, 3)), fonds=fonds)
    assert states(first) == {"admitted": 2, "held": 1}
    assert blocked(first)[code(2)] == {"CAT-ROW-NO-FILE"}

    second = take_files(
        tmp_path / "2", catalogued(rows, _texts(2)), fonds=fonds, mends=first, late=1
    )

    assert {item.key: item.state for item in second.items.all()} == {code(2): "admitted"}
    assert first.items.get(key=code(2)).state == "returned"
    assert sorted(Record.objects.values_list("number", flat=True)) == [1, 2, 3]


# Trouble ------------------------------------------------------------------------------------------


class _Breaks:
    """A step that fails on one item, or until it is mended."""

    def __init__(self, step: Any, error: Exception, key: str = "") -> None:
        self.step, self.error, self.key, self.on = step, error, key, True

    def __call__(self, items: Any, *, now: Any) -> Any:
        if self.on and (not self.key or any(item.key == self.key for item in items)):
            raise self.error
        return self.step(items, now=now)


@pytest.mark.parametrize("step", ["identify", "check", "read", "extract", "describe", "package"])
def test_an_item_that_breaks_a_step_is_held_and_the_others_go_on(
    step: str, tmp_path: Path, fonds: Fonds, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = _Breaks(driving.FUNCTIONS[step], ValueError("x"), code(1))
    monkeypatch.setitem(driving.FUNCTIONS, step, broken)

    batch = take(_xlsx(tmp_path), fonds=fonds)

    assert {item.key: item.state for item in batch.items.all()} == {
        code(1): "held", code(2): "admitted",
    }  # fmt: skip
    assert blocked(batch) == {code(1): {"STEP-FAILED"}}
    assert batch.items.get(key=code(1)).trouble == f"{step}: ValueError: x"
    assert batch.items.get(key=code(1)).blocking == 1


@pytest.mark.parametrize("step", driving.STEPS)
def test_a_full_disk_stops_the_batch_and_it_goes_on_when_there_is_space(
    step: str, tmp_path: Path, fonds: Fonds, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = _Breaks(driving.FUNCTIONS[step], OSError(28, "No space left on device"))
    monkeypatch.setitem(driving.FUNCTIONS, step, full)
    source = _xlsx(tmp_path)
    with pytest.raises(OSError, match="No space"):
        take(source, fonds=fonds)
    (stopped,) = unfinished_batches()
    full.on = False

    batch = drive(stopped, by="system", clock=lambda: NOW)

    assert states(batch) == {"admitted": 2}
    assert not HeldNumber.objects.exists()
    assert StepRun.objects.count() == 2 * len(driving.STEPS)


def test_an_index_that_fails_leaves_the_record_admitted_and_is_tried_again(
    tmp_path: Path, fonds: Fonds, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = _Breaks(driving.FUNCTIONS["index"], ValueError("index"))
    monkeypatch.setitem(driving.FUNCTIONS, "index", broken)
    batch = take(_xlsx(tmp_path), fonds=fonds)
    assert states(batch) == {"admitted": 2}
    assert unfinished_batches() == [batch.pk]
    broken.on = False

    drive(batch.pk, by="system", clock=lambda: NOW)

    assert engine("search").count() == 2
    assert unfinished_batches() == []


def test_a_batch_that_cannot_be_unpacked_fails_with_its_bytes_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def break_(*_: Any, **__: Any) -> None:
        raise ValueError("x")

    monkeypatch.setattr(driving, "unpack", break_)
    batch = take_files(tmp_path / "in", {"a.txt": letter(1)})

    assert (batch.state, batch.failure) == ("failed", "STEP-FAILED")
    assert (settings.STAGING / batch.files.get().staged).read_bytes() == letter(1)


def test_many_items_walk_in_chunks(
    tmp_path: Path, fonds: Fonds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "CHUNK", 3)
    numbers = range(1, 8)
    rows = [row(number) for number in numbers]
    batch = take_files(tmp_path / "in", catalogued(rows, _texts(*numbers)), fonds=fonds)

    assert states(batch) == {"admitted": 7}
    assert sorted(Record.objects.values_list("number", flat=True)) == list(numbers)
    assert Item.objects.filter(step="index").count() == 7
