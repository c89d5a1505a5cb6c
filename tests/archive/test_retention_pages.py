"""The pages of appraisal, holds, destruction and keys: who may do what, and in which words."""

from pathlib import Path

import pytest
from django.test import Client
from tests.archive.build import NOW, TODAY, fonds
from tests.archive.test_disposal import OPINION, records
from tests.people import ARCHIVIST, CLERK, READER, STRANGER, client_of

from liandong.archive.models import DestructionList, Hold, Record
from liandong.archive.policies import RESTRICTED
from liandong.archive.services.appraising import appraise
from liandong.archive.services.destroying import destroy_list
from liandong.archive.services.holding import place_hold
from liandong.base.models import Account, Approval, Officer, Role

pytestmark = pytest.mark.django_db
DIRECTOR = Role.DIRECTOR.value
PAGES = ("/retention/", "/retention/holds/", "/retention/lists/")


@pytest.fixture
def due(home: Path) -> list[Record]:
    fonds()
    return records(home, 1, 2)


def person(name: str, role: str = ARCHIVIST) -> Client:
    return client_of(role, name=name)


def said(client: Client, path: str, **form: object) -> str:
    """What the page says after a form was sent."""
    answer = client.post(path, form, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def opinion(*found: Record, **more: str) -> dict[str, object]:
    codes = [one.code for one in found]
    base = {"decision": "destroy", "years": "10", "reason": "无保存价值", "clause": "3.2"}
    return {"code": codes, **base, **more}


@pytest.mark.parametrize("who", [STRANGER, READER, CLERK])
@pytest.mark.parametrize("path", PAGES)
def test_only_who_keeps_the_archive_opens_the_pages(who: str, path: str, due: object) -> None:
    assert client_of(who).get(path).status_code in {302, 403}


@pytest.mark.parametrize("role", [ARCHIVIST, DIRECTOR])
@pytest.mark.parametrize("path", PAGES)
def test_archivists_and_directors_open_them(role: str, path: str, due: object) -> None:
    assert client_of(role).get(path).status_code == 200


def test_due_records_are_listed_and_others_are_not(due: list[Record], home: Path) -> None:
    (early,) = records(home, 3, retention="D30")
    (ever,) = records(home, 4, retention="Y")
    page = client_of(ARCHIVIST).get("/retention/").content.decode()
    assert all(one.code in page for one in due)
    assert early.code not in page
    assert ever.code not in page


def test_counts_and_lists_tell_nothing_of_hidden_records(due: list[Record]) -> None:
    Record.objects.filter(pk=due[0].pk).update(level=RESTRICTED)
    person("low")
    Account.objects.filter(username="low").update(clearance=1)
    low = person("low")
    page = low.get("/retention/").content.decode()
    assert due[0].code not in page
    assert "1 件保管期限已满" in page
    assert "请至少选一件" in said(low, "/retention/appraise/", **opinion(due[0]))
    appraise([one.pk for one in due], OPINION, by="x", now=NOW, today=TODAY)
    assert due[0].code not in low.get("/retention/lists/").content.decode()
    person("wang").post("/retention/lists/new/", {"code": [one.code for one in due], "reason": "x"})
    (made,) = DestructionList.objects.all()
    assert made.number not in low.get("/retention/lists/").content.decode()
    assert low.get(f"/retention/lists/{made.pk}/").status_code == 404
    assert low.post(f"/retention/lists/{made.pk}/step/", {"step": "sign"}).status_code == 404
    hold = place_hold(due[:1], kind="legal", reason="密", basis="", begins=TODAY, by="x", now=NOW)
    assert "密" not in low.get("/retention/holds/").content.decode()
    answer = low.post(f"/retention/holds/{hold.pk}/release/", {"reason": "x"})
    assert answer.status_code == 404


def test_from_due_to_certificate_by_four_persons(
    due: list[Record], django_capture_on_commit_callbacks: object
) -> None:
    wang, chen = person("wang"), person("chen", DIRECTOR)
    zhao, sun = person("zhao"), person("sun")
    assert "已鉴定 2 件" in said(wang, "/retention/appraise/", **opinion(*due))
    codes = [one.code for one in due]
    assert "待审批" in said(wang, "/retention/lists/new/", code=codes, reason="同意")
    (one,) = DestructionList.objects.all()
    path = f"/retention/lists/{one.pk}/step/"
    assert "您的岗位不能做这一步" in said(zhao, path, step="approve", opinion="同意")
    assert "请写明意见" in said(chen, path, step="approve")
    assert "待监销人签署" in said(chen, path, step="approve", opinion="同意")
    assert "提出清册的人不能审批，也不能监销" in said(wang, path, step="sign")
    assert "待第二位监销人签署" in said(zhao, path, step="sign")
    assert "两位监销人不能是同一人" in said(zhao, path, step="sign")
    assert "待执行" in said(sun, path, step="sign")
    assert "正在销毁" in said(wang, path, step="start")
    destroy_list(one.pk, clock=lambda: NOW, today=TODAY)
    page = wang.get(f"/retention/lists/{one.pk}/").content.decode()
    assert "删除字节" in page
    assert due[0].title in page
    for kind, start in (("pdf", b"%PDF"), ("html", b""), ("json", b"{"), ("signature", b"{")):
        answer = wang.get(f"/retention/lists/{one.pk}/certificate.{kind}")
        assert answer.status_code == 200
        assert answer.content.strip().startswith(start)
    assert wang.get(f"/retention/lists/{one.pk}/certificate.exe").status_code == 404
    assert wang.get(f"/records/{due[0].pk}/").status_code == 404


def test_a_list_without_certificate_has_none_to_send(due: list[Record]) -> None:
    appraise([one.pk for one in due], OPINION, by="x", now=NOW, today=TODAY)
    person("wang").post("/retention/lists/new/", {"code": [due[0].code], "reason": "同意"})
    (one,) = DestructionList.objects.all()
    assert person("wang").get(f"/retention/lists/{one.pk}/certificate.pdf").status_code == 404


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"code": []}, "请至少选一件"),
        ({"reason": ""}, "意见、理由和依据条款都要写明"),
        ({"decision": "burn"}, "意见、理由和依据条款都要写明"),
        ({"decision": "longer", "years": "7"}, "延长年限只能是"),
        ({"decision": "longer", "years": "x" * 999}, "延长年限只能是"),
    ],
)
def test_a_bad_opinion_is_a_sentence(due: list[Record], form: dict[str, str], told: str) -> None:
    assert told in said(client_of(ARCHIVIST), "/retention/appraise/", **(opinion(*due) | form))


