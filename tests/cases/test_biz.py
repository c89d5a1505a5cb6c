"""The portal of enterprises: drafts kept, steps, materials with receipts, confirm or send back."""

import base64
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from tests.cases.build import (
    FIRM,
    OTHER_FIRM,
    cell,
    client,
    opened,
    people,
    step,
    unit_of,
)
from tests.cases.test_mandates import mandate
from tests.cases.test_pages import photo

from liandong.base.models import Account
from liandong.cases.models import Case, Draft, DraftPaper, Evidence
from liandong.cases.services.closing_sheet import NAME
from liandong.cases.services.drafting import words_of
from liandong.cases.services.packing import ANNEX, VIEW, pack_case
from liandong.cases.services.papers import PAPER_BYTES
from liandong.cases.services.photos import clean_path, original_of, original_path
from liandong.cases.services.proving import faults_of
from liandong.cases.services.sealing import contact_of
from liandong.kernel.sealed import CannotOpen

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n%%EOF"
MATTER = {"title": "用电不足", "text": "变压器容量不够。"}
CONTACT = {"contact_person": "王某", "contact_phone": "0543-5550000"}
TO_RESOLVED = (
    ("accept_for_verification", "desk"), ("confirm", "desk"), ("dispatch", "dispatcher"),
    ("sign_in", "city"), ("hand_in", "city"), ("pass", "inspector"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


def begun(who: str = "firm", kind: str = "enterprise_demand", enterprise: str = FIRM) -> Draft:
    answer = client(who).post("/biz/new/", {"kind": kind, "enterprise": enterprise})
    assert answer.status_code == 302
    draft = Draft.objects.latest("pk")
    assert answer["Location"] == f"/biz/new/{draft.uuid}/matter/"
    return draft


def send(who: Client, draft: Draft, step: str, **fields: object) -> str:
    """Where a step leads to; "" when it was refused."""
    answer = who.post(f"/biz/new/{draft.uuid}/{step}/", {"act": "next", **fields})
    assert answer.status_code in {302, 422}
    return answer["Location"] if answer.status_code == 302 else ""


def paper(name: str = "合同.pdf", content: bytes = PDF) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def handed_in(who: str = "firm", enterprise: str = FIRM) -> Case:
    draft, browser = begun(who, enterprise=enterprise), client(who)
    send(browser, draft, "matter", **MATTER)
    send(browser, draft, "contact", **CONTACT)
    assert send(browser, draft, "check").startswith("/biz/2")
    return Case.objects.get(uuid=draft.uuid)


def moved(case: Case, steps: Sequence[tuple[str, str]]) -> Case:
    """The case after these steps, taken now: it was handed in now."""
    for action, by in steps:
        case = step(case, action, by, now=timezone.now())
    return case


def test_a_draft_is_kept_for_its_account_alone_and_gone_on_with() -> None:
    draft, firm = begun(), client("firm")
    assert send(firm, draft, "matter", act="save", title="用电", text="") == "/biz/"
    kept = Draft.objects.get(pk=draft.pk)
    assert words_of(kept) == {"title": "用电", "text": "", "wish": "", "sector": ""}
    page = client("firm").get("/biz/").content.decode()
    assert f"/biz/new/{draft.uuid}/matter/" in page
    assert 'value="用电"' in client("firm").get(f"/biz/new/{draft.uuid}/matter/").content.decode()
    colleague = Account.objects.create(username="colleague", unit=unit_of(FIRM))
    colleague.posts.create(role="enterprise")
    for who in ("colleague", "other-firm", "chamber"):
        assert client(who).get(f"/biz/new/{draft.uuid}/matter/").status_code == 404, who
        assert client(who).post(f"/biz/new/{draft.uuid}/drop/").status_code == 404, who
    assert client("desk").get(f"/biz/new/{draft.uuid}/matter/").status_code == 403


def test_the_words_of_a_draft_are_sealed_and_their_key_goes_with_it() -> None:
    draft, firm = begun(), client("firm")
    send(firm, draft, "contact", **CONTACT)
    kept = Draft.objects.get(pk=draft.pk)
    assert b"5550000" not in bytes(kept.words or b"")
    assert words_of(kept)["contact_phone"] == CONTACT["contact_phone"]
    assert firm.post(f"/biz/new/{draft.uuid}/drop/").status_code == 302
    assert not Draft.objects.exists()
    with pytest.raises(CannotOpen):
        words_of(kept)


def test_a_step_says_what_is_wrong_at_its_field_and_keeps_what_was_written() -> None:
    draft, firm = begun(), client("firm")
    answer = firm.post(f"/biz/new/{draft.uuid}/matter/", {"act": "next", "title": "用电"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#id_text"' in page  # the summary leads to the field
    assert 'id="id_text_error"' in page
    assert words_of(Draft.objects.get())["title"] == "用电"
    answer = firm.post(f"/biz/new/{draft.uuid}/contact/", {"contact_phone": "打给我"})
    assert "电话只能有数字" in answer.content.decode()
    check = firm.get(f"/biz/new/{draft.uuid}/check/").content.decode()
    assert f"/biz/new/{draft.uuid}/matter/#id_text" in check
    assert send(firm, draft, "check") == ""
    assert not Case.objects.exists()


def test_steps_lead_to_a_case_once_and_the_draft_ends() -> None:
    draft, firm = begun(), client("firm")
    assert send(firm, draft, "matter", **MATTER).endswith("/contact/")
    assert send(firm, draft, "contact", **CONTACT).endswith("/papers/")
    assert send(firm, draft, "papers").endswith("/check/")
    check = firm.get(f"/biz/new/{draft.uuid}/check/").content.decode()
    for words in ("用电不足", "谁能看到", "受理员", "安全审计员", str(unit_of(FIRM))):
        assert words in check
    where = send(firm, draft, "check")
    case = Case.objects.get()
    assert where == f"/biz/{case.number}/"
    assert (case.channel, case.firm, case.requested_by) == ("portal", FIRM, "firm")
    assert contact_of(case)["contact_person"] == "王某"
    assert faults_of(case) == []
    assert not Draft.objects.exists()
    assert firm.post(f"/biz/new/{draft.uuid}/check/").status_code == 404


def test_only_kinds_of_the_portal_are_begun() -> None:
    for kind in ("snap_report", "employee_demand", "visit_followup", "nothing", ""):
        answer = client("firm").post("/biz/new/", {"kind": kind, "enterprise": FIRM})
        assert answer.status_code == 422, kind
    answer = client("firm").post("/biz/new/", {"kind": "suggestion", "enterprise": OTHER_FIRM})
    assert answer.status_code == 422
    assert not Draft.objects.exists()


def test_financing_names_bank_and_amount_together() -> None:
    draft, firm = begun(kind="service_request"), client("firm")
    assert send(firm, draft, "matter", **MATTER).endswith("/finance/")
    assert send(firm, draft, "finance", bank="某银行") == ""
    assert send(firm, draft, "finance", asked_amount="1000") == ""
    assert send(firm, draft, "finance", bank="某银行", asked_amount="-1") == ""
    sent = {"bank": "某银行", "asked_amount": "3000000"}
    assert send(firm, draft, "finance", **sent).endswith("/contact/")
    send(firm, draft, "contact", contact_phone="0543-5550000")
    send(firm, draft, "check")
    assert Case.objects.get().form["asked_amount"] == "3000000"


# Materials ----------------------------------------------------------------------------------------


def test_every_material_has_its_own_receipt_and_goes_with_the_case() -> None:
    draft, firm = begun(), client("firm")
    files = [paper(), photo(), paper("../../恶意\u202e.docx", b"PK\x03\x04zip")]
    send(firm, draft, "papers", act="attach", paper=files)
    page = firm.get(f"/biz/new/{draft.uuid}/papers/").content.decode()
    assert DraftPaper.objects.count() == 3
    assert f"SHA-256 {hashlib.sha256(PDF).hexdigest()}" in page
    send(firm, draft, "papers", act="attach", paper=[paper("又一次.pdf")])
    assert DraftPaper.objects.count() == 3  # the same bytes: the receipt that is there
    send(firm, draft, "matter", **MATTER)
    send(firm, draft, "contact", **CONTACT)
    case_page = send(firm, draft, "check")
    case = Case.objects.get()
    rows = list(Evidence.objects.filter(case=case).order_by("pk"))
    assert [one.part for one in rows] == ["paper"] * 3
    assert case.events.get().evidence == [one.sha256 for one in rows]
    assert PDF not in original_path(rows[0]).read_bytes()  # sealed
    assert original_of(rows[0]) == PDF
    assert b"Exif" not in clean_path(rows[1]).read_bytes()
    assert hashlib.sha256(PDF).hexdigest() in firm.get(case_page).content.decode()
    where = f"/cases/{case.number}/papers/{rows[0].uuid}/"
    answer = client("desk").get(where)
    assert answer.content == PDF
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]
    for who in ("other-firm", "water", "chamber"):
        assert client(who).get(where).status_code == 404, who


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "a.pdf", "是空文件"),
        (b"MZ\x90", "a.pdf", "只收 PDF"),
        (b"PK\x03\x04", "a.zip", "只收 PDF"),
        (b"<svg onload=x>", "a.png", "只收 PDF"),
        (b"\xff\xd8\xffbroken", "a.jpg", "图片打不开"),
        (b"%PDF-" + b"x" * PAPER_BYTES, "a.pdf", "文件太大"),
    ],
)
def test_what_is_no_material_is_refused_in_words(content: bytes, name: str, words: str) -> None:
    draft = begun()
    answer = client("firm").post(
        f"/biz/new/{draft.uuid}/papers/", {"act": "next", "paper": [paper(name, content)]},
        follow=True,
    )  # fmt: skip
    assert words in answer.content.decode()
    assert not DraftPaper.objects.exists()


