"""Hand-over, decisions and reports leave rows: who decided what of how many, and why."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.corpus.handovers import NOW, catalogued, code, row
from tests.intake.running import INLINE, letter, take_files
from tests.people import ARCHIVIST, client_of

from liandong.archive.services.holdings import keep_fonds
from liandong.base.models import AuditRow, Outcome
from liandong.intake.models import Batch, Proposal
from liandong.intake.services.decide import accept, check_again, send_back
from liandong.intake.services.review import decide_proposal, undo_decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(settings: Any, home: Path, tmp_path: Path) -> Batch:
    """Three items that wait, one of them held."""
    settings.ENGINES = {**settings.ENGINES, "compute": INLINE}
    fonds = keep_fonds("Z109", title="滨州市人民政府", by="li", now=NOW)
    files = {f"{code(n)}.txt": letter(n) for n in (1, 2)}
    rows = [row(n) for n in (1, 2, 3)]
    return take_files(tmp_path / "in", catalogued(rows, files), fonds=fonds, accept=False)


def told(act: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Object, who, why and facts of every row of an act."""
    rows = AuditRow.objects.filter(act=act).order_by("number")
    return [(one.object, one.by, one.why, json.loads(one.facts or "{}")) for one in rows]


def test_a_hand_over_leaves_a_row_with_its_digest(batch: Batch) -> None:
    ((about, by, _, facts),) = told("receive_batch")
    assert (about, by) == (f"batch:{batch.pk}", "wang")
    assert facts == {
        "files": batch.file_count, "bytes": batch.size_bytes, "sha256": batch.content_digest,
    }  # fmt: skip


def test_a_decision_leaves_one_row_per_batch_with_its_counts(batch: Batch) -> None:
    items = list(batch.items.order_by("key").values_list("pk", flat=True))
    accept(items, by="zhao", now=NOW)  # the third is held and cannot be
    send_back(items[:1], reason="重复", by="zhao", now=NOW)  # accepted already
    assert told("accept_items") == [(f"batch:{batch.pk}", "zhao", "", {"items": 3, "refused": 1})]
    assert told("return_items") == [
        (f"batch:{batch.pk}", "zhao", "重复", {"items": 1, "refused": 1})
    ]
    assert AuditRow.objects.get(act="return_items").outcome == Outcome.REFUSED


def test_checking_again_leaves_a_row(batch: Batch) -> None:
    assert check_again(batch, by="zhao", now=NOW) == 1
    assert told("check_again") == [(f"batch:{batch.pk}", "zhao", "", {"items": 1})]


def test_a_value_that_is_decided_or_opened_again_leaves_a_row(batch: Batch) -> None:
    proposal = Proposal.objects.filter(item__batch=batch).first()
    assert proposal is not None
    decided = decide_proposal(proposal, "accept", by="zhao", now=NOW)
    undo_decision(decided, by="zhao", now=NOW)
    facts = {"proposal": proposal.pk, "field": proposal.field}
    about = f"item:{proposal.item_id}"
    assert told("decide_field") == [(about, "zhao", "", {**facts, "state": "accepted"})]
    assert told("undo_field") == [(about, "zhao", "", {**facts, "state": "proposed"})]


@pytest.mark.parametrize(
    ("path", "form"),
    [("receipt/", "receipt"), ("report/", "page"), ("report.xlsx", "xlsx"), ("report.pdf", "pdf")],
)
def test_whoever_takes_a_report_leaves_a_row(path: str, form: str, batch: Batch) -> None:
    client = client_of(ARCHIVIST)
    assert client.get(f"/transfers/{batch.pk}/{path}").status_code == 200
    assert told("print_report") == [(f"batch:{batch.pk}", "archivist", "", {"form": form})]


def test_lists_and_progress_write_nothing(batch: Batch) -> None:
    client, before = client_of(ARCHIVIST), AuditRow.objects.count()
    for path in (
        "/transfers/",
        f"/transfers/{batch.pk}/",
        f"/transfers/{batch.pk}/progress/",
        "/review/",
    ):
        assert client.get(path).status_code == 200
    assert AuditRow.objects.count() == before
