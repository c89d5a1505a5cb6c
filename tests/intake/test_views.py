"""Every address of the hand-over: who gets what, at which cost, and against which hostile input."""

import json
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook
from tests.intake.describing import make_batch, make_item
from tests.people import ARCHIVIST, CLERK, EVERYONE, STRANGER, client_of

from liandong.archive.models import Fonds
from liandong.base.models import Unit
from liandong.base.tables import FORMULA_STARTS
from liandong.intake.models import (
    Batch,
    BatchState,
    Item,
    ItemFinding,
    ItemState,
    Proposal,
    ProposalState,
    Upload,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(home: Path) -> Batch:
    """A batch of the unit BGS with one item that waits, with a finding and a proposal."""
    return _batch()


def _batch(items: int = 1, unit: str = "BGS") -> Batch:
    made = make_batch()
    made.unit, _ = Unit.objects.get_or_create(code=unit, defaults={"name": unit})
    made.state, made.item_count = BatchState.PENDING_REVIEW, items
    made.save()
    for number in range(items):
        item = make_item(made, title=f"第{number}件")
        Item.objects.filter(pk=item.pk).update(state=ItemState.WAITING)
        ItemFinding.objects.create(
            batch=made, item=item, code="FILE-EMPTY", severity="block", where="甲.txt", facts={}
        )
        Proposal.objects.create(
            item=item, field="title", value="=1+1", confidence=0.95, method="ocr:pattern"
        )
    return made


LOGIN, OK, NO, GONE = 302, 200, 403, 404


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("/transfers/", (LOGIN, NO, OK, OK)),
        ("/transfers/?state=pending_review", (LOGIN, NO, OK, OK)),
        ("/transfers/new/", (LOGIN, NO, OK, OK)),
        ("/transfers/{pk}/", (LOGIN, NO, OK, OK)),
        ("/transfers/{pk}/progress/", (LOGIN, NO, OK, OK)),
        ("/transfers/{pk}/receipt/", (LOGIN, NO, OK, OK)),
        ("/transfers/{pk}/report/", (LOGIN, NO, OK, OK)),
        ("/transfers/{pk}/report.xlsx", (LOGIN, NO, OK, OK)),
        ("/transfers/{pk}/report.pdf", (LOGIN, NO, OK, OK)),
        ("/transfers/{pk}/decide/", (405, 405, 405, 405)),
        ("/transfers/{pk}/again/", (405, 405, 405, 405)),
        ("/transfers/999999/", (LOGIN, NO, GONE, GONE)),
        ("/review/", (LOGIN, NO, NO, OK)),
        ("/review/fields/", (LOGIN, NO, NO, OK)),
        ("/review/other/", (LOGIN, NO, NO, GONE)),
        ("/desk/", (LOGIN, OK, OK, OK)),
    ],
)
def test_pages_open_for_those_who_may(batch: Batch, path: str, codes: tuple[int, ...]) -> None:
    address = path.format(pk=batch.pk)
    assert tuple(client_of(who).get(address).status_code for who in EVERYONE) == codes


def test_a_batch_of_another_unit_is_absent_for_a_clerk(home: Path) -> None:
    foreign, clerk = _batch(unit="CZJ"), client_of(CLERK)
    for tail in ("", "progress/", "receipt/", "report/", "report.xlsx", "report.pdf"):
        assert clerk.get(f"/transfers/{foreign.pk}/{tail}").status_code == GONE, tail
    assert clerk.post(f"/transfers/{foreign.pk}/again/").status_code == GONE
    assert foreign.name not in clerk.get("/transfers/").content.decode().split("<main")[1]


def test_only_an_archivist_decides(batch: Batch) -> None:
    proposal, item = Proposal.objects.get(), batch.items.get()
    acts = (
        (f"/transfers/{batch.pk}/decide/", {"act": "accept", "item": item.pk}),
        ("/review/above/", {"batch": batch.pk, "sure": 1}),
        (f"/review/proposals/{proposal.pk}/", {"act": "accept"}),
    )
    for who, code in ((STRANGER, LOGIN), (CLERK, NO)):
        client = client_of(who)
        assert {client.post(path, said).status_code for path, said in acts} == {code}
    assert batch.items.get().state == ItemState.WAITING
    assert Proposal.objects.get().state == ProposalState.PROPOSED


def test_everything_is_accepted_only_after_a_preview(batch: Batch) -> None:
    client = client_of(ARCHIVIST)
    answer = client.post(f"/transfers/{batch.pk}/decide/", {"act": "accept_all"})
    assert answer.status_code == OK
    assert "第0件" in answer.content.decode()
    assert batch.items.get().state == ItemState.WAITING
    client.post(f"/transfers/{batch.pk}/decide/", {"act": "accept_all", "sure": "1"})
    assert batch.items.get().state == ItemState.ACCEPTED


