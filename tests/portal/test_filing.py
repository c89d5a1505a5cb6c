"""The OA filing interface: one document, one filing, the same checks, its process kept."""

import base64
import hashlib
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from tests.intake.running import INLINE, letter
from tests.portal.calling import (
    NOW,
    Caller,
    account_of,
    caller,
    code_of,
    fonds_of,
    fresh_token,
    key_of,
)

from liandong.archive.models import PreservationEvent, Record, RecordFile
from liandong.base.models import AuditRow
from liandong.intake.models import Batch, Item, Upload
from liandong.intake.services.decide import accept, send_back
from liandong.intake.services.drive import drive
from liandong.kernel.packages.bagit import validate
from liandong.portal.api.examples import BODIES
from liandong.portal.models import Filing
from liandong.portal.services import filing as filing_module
from liandong.portal.services.leftovers import sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _inline(settings: Any, home: Path) -> None:
    settings.ENGINES = {**settings.ENGINES, "compute": INLINE}
    fonds_of()


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _document(number: str = "2026-1", files: Sequence[dict[str, str]] = (), **more: Any) -> Any:
    body = deepcopy(BODIES["file_one"])
    body |= {"document_id": number}
    body["files"] = list(files) or [{"name": "正文.txt", "content": _b64(letter(1, number))}]
    body["document"] |= more
    return body


def _drive(answer: Any) -> Batch:
    batch = Filing.objects.get(uuid=answer.json()["id"]).batch
    assert batch is not None
    return drive(batch.pk, by="system", clock=lambda: NOW)


def _accept(batch: Batch) -> None:
    accept(list(batch.items.values_list("pk", flat=True)), by="li", now=NOW)
    drive(batch.pk, by="system", clock=lambda: NOW)


# The way ------------------------------------------------------------------------------------------


def test_a_filed_document_becomes_a_record_with_its_description_and_process() -> None:
    who = caller()
    answer = who.post("/filings", _document(files=[
        {"name": "正文.txt", "content": _b64(letter(1))},
        {"name": "附件一.txt", "content": _b64(letter(2))},
    ]))  # fmt: skip
    assert answer.status_code == 202
    batch = _drive(answer)
    place = answer.headers["Location"].removeprefix("/api/v1")
    assert who.get(place).json()["state"] == "waiting"

    _accept(batch)

    shown = who.get(place).json()
    record = Record.objects.get()
    assert (shown["state"], shown["code"]) == ("admitted", record.code)
    assert record.title == "关于做好防汛工作的通知"
    assert record.document_number == "临政办发〔2026〕5号"
    assert record.description["main_addressee"] == "各区县人民政府"
    assert (record.unit, record.retention, record.fonds.number) == ("BGS", "D30", "Z109")
    originals = RecordFile.objects.filter(role="original").order_by("order")
    assert [row.path for row in originals] == ["original/正文.txt", "original/附件一.txt"]
    event = PreservationEvent.objects.get(kind="签发")
    assert (event.by, event.tool, event.detail["opinion"]) == ("王某", "oa", "同意")
    assert event.at.isoformat() == "2026-05-06T02:00:00+00:00"


def test_the_batch_is_named_by_itself_and_belongs_to_the_department() -> None:
    batch = _drive(caller().post("/filings", _document()))
    assert (batch.name, batch.kind) == ("归档接口 oa 2026-1", "bagit")
    assert (batch.unit.code, batch.fonds.number) == ("BGS", "Z109")  # type: ignore[union-attr]
    assert batch.received_by == "clerk-BGS"
    assert batch.items.count() == 1