def test_a_material_is_taken_out_and_erased() -> None:
    draft, firm = begun(), client("firm")
    send(firm, draft, "papers", act="attach", paper=[paper()])
    row = DraftPaper.objects.get()
    where = original_path(Evidence(uuid=row.uuid))
    assert where.is_file()
    path = f"/biz/new/{draft.uuid}/papers/{row.uuid}/drop/"
    assert client("other-firm").post(path).status_code == 404
    assert firm.post(path).status_code == 302
    assert not where.is_file()


def test_materials_are_filed_in_the_sealed_annex_and_nowhere_else(tmp_path: Path) -> None:
    draft, firm = begun(kind="suggestion"), client("firm")  # a kind that asks for no contact
    send(firm, draft, "matter", **MATTER)
    send(firm, draft, "papers", act="attach", paper=[paper(), photo()])
    send(firm, draft, "check")
    case = Case.objects.get()
    package = pack_case(case, tmp_path, now=timezone.now())
    assert [one.path for one in package.files] == [NAME, VIEW, ANNEX]
    annex = json.loads((tmp_path / ANNEX).read_text("utf-8"))
    kept = {one["path"]: base64.b64decode(one["bytes"]) for one in annex["sealed"]}
    rows = case.evidence.all()
    assert kept == {f"{one.uuid}/original": original_path(one).read_bytes() for one in rows}
    assert not any(PDF in content for content in kept.values())