def test_a_return_wants_a_reason(batch: Batch) -> None:
    client, item = client_of(ARCHIVIST), batch.items.get()
    said = {"act": "return", "item": item.pk, "reason": " \0 "}
    client.post(f"/transfers/{batch.pk}/decide/", said)
    assert batch.items.get().state == ItemState.WAITING
    client.post(f"/transfers/{batch.pk}/decide/", {**said, "reason": "缺页"})
    kept = batch.items.get()
    assert (kept.state, kept.reason) == (ItemState.RETURNED, "缺页")


def test_items_of_another_batch_are_not_decided(batch: Batch) -> None:
    other = _batch().items.get()
    said = {"act": "accept", "item": other.pk}
    client_of(ARCHIVIST).post(f"/transfers/{batch.pk}/decide/", said)
    assert Item.objects.get(pk=other.pk).state == ItemState.WAITING


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "javascript:1", "no-such-view"]
)
def test_a_decision_never_leads_to_another_site(batch: Batch, back: str) -> None:
    said = {"act": "accept", "next": back}
    answer = client_of(ARCHIVIST).post(f"/review/proposals/{Proposal.objects.get().pk}/", said)
    assert answer.status_code == 302
    assert "evil" not in answer["Location"]
    assert not answer["Location"].startswith("javascript")


def test_lists_cost_the_same_for_one_row_and_for_twenty(home: Path) -> None:
    client = client_of(ARCHIVIST)
    small = _batch(1)
    costs = [_costs(client, small)]
    for _ in range(19):
        _batch(1)
    costs.append(_costs(client, _batch(20)))
    assert costs[0] == costs[1]
    assert max(costs[1].values()) <= 25, costs


def _costs(client: Client, batch: Batch) -> dict[str, int]:
    found = {}
    for name, path in (
        ("batches", "/transfers/"), ("batch", f"/transfers/{batch.pk}/"), ("review", "/review/"),
        ("report", f"/transfers/{batch.pk}/report/"), ("desk", "/desk/"),
        ("receipt", f"/transfers/{batch.pk}/receipt/"),
    ):  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
            b"".join(answer)
        assert answer.status_code == OK
        found[name] = len(queries)
    return found


def test_a_receipt_says_while_the_files_are_not_all_known(batch: Batch) -> None:
    client, address = client_of(ARCHIVIST), f"/transfers/{batch.pk}/receipt/"
    Batch.objects.filter(pk=batch.pk).update(kind="")
    assert "文件仍在登记" in client.get(address).content.decode()
    Batch.objects.filter(pk=batch.pk).update(kind="bare")
    assert "文件仍在登记" not in client.get(address).content.decode()


HOSTILE = ["abc", "-1", "1" * 40, "9" * 5000, "\0", "a\0b", "٣", "²", "nan", "inf", "nan-1",
           "0.5-x", "' OR 1=1 --", "<script>"]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_no_parameter_breaks_a_page(batch: Batch, value: str) -> None:
    client = client_of(ARCHIVIST)
    pairs = {"after": value, "state": value, "code": value, "field": value, "mends": value}
    for path in ("/transfers/", f"/transfers/{batch.pk}/", "/transfers/new/", "/review/"):
        answer = client.get(path, pairs)
        assert answer.status_code == OK, path
        assert b"<script>" not in answer.content.split(b"<main")[1]
    assert client.get("/review/", {"batch": value}).status_code in {OK, GONE}
    said = {"act": value, "item": value, "reason": value, "confidence": value, "batch": value}
    assert client.post(f"/transfers/{batch.pk}/decide/", said).status_code == 302
    assert (
        client.post(f"/transfers/{batch.pk}/decide/", {**said, "act": "accept"}).status_code == 302
    )
    assert client.post("/review/above/", {**said, "batch": batch.pk}).status_code == OK
    assert client.post("/review/above/", said).status_code == GONE
    form = {"name": value, "fonds": value, "mends": value, "session": value}
    assert client.post("/transfers/new/", form).status_code == 422


# Uploads ------------------------------------------------------------------------------------------


def _begin(client: Client, **said: object) -> tuple[int, dict[str, str]]:
    asked = {"name": "甲.txt", "size": 4, "path": "卷/甲.txt", "batch": ""} | said
    answer = client.post("/transfers/uploads/", json.dumps(asked), content_type="application/json")
    return answer.status_code, answer.json()


def _put(client: Client, upload: str, offset: object, content: bytes):  # type: ignore[no-untyped-def]
    return client.put(
        f"/transfers/uploads/{upload}/", content,
        content_type="application/octet-stream", headers={"Upload-Offset": str(offset)},
    )  # fmt: skip


def test_a_file_goes_up_in_pieces_and_gets_its_digest(home: Path) -> None:
    client = client_of(CLERK)
    code, receipt = _begin(client)
    assert (code, receipt["offset"]) == (200, 0)
    assert _put(client, receipt["id"], 0, b"ab").json() == {"offset": 2}
    again = _put(client, receipt["id"], 0, b"ab")
    assert (again.status_code, again.json()["offset"]) == (409, 2)
    last = _put(client, receipt["id"], 2, b"cd").json()
    assert last["sha256"] == "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"
    assert client.get(f"/transfers/uploads/{receipt['id']}/").json() == last