def test_what_is_handed_over_is_a_valid_bag(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    usual = filing_module.receive

    def look(files: Any, **terms: Any) -> Batch:
        handed = list(files)
        kept.append(validate(handed[0].source.parent))
        return usual(handed, **terms)

    monkeypatch.setattr(filing_module, "receive", look)
    caller().post("/filings", _document())
    assert kept == [[]]


def test_a_filing_leaves_one_row_of_the_audit_and_nothing_in_the_staging_folder(
    home: Path,
) -> None:
    answer = caller().post("/filings", _document())
    row = AuditRow.objects.get(act="file_document")
    assert row.object == f"filing:{answer.json()['id']}"
    assert not list((home / "staging").glob("filing-*"))


# Once ---------------------------------------------------------------------------------------------


def test_the_same_document_again_is_the_same_filing() -> None:
    who = caller()
    first = who.post("/filings", _document())
    again = who.post("/filings", _document())
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (Filing.objects.count(), Batch.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "more",
    [{"title": "另一题名"}, {"files": [{"name": "正文.txt", "content": _b64(b"other")}]}],
)
def test_another_content_under_the_same_id_is_refused(more: dict[str, Any]) -> None:
    who = caller()
    first = who.post("/filings", _document()).json()["id"]
    answer = who.post("/filings", _document(**more))
    assert (answer.status_code, code_of(answer)) == (409, "already-filed")
    assert answer.json()["detail"] == first
    assert Batch.objects.count() == 1


def test_two_systems_and_two_departments_have_ids_of_their_own() -> None:
    one, other = caller("BGS"), caller("CZJ")
    ids = {
        one.post("/filings", _document()).json()["id"],
        one.post("/filings", _document() | {"system": "erp"}).json()["id"],
        other.post("/filings", _document()).json()["id"],
    }
    assert len(ids) == 3


def test_a_returned_document_is_filed_again_and_mends_the_first() -> None:
    who = caller()
    first = who.post("/filings", _document())
    batch = _drive(first)
    send_back(list(batch.items.values_list("pk", flat=True)), reason="题名有误", by="li", now=NOW)
    assert who.get("/filings").json()["items"][0]["reason"] == "题名有误"

    again = who.post("/filings", _document(title="关于做好二〇二六年防汛工作的通知"))

    assert again.status_code == 202
    assert (again.json()["id"], again.json()["attempt"]) == (first.json()["id"], 2)
    mended = Batch.objects.get(mends=batch)
    _accept(drive(mended.pk, by="system", clock=lambda: NOW))
    assert who.get("/filings").json()["items"][0]["state"] == "admitted"
    assert Record.objects.get().title == "关于做好二〇二六年防汛工作的通知"


def test_a_request_that_was_cut_off_after_the_door_finds_its_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issued, token = key_of(), fresh_token()
    who = Caller(issued.token)
    with monkeypatch.context() as broken:
        broken.setattr(filing_module, "_settle", _killed)
        with pytest.raises(KeyboardInterrupt):
            who.post("/filings", _document(), token=token)
    assert (Batch.objects.count(), Filing.objects.get().batch) == (1, None)

    answer = who.post("/filings", _document(), token=token)

    assert answer.status_code == 202
    assert Batch.objects.count() == 1
    assert Filing.objects.get().batch == Batch.objects.get()


def _killed(*_args: object, **_more: object) -> None:
    raise KeyboardInterrupt


# Refused at the door ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"security_class": "机密"}, {"security_class": "秘密★10年"}, {"title": "机密★ 会议纪要"},
        {"annotation": "绝密★长期"}, {"files": [{"name": "机密★5年.txt", "content": _b64(b"x")}]},
    ],
)  # fmt: skip
def test_a_mark_of_state_secrets_is_refused_and_nothing_stays(
    more: dict[str, Any], home: Path
) -> None:
    answer = caller().post("/filings", _document(**more))
    assert (answer.status_code, code_of(answer)) == (422, "classified")
    assert answer.json()["where"][0]["code"] == "SEC-CLASSIFIED"
    assert not Filing.objects.exists()
    assert not Batch.objects.exists()
    assert [path for path in (home / "staging").rglob("*") if path.is_file()] == []


def test_a_mark_that_only_the_text_has_is_quarantined_with_its_code() -> None:
    who = caller()
    text = ("000001\n机密★10年\n" + letter(1).decode()).encode()
    batch = _drive(who.post("/filings", _document(files=[
        {"name": "正文.txt", "content": _b64(text)}
    ])))  # fmt: skip
    shown = who.get("/filings").json()["items"][0]
    assert batch.items.get().state == shown["state"] == "quarantined"
    assert "SEC-MARK-IN-TEXT" in {one["code"] for one in shown["findings"]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"retention_period": "七百年"}, "document.retention_period"),
        ({"document_date": "2026-02-31"}, "document.document_date"),
        ({"security_class": "绝对"}, "document.security_class"),
        ({"title": " "}, "document.title"),
    ],
)
def test_a_field_that_is_not_as_the_catalogue_says_is_named(
    change: dict[str, str], field: str
) -> None:
    answer = caller().post("/filings", _document(**change))
    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert answer.json()["where"][0]["field"] == field
    assert answer.json()["where"][0]["message"]


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "a/b.txt", "..", ".", "/etc/passwd", "C:\\x.txt", "~root.txt", "a\\b",
        "a\x00.txt", "x" * 130, "", "字" * 100,
    ],
)  # fmt: skip
def test_a_name_that_leaves_the_document_is_refused(name: str, home: Path) -> None:
    answer = caller().post("/filings", _document(files=[{"name": name, "content": _b64(b"x")}]))
    assert answer.status_code == 422
    assert code_of(answer) in ("invalid", "bad-name")
    assert not Batch.objects.exists()


def test_two_files_of_one_name_are_refused() -> None:
    files = [{"name": name, "content": _b64(b"x")} for name in ("正文.TXT", "正文.txt")]
    answer = caller().post("/filings", _document(files=files))
    assert (answer.status_code, code_of(answer)) == (422, "bad-name")


@pytest.mark.parametrize("digest", [{"sha256": "0" * 64}, {"sm3": "0" * 64}])
def test_a_file_that_is_not_what_its_digest_says_is_refused(digest: dict[str, str]) -> None:
    files = [{"name": "正文.txt", "content": _b64(b"x")} | digest]
    answer = caller().post("/filings", _document(files=files))
    assert (answer.status_code, code_of(answer)) == (422, "not-as-declared")
    assert not Batch.objects.exists()


