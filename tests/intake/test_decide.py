"""Decisions of a person: accept, return, check again; each item tells its outcome."""

from pathlib import Path
from typing import Any

import pytest
from tests.corpus.handovers import NOW, catalogued, code, row
from tests.intake.running import INLINE, blocked, letter, states, take_files, told

from liandong.archive.models import Fonds, HeldNumber, Record
from liandong.archive.services.holdings import keep_fonds
from liandong.intake.models import Batch
from liandong.intake.services import drive as driving
from liandong.intake.services.decide import accept, check_again, send_back
from liandong.intake.services.drive import drive

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _inline(settings: Any, home: Path) -> None:
    settings.ENGINES = {**settings.ENGINES, "compute": INLINE}


@pytest.fixture
def fonds() -> Fonds:
    return keep_fonds("Z109", title="滨州市人民政府", by="li", now=NOW)


def _waiting(tmp_path: Path, fonds: Fonds, *missing: int) -> Batch:
    """A batch of three waiting items; those that miss their file are held."""
    rows = [row(number) for number in (1, 2, 3)]
    files = {f"{code(n)}.txt": letter(n) for n in (1, 2, 3) if n not in missing}
    return take_files(tmp_path / "in", catalogued(rows, files), fonds=fonds, accept=False)


def _ids(batch: Batch, *numbers: int) -> list[int]:
    return [batch.items.get(key=code(number)).pk for number in numbers]


def _drive(batch: Batch) -> Batch:
    return drive(batch.pk, by="system", clock=lambda: NOW)


def test_accepted_items_are_admitted_by_the_next_drive(tmp_path: Path, fonds: Fonds) -> None:
    batch = _waiting(tmp_path, fonds)
    outcomes = accept(_ids(batch, 1, 2), by="zhao", now=NOW)

    batch = _drive(batch)

    assert [one.refused for one in outcomes] == ["", ""]
    assert states(batch) == {"admitted": 2, "waiting": 1}
    assert batch.state == "pending_review"
    assert Record.objects.filter(looked_at=True, admitted_by="zhao").count() == 2


def test_a_held_item_cannot_be_accepted(tmp_path: Path, fonds: Fonds) -> None:
    batch = _waiting(tmp_path, fonds, 2)

    (outcome,) = accept(_ids(batch, 2), by="zhao", now=NOW)

    assert (outcome.key, outcome.refused) == (code(2), "wrong-state")
    assert batch.items.get(key=code(2)).decided_at is None


def test_accepting_twice_tells_so_and_admits_once(tmp_path: Path, fonds: Fonds) -> None:
    batch = _waiting(tmp_path, fonds)
    accept(_ids(batch, 1), by="zhao", now=NOW)

    (again,) = accept(_ids(batch, 1), by="qian", now=NOW)
    _drive(batch)

    assert again.refused == "wrong-state"
    assert batch.items.get(key=code(1)).decided_by == "zhao"
    assert Record.objects.count() == 1


def test_a_batch_ends_when_the_last_item_is_decided(tmp_path: Path, fonds: Fonds) -> None:
    batch = _waiting(tmp_path, fonds, 2)
    send_back(_ids(batch, 2), reason="缺文件", by="zhao", now=NOW)
    accept(_ids(batch, 1, 3), by="zhao", now=NOW)

    batch = _drive(batch)

    assert (batch.state, batch.ended_at) == ("accepted", NOW)
    returned = batch.items.get(key=code(2))
    assert (returned.state, returned.reason) == ("returned", "缺文件")


def test_returned_items_keep_their_bytes(tmp_path: Path, fonds: Fonds, settings: Any) -> None:
    batch = _waiting(tmp_path, fonds)
    send_back(_ids(batch, 1, 2, 3), reason="重复移交", by="zhao", now=NOW)

    batch.refresh_from_db()
    kept = [(settings.STAGING / file.staged).read_bytes() for file in
            batch.files.filter(item__isnull=False).order_by("path")]  # fmt: skip
    assert kept == [letter(1), letter(2), letter(3)]
    assert batch.state == "accepted"


def test_checking_again_keeps_what_unpacking_said(tmp_path: Path, fonds: Fonds) -> None:
    batch = _waiting(tmp_path, fonds, 2)
    before = blocked(batch)[code(2)]

    assert check_again(batch, by="zhao", now=NOW) == 1
    batch = _drive(batch)

    assert blocked(batch)[code(2)] == before == {"CAT-ROW-NO-FILE"}
    assert states(batch) == {"held": 1, "waiting": 2}
    assert batch.items.get(key=code(2)).blocking == 1


def test_checking_again_after_a_mended_fault_lets_the_item_pass(
    tmp_path: Path, fonds: Fonds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_(*_: Any, **__: Any) -> None:
        raise ValueError("x")

    with monkeypatch.context() as patch:
        patch.setitem(driving.FUNCTIONS, "extract", break_)
        batch = _waiting(tmp_path, fonds)
    assert states(batch) == {"held": 3}
    assert "STEP-FAILED" in told(batch)[code(1)]

    assert check_again(batch, by="zhao", now=NOW) == 3
    batch = _drive(batch)

    assert states(batch) == {"waiting": 3}
    assert batch.items.exclude(trouble="").count() == 0


def _held_while_packing(tmp_path: Path, fonds: Fonds, monkeypatch: pytest.MonkeyPatch) -> Batch:
    batch = _waiting(tmp_path, fonds)
    accept(_ids(batch, 1), by="zhao", now=NOW)

    def break_(*_: Any, **__: Any) -> None:
        raise ValueError("x")

    with monkeypatch.context() as patch:
        patch.setattr("liandong.intake.services.finish.pack_many", break_)
        batch = _drive(batch)
    assert states(batch) == {"held": 1, "waiting": 2}
    return batch


def test_a_number_taken_by_an_item_that_is_returned_is_free_again(
    tmp_path: Path, fonds: Fonds, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = _held_while_packing(tmp_path, fonds, monkeypatch)
    assert HeldNumber.objects.filter(holder__isnull=False).count() == 1

    send_back(_ids(batch, 1), reason="重做", by="zhao", now=NOW)

    assert not HeldNumber.objects.filter(holder__isnull=False).exists()
    assert batch.items.get(key=code(1)).code == ""


def test_an_item_held_while_it_was_packed_can_be_checked_again(
    tmp_path: Path, fonds: Fonds, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = _held_while_packing(tmp_path, fonds, monkeypatch)

    assert check_again(batch, by="zhao", now=NOW) == 1
    batch = _drive(batch)
    assert states(batch) == {"waiting": 3}
    accept(_ids(batch, 1, 2, 3), by="zhao", now=NOW)
    _drive(batch)

    assert list(Record.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
    assert not HeldNumber.objects.exists()