def test_a_director_does_not_appraise(due: list[Record]) -> None:
    said(client_of(DIRECTOR), "/retention/appraise/", **opinion(*due))
    assert not Record.objects.filter(appraisals__isnull=False).exists()


def test_a_hold_is_placed_and_released_by_forms(due: list[Record]) -> None:
    client = client_of(ARCHIVIST)
    form = {"codes": "\n".join(one.code for one in due), "kind": "legal", "reason": "诉讼",
            "basis": "（2026）1号", "begins": "2026-01-01", "until": ""}  # fmt: skip
    assert "已冻结 2 件" in said(client, "/retention/holds/", **form)
    (hold,) = Hold.objects.all()
    assert (hold.begins, hold.until) == (20260101, 99991231)
    assert "冻结" in client.get("/retention/").content.decode()
    refused = said(client, "/retention/appraise/", **opinion(*due))
    assert f"已冻结，不能销毁：{due[0].code}" in refused
    release = f"/retention/holds/{hold.pk}/release/"
    assert "请选种类并写明事由" in said(client, release, reason="")
    assert "冻结已解除" in said(client, release, reason="结案")
    assert "这一冻结已经解除" in said(client, release, reason="结案")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"codes": ""}, "请写明要冻结的档号"),
        ({"codes": "Z999-WS·2011-Y-BGS-0001"}, "没有这些档号"),
        ({"reason": " "}, "请选种类并写明事由"),
        ({"kind": "x"}, "请选种类并写明事由"),
        ({"begins": ""}, "请写明起止日期"),
        ({"begins": "２０２６-01-01"}, "请写明起止日期"),
        ({"until": "2025-01-01"}, "请写明起止日期"),
        ({"until": "soon"}, "请写明起止日期"),
        ({"codes": "\0" * 9}, "请写明要冻结的档号"),
    ],
)
def test_a_bad_hold_is_a_sentence_and_keeps_what_was_written(
    due: list[Record], form: dict[str, str], told: str
) -> None:
    base = {"codes": due[0].code, "kind": "legal", "reason": "诉讼案", "begins": "2026-01-01"}
    page = said(client_of(ARCHIVIST), "/retention/holds/", **(base | form))
    assert told in page
    assert not Hold.objects.exists()
    assert "诉讼案" in page or form.get("reason") == " "


def test_an_unknown_step_is_a_sentence(due: list[Record]) -> None:
    appraise([one.pk for one in due], OPINION, by="x", now=NOW, today=TODAY)
    person("wang").post("/retention/lists/new/", {"code": [due[0].code], "reason": "同意"})
    (one,) = DestructionList.objects.all()
    page = said(person("zhao"), f"/retention/lists/{one.pk}/step/", step="explode")
    assert "清册的状态已变" in page


# Keys ---------------------------------------------------------------------------------------------


def officer(kind: Officer) -> Client:
    account, _ = Account.objects.get_or_create(
        username=kind.value, defaults={"officer": kind.value}
    )
    client = Client()
    client.force_login(account)
    return client


@pytest.mark.parametrize("who", [STRANGER, READER, CLERK, ARCHIVIST, DIRECTOR])
def test_only_officers_see_the_keys(who: str, home: Path) -> None:
    assert client_of(who).get("/admin/keys/").status_code in {302, 403}


@pytest.mark.parametrize("kind", list(Officer))
def test_officers_see_the_keys_and_that_no_module_is_certified(kind: Officer, home: Path) -> None:
    page = officer(kind).get("/admin/keys/").content.decode()
    assert "非商用密码认证产品" in page
    assert ("申请轮换" in page) == (kind == Officer.SYSTEM)


def test_a_rotation_is_asked_for_and_approved_by_another(home: Path) -> None:
    system, guard = officer(Officer.SYSTEM), officer(Officer.SECURITY)
    ask = "/admin/keys/ask/"
    preview = system.get(ask, {"act": "rotate_key", "algorithm": "sm4"}).content.decode()
    assert "SM4-GCM" in preview
    system.post(ask, {"act": "rotate_key", "algorithm": "sm4", "why": "年度轮换"})
    (made,) = Approval.objects.all()
    page = guard.get(f"/admin/approvals/{made.pk}/").content.decode()
    assert "轮换主密钥" in page
    guard.post(f"/admin/approvals/{made.pk}/", {"act": "approve", "answer": ""})
    made.refresh_from_db()
    assert made.outcome == Approval.Outcome.APPROVED


def test_an_impossible_key_act_is_a_sentence(home: Path) -> None:
    system = officer(Officer.SYSTEM)
    page = system.get("/admin/keys/ask/", {"act": "destroy_key", "key": "../x"}).content.decode()
    assert "没有这个主密钥" in page
    assert system.get("/admin/keys/ask/", {"act": "open_page"}).status_code == 302
    assert officer(Officer.SECURITY).get("/admin/keys/ask/").status_code == 403