@pytest.mark.parametrize("file", [{}, {"content": "x"}, {"content": "abcde"}, {"content": "é"}])
def test_a_file_without_proper_content_is_refused(file: dict[str, str]) -> None:
    answer = caller().post("/filings", _document(files=[{"name": "正文.txt"} | file]))
    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def test_a_fonds_of_another_department_is_not_known() -> None:
    fonds_of("CZJ", "Z200")
    answer = caller().post("/filings", _document() | {"fonds": "Z200"})
    assert (answer.status_code, code_of(answer)) == (422, "unknown-fonds")


@pytest.mark.parametrize(
    "at", ["2026-05-06", "2026-05-06T10:00:00", "2026-13-06T10:00:00Z", "x", "99999-01-01T0:0:0Z"]
)
def test_a_process_without_a_proper_time_is_refused(at: str) -> None:
    body = _document()
    body["process"][0]["at"] = at
    assert code_of(caller().post("/filings", body)) == "invalid"


def test_a_program_among_the_files_is_held_with_its_finding() -> None:
    who = caller()
    program = b"MZ" + bytes(200) + b"PE\0\0"
    _drive(who.post("/filings", _document(files=[{"name": "正文.exe", "content": _b64(program)}])))
    shown = who.get("/filings").json()["items"][0]
    assert shown["state"] in ("held", "quarantined")
    assert shown["findings"]
    assert all(one["message"] and "remedy" in one for one in shown["findings"])


# Large files --------------------------------------------------------------------------------------


def _ahead(who: Caller, name: str, content: bytes, *, pieces: int = 3) -> str:
    begun = who.post("/uploads", {"name": name, "size": len(content)}).json()
    step = len(content) // pieces
    for start in range(0, len(content), step):
        shown = who.put(f"/uploads/{begun['id']}", content[start : start + step], start).json()
    assert shown["sha256"] == hashlib.sha256(content).hexdigest()
    return str(begun["id"])


def test_a_large_file_is_sent_ahead_and_filed_by_its_id() -> None:
    who, content = caller(), letter(7) * 30
    upload = _ahead(who, "正文.txt", content)
    digest = hashlib.sha256(content).hexdigest()
    files = [{"name": "正文.txt", "upload": upload, "sha256": digest}]

    first = who.post("/filings", _document(files=files))
    again = who.post("/filings", _document(files=files))

    assert (first.status_code, again.status_code) == (202, 200)
    assert not Upload.objects.exists()
    assert _drive(first).items.get().files.filter(sha256=digest).exists()


def test_an_upload_with_another_digest_or_of_nobody_is_refused() -> None:
    who, content = caller(), letter(7)
    upload = _ahead(who, "正文.txt", content)
    other = [{"name": "正文.txt", "upload": upload, "sha256": "0" * 64}]
    assert code_of(who.post("/filings", _document(files=other))) == "not-as-declared"
    digest = hashlib.sha256(content).hexdigest()
    mine = [{"name": "正文.txt", "upload": upload, "sha256": digest}]
    stranger = caller("CZJ")
    assert code_of(stranger.post("/filings", _document(files=mine))) == "not-found"
    assert stranger.put(f"/uploads/{upload}", b"x").status_code == 404
    without = [{"name": "正文.txt", "upload": upload}]
    assert code_of(who.post("/filings", _document(files=without))) == "invalid"
    assert who.post("/filings", _document(files=mine)).status_code == 202


def test_an_unfinished_upload_is_refused() -> None:
    who = caller()
    begun = who.post("/uploads", {"name": "正文.txt", "size": 100}).json()
    files = [{"name": "正文.txt", "upload": begun["id"], "sha256": "0" * 64}]
    answer = who.post("/filings", _document(files=files))
    assert (answer.status_code, code_of(answer)) == (409, "unfinished")


def test_what_killed_requests_left_is_swept_after_a_day(home: Path) -> None:
    for name in ("filing-x", "filing-y"):
        (home / "staging" / name / "bag").mkdir(parents=True)
    (home / "staging" / "package-z").write_bytes(b"x")
    later = timezone.now() + timezone.timedelta(hours=25)  # type: ignore[attr-defined]
    assert sweep(now=timezone.now()) == 0
    assert sweep(now=later) == 3
    assert list((home / "staging").iterdir()) == []


# Who sees it --------------------------------------------------------------------------------------


def test_another_department_sees_no_filing() -> None:
    one, other = caller("BGS"), caller("CZJ")
    made = one.post("/filings", _document()).json()["id"]
    assert other.get(f"/filings/{made}").status_code == 404
    assert other.get("/filings").json()["items"] == []
    assert other.get("/filings?system=oa&document_id=2026-1").json()["items"] == []
    assert len(one.get("/filings?system=oa&document_id=2026-1").json()["items"]) == 1
    assert one.get("/filings?system=oa&document_id=2026-2").json()["items"] == []


def test_two_accounts_of_one_department_see_the_same_filings() -> None:
    one = caller(account=account_of("wang"))
    other = caller(account=account_of("zhang"))
    made = one.post("/filings", _document()).json()["id"]
    assert other.get(f"/filings/{made}").status_code == 200
    assert Item.objects.count() == 0