def test_an_upload_belongs_to_its_account(home: Path) -> None:
    _code, receipt = _begin(client_of(CLERK))
    address = f"/transfers/uploads/{receipt['id']}/"
    other = client_of(CLERK, name="zhao")
    assert other.get(address).status_code == GONE
    assert _put(other, receipt["id"], 0, b"abcd").status_code == GONE
    assert _begin(other, batch=receipt["batch"])[0] == GONE
    assert client_of(STRANGER).get(address).status_code == LOGIN
    assert Upload.objects.get().offset == 0


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"size": -1}, {400, 413}), ({"size": "x"}, {400}), ({"size": 2**80}, {413}),
        ({"size": None}, {400}),
        ({"batch": "x"}, {400}), ({"batch": 5}, {400}), ({"path": "../甲"}, {400}),
        ({"path": "/etc/passwd"}, {400}), ({"path": "a\0b"}, {400}), ({"path": "甲" * 3000}, {400}),
    ],
)  # fmt: skip
def test_an_upload_that_makes_no_sense_is_refused(
    home: Path, said: dict[str, object], code: set[int]
) -> None:
    answer, told = _begin(client_of(CLERK), **said)
    assert answer in code
    assert told["message"]
    assert not Upload.objects.exists()


@pytest.mark.parametrize("body", ["", "[]", "null", "5", '"x"', "{", '{"name":"a","size":1e999}'])
def test_a_body_that_is_no_object_is_refused(home: Path, body: str) -> None:
    client = client_of(CLERK)
    answer = client.generic("POST", "/transfers/uploads/", body, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("offset", ["", "x", "-1", "9" * 40])
def test_a_piece_at_no_place_is_refused(home: Path, offset: str) -> None:
    client = client_of(CLERK)
    _code, receipt = _begin(client)
    assert _put(client, receipt["id"], offset, b"ab").status_code in {400, 409}
    assert _put(client, str(uuid4()), 0, b"ab").status_code == GONE
    assert _put(client, receipt["id"], 0, b"too long").status_code == 413


def test_a_plain_form_hands_over_without_script(home: Path) -> None:
    client = client_of(CLERK)
    files = [SimpleUploadedFile("甲.txt", b"one"), SimpleUploadedFile("乙.txt", b"two")]
    answer = client.post("/transfers/new/", {"name": "一批", "files": files})
    batch = Batch.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/transfers/{batch.pk}/")
    assert (batch.file_count, batch.unit and batch.unit.code) == (2, "BGS")
    assert client.post("/transfers/new/", {"name": "一批"}).status_code == 422


# Downloads ----------------------------------------------------------------------------------------


def test_the_workbook_has_every_finding_and_no_formula(batch: Batch) -> None:
    item = batch.items.get()
    for start in FORMULA_STARTS:
        where = f"{start}cmd()"
        ItemFinding.objects.create(
            batch=batch, item=item, code="FILE-EMPTY", severity="block", where=where, facts={}
        )
    answer = client_of(ARCHIVIST).get(f"/transfers/{batch.pk}/report.xlsx")
    assert answer["Content-Disposition"].startswith("attachment")
    sheet = load_workbook(BytesIO(answer.content)).worksheets[2]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 1 + batch.findings.count()
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    assert not any(str(cell.value or "").startswith(FORMULA_STARTS) for cell in cells)


def test_the_pdf_is_one_and_escapes_what_it_says(batch: Batch) -> None:
    item = batch.items.get()
    Item.objects.filter(pk=item.pk).update(key="<b>&<font color=red>")
    answer = client_of(ARCHIVIST).get(f"/transfers/{batch.pk}/report.pdf")
    assert answer.content.startswith(b"%PDF")
    assert answer["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("form", ["xlsx", "pdf"])
@pytest.mark.parametrize("where", ["a\x01b\x0bc", "\ud800", "长" * 1000, "x " * 500])
def test_no_file_name_breaks_a_report(batch: Batch, form: str, where: str) -> None:
    named = where.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    batch.findings.update(where=named)
    assert client_of(ARCHIVIST).get(f"/transfers/{batch.pk}/report.{form}").status_code == 200


def test_a_clerk_is_offered_the_fonds_of_the_own_unit_alone(batch: Batch) -> None:
    own = Fonds.objects.create(number="Z901", title="本单位", unit=batch.unit)
    Fonds.objects.create(number="Z902", title="别的单位")
    page = client_of(CLERK).get("/transfers/new/").content.decode()
    assert ("Z901" in page, "Z902" in page) == (True, False)
    assert "Z902" in client_of(ARCHIVIST).get("/transfers/new/").content.decode()
    assert own.unit is not None