# Chambers -----------------------------------------------------------------------------------------


def test_a_chamber_raises_for_a_member_and_is_no_requester() -> None:
    given = mandate()
    case = handed_in("chamber")
    assert (case.firm, case.requested_by) == (FIRM, "")
    assert case.events.get().facts["on_behalf_of"] == FIRM
    assert case.number in client("firm").get("/biz/").content.decode()
    assert "代为提交" in client("firm").get("/biz/").content.decode()
    given.withdrawn_at, given.withdrawn_by = timezone.now(), "firm"
    given.save()
    assert case.number not in client("chamber").get("/biz/").content.decode()


def test_a_draft_of_a_chamber_is_not_handed_in_after_withdrawal() -> None:
    given = mandate()
    draft, browser = begun("chamber"), client("chamber")
    send(browser, draft, "matter", **MATTER)
    send(browser, draft, "contact", **CONTACT)
    given.withdrawn_at, given.withdrawn_by = timezone.now(), "firm"
    given.save()
    answer = browser.post(f"/biz/new/{draft.uuid}/check/", follow=True)
    assert "没有该企业的有效委托" in answer.content.decode()
    assert not Case.objects.exists()


def test_a_chamber_begins_nothing_for_whom_it_has_no_mandate() -> None:
    mandate("service_request")
    sent = {"kind": "enterprise_demand", "enterprise": FIRM}
    assert client("chamber").post("/biz/new/", sent).status_code == 422
    assert begun("chamber", "service_request").enterprise.code == FIRM


# One demand ---------------------------------------------------------------------------------------


def test_a_stranger_enterprise_sees_nothing_of_it() -> None:
    case = handed_in()
    other = client("other-firm")
    assert other.get(f"/biz/{case.number}/").status_code == 404
    assert other.get(f"/cases/{case.number}/").status_code == 404
    assert case.number not in other.get("/biz/").content.decode()
    sent = {"action": "withdraw", "seen": case.last}
    assert other.post(f"/cases/{case.number}/steps/", sent).status_code == 404


def test_the_page_says_who_by_when_and_what_happened_this_month() -> None:
    case = moved(handed_in(), TO_RESOLVED[:4])
    case = step(case, "log_progress", "city", now=timezone.now(), note="变压器已下单")
    page = client("firm").get(f"/biz/{case.number}/").content.decode()
    for words in ("变压器已下单", str(case.lead_unit), "处置时限", "工作日", ">city<"):
        assert words in page, words


def test_the_enterprise_confirms_or_sends_back_by_one_form_each() -> None:
    firm = client("firm")
    case = moved(handed_in(), TO_RESOLVED)
    page = firm.get(f"/biz/{case.number}/").content.decode()
    assert "确认销号" in page
    assert "退回重办" in page
    assert 'value="2"' not in page.partition('value="rate"')[2].partition("</form>")[0]
    back = {"next": f"/biz/{case.number}/", "seen": case.last}
    answer = firm.post(f"/cases/{case.number}/steps/", {**back, "action": "rate",
                                                        "said_score": "4"})  # fmt: skip
    assert answer["Location"] == back["next"]
    case.refresh_from_db()
    assert (case.state, case.score) == ("closed", 4)
    other = moved(handed_in(), TO_RESOLVED)
    sent = {"seen": other.last, "action": "dispute", "said_reason": "还是停电"}
    firm.post(f"/cases/{other.number}/steps/", sent)
    other.refresh_from_db()
    assert other.state == "reopen_review"


def test_guides_are_for_everybody_and_lead_to_a_request() -> None:
    page = Client().get("/biz/services/").content.decode()
    assert "/biz/new/?kind=service_request" in page
    assert "帮办代办" in page
    assert "随手拍" not in page.partition("<main")[2]
    page = client("firm").get("/biz/new/?kind=service_request").content.decode()
    assert 'value="service_request" checked' in page


def test_a_case_that_came_otherwise_is_on_the_list_of_its_enterprise() -> None:
    case = opened("visit_followup", enterprise=unit_of(FIRM)).case
    assert case.number in client("firm").get("/biz/").content.decode()
