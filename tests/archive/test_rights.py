"""Rights of the person: asked, identified, matched by digest, answered; law's keeping wins."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from tests.archive.build import admit_numbers, description, fonds
from tests.archive.reviews import person

from liandong.archive.models import (
    ConsentRecord,
    HitState,
    ImpactAssessment,
    PersonalHit,
    PersonKey,
    Record,
    RightsRequest,
    RightsStep,
)
from liandong.archive.services.rights import matching, registers, requests
from liandong.archive.services.rights.requests import Asked
from liandong.base.models import Account, AuditRow, Role
from liandong.kernel import catalog
from liandong.kernel.flows import StepRefused

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
ID, OTHER_ID = "11010519491231002X", "110105199003070039"
MINE = Asked("access", "张建国", "我想知道有哪些档案提到我", paper="resident_id", number=ID)


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    person("wang", Role.ARCHIVIST)
    person("zhao", Role.DIRECTOR)
    person("zhang", Role.READER, clearance=0)
    person("liu", Role.READER, clearance=0)


def client_of(name: str) -> Client:
    client = Client()
    if name:
        client.force_login(Account.objects.get(username=name))
    return client


def held(home: Path, *numbers: str, number: int = 1) -> Record:
    """A record whose title has these identity numbers."""
    fonds()
    named = "，".join(f"身份证号：{one}" for one in numbers)
    described = description(number, title=f"补发工资的批复，{named}")
    (record,) = admit_numbers(home / "staging", number, described=described)
    return record


def asked(kind: str = "access", *, at_desk: bool = True, **facts: str) -> RightsRequest:
    said = Asked(kind, "张建国", "请求", **{"paper": "resident_id", "number": ID, **facts})
    by = "wang" if at_desk else "zhang"
    return requests.ask(said, by=by, now=NOW, at_desk=at_desk)


# Asking -------------------------------------------------------------------------------------------


def test_the_number_of_a_paper_is_never_kept(home: Path) -> None:
    one = asked()
    assert (one.last_four, len(one.digest), one.state) == ("002X", 64, "identified")
    kept = [str(row) for model in (RightsRequest, RightsStep, AuditRow)
            for row in model._default_manager.values()]  # fmt: skip
    assert not [row for row in kept if ID in row or ID[:-1] in row]


def test_a_request_has_a_number_and_a_last_day() -> None:
    first, second = asked(), asked()
    assert (first.number, second.number) == ("QL2026-0001", "QL2026-0002")
    assert first.answer_until == 20261211


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"kind": "dance"}, "no-kind"),
        ({"name": " "}, "no-name"),
        ({"words": "\0"}, "no-words"),
        ({"number": ""}, "no-number"),
        ({"number": "12"}, "no-number"),
        ({"paper": "person_name"}, "no-number"),
    ],
)
def test_a_request_at_the_desk_is_complete(facts: dict[str, str], why: str) -> None:
    known = {"kind": "access", "name": "张建国", "words": "x", "paper": "resident_id", "number": ID}
    with pytest.raises(requests.BadRequest, match=why):
        requests.ask(Asked(**(known | facts)), by="wang", now=NOW, at_desk=True)
    assert (RightsRequest.objects.count(), AuditRow.objects.count()) == (0, 0)


def test_a_person_is_identified_by_the_number_that_was_given() -> None:
    one = asked(at_desk=False)
    assert one.state == "received"
    with pytest.raises(requests.OtherPerson):
        requests.identify(one.pk, OTHER_ID, by="wang", now=NOW)
    with pytest.raises(StepRefused, match="wrong-role"):
        requests.identify(one.pk, ID, by="zhang", now=NOW)
    done = requests.identify(one.pk, f" {ID.lower()} ", by="wang", now=NOW)
    assert (done.state, done.identified_by) == ("identified", "wang")


def test_who_gave_no_number_is_identified_by_none() -> None:
    one = asked(at_desk=False, number="")
    with pytest.raises(requests.OtherPerson):
        requests.identify(one.pk, ID, by="wang", now=NOW)


# Matching -----------------------------------------------------------------------------------------


def test_a_person_is_found_by_digest_and_nobody_else_is(home: Path) -> None:
    record = held(home, ID, OTHER_ID)
    held(home, OTHER_ID, number=2)
    found = matching.matches(asked(), by="wang", now=NOW)
    assert [(hit.record_id, hit.kind) for hit in found] == [(record.pk, "resident_id")]
    assert AuditRow.objects.get(act="match_person").facts == '{"hits": 1}'


def test_hits_above_the_clearance_of_the_handler_are_not_told(home: Path) -> None:
    person("low", Role.ARCHIVIST, clearance=1)
    record = held(home, ID)
    Record.objects.filter(pk=record.pk).update(level=2)
    assert matching.matches(asked(), by="low", now=NOW) == []
    assert len(matching.matches(asked(), by="wang", now=NOW)) == 1


def test_digests_follow_the_key_of_the_installation(home: Path, settings: object) -> None:
    held(home, ID)
    matching.key_hits()
    before = PersonKey.objects.get()
    settings.SECRET_KEY = "another key of the installation"  # type: ignore[attr-defined]
    assert matching.key_hits() == 1
    after = PersonKey.objects.get()
    assert after.digest != before.digest
    assert after.key != before.key
    assert matching.key_hits() == 0


# Answers ------------------------------------------------------------------------------------------


def test_access_is_answered_with_places_only(home: Path) -> None:
    record = held(home, ID, OTHER_ID)
    one = asked()
    told = matching.matches(one, by="wang", now=NOW)
    done = requests.answer(
        one.pk, "granted", "查得一处", "R-45-ACCESS", by="wang", now=NOW, told=told
    )
    assert done.found == [{"code": record.code, "page": 0, "kind": "resident_id"}]
    assert done.state == "answered"


def test_law_keeps_what_a_person_wants_deleted(home: Path) -> None:
    held(home, ID)
    one = asked("deletion")
    with pytest.raises(requests.RetentionWins):
        requests.answer(one.pk, "granted", "已删", "R-47-DELETED", by="wang", now=NOW)
    one.refresh_from_db()
    assert (one.state, PersonalHit.objects.count()) == ("identified", 1)


def test_instead_it_is_stored_and_protected_and_the_answer_says_so(home: Path) -> None:
    record = held(home, ID)
    hit = PersonalHit.objects.get()
    PersonalHit.objects.update(
        state=HitState.REJECTED, decided_by="wang", decided_at=NOW, reason="误报"
    )
    one = asked("deletion")
    done = requests.answer(one.pk, "restricted", "依法保存", "R-47-KEPT", by="wang", now=NOW)
    hit.refresh_from_db()
    record.refresh_from_db()
    assert (done.outcome, hit.state, record.personal) == ("restricted", "confirmed", 2)
    assert "第四十七条" in catalog.by_key("rights_bases", "code")[done.basis]["name_zh"]
    assert AuditRow.objects.filter(act="restrict_person").exists()


def test_nothing_is_deleted_where_nothing_is_held(home: Path) -> None:
    held(home, OTHER_ID)
    one = asked("deletion")
    done = requests.answer(one.pk, "granted", "没有保存", "R-47-DELETED", by="wang", now=NOW)
    assert done.state == "answered"


@pytest.mark.parametrize(
    ("outcome", "text", "basis", "why"),
    [
        ("", "x", "R-45-ACCESS", "missing-evidence"),
        ("granted", " ", "R-45-ACCESS", "missing-evidence"),
        ("granted", "x", "", "missing-evidence"),
        ("granted", "x", "R-99", "missing-evidence"),
        ("granted", "x", "R-COMPLAINT", "wrong-basis"),
    ],
)
def test_an_answer_names_outcome_words_and_article(
    outcome: str, text: str, basis: str, why: str
) -> None:
    one = asked()
    with pytest.raises(StepRefused, match=why):
        requests.answer(one.pk, outcome, text, basis, by="wang", now=NOW)
    one.refresh_from_db()
    assert one.state == "identified"


def test_nobody_is_told_of_hits_before_the_paper_was_seen(home: Path) -> None:
    held(home, ID)
    one = asked(at_desk=False)
    told = matching.matches(one, by="wang", now=NOW)
    with pytest.raises(StepRefused, match="not-identified"):
        requests.answer(one.pk, "granted", "x", "R-45-ACCESS", by="wang", now=NOW, told=told)
    assert requests.answer(one.pk, "refused", "请到窗口", "R-NONE", by="wang", now=NOW).answer


@pytest.mark.parametrize("who", ["zhang", "zhao", "nobody", "system"])
def test_only_archivists_answer(who: str) -> None:
    one = asked()
    with pytest.raises(StepRefused, match="wrong-role"):
        requests.answer(one.pk, "granted", "x", "R-45-ACCESS", by=who, now=NOW)


def test_a_correction_is_an_annotation_and_the_original_stands(home: Path) -> None:
    record = held(home, ID)
    one = asked("correction")
    before = record.title
    requests.annotate(one.pk, record.code, "姓名应为张建国", by="wang", now=NOW)
    requests.annotate(one.pk, record.code, "另：工号有误", by="wang", now=NOW)
    record.refresh_from_db()
    assert record.title == before
    assert record.description["annotation"].splitlines() == [
        "更正说明（QL2026-0001）：姓名应为张建国", "更正说明（QL2026-0001）：另：工号有误",
    ]  # fmt: skip
    assert record.version == 3


def test_only_a_correction_annotates(home: Path) -> None:
    record = held(home, ID)
    with pytest.raises(StepRefused):
        requests.annotate(asked().pk, record.code, "x", by="wang", now=NOW)
    with pytest.raises(Record.DoesNotExist):
        requests.annotate(asked("correction").pk, record.code, "x", by="zhang", now=NOW)


def test_time_is_extended_with_a_reason_and_a_request_withdrawn_by_its_person() -> None:
    one = asked(at_desk=False)
    with pytest.raises(StepRefused):
        requests.extend(one.pk, 10, " ", by="wang", now=NOW)
    with pytest.raises(StepRefused):
        requests.extend(one.pk, 1000, "忙", by="wang", now=NOW)
    assert requests.extend(one.pk, 10, "须调阅库房", by="wang", now=NOW).answer_until == 20261221
    with pytest.raises(StepRefused):
        requests.withdraw_request(one.pk, by="liu", now=NOW)
    assert requests.withdraw_request(one.pk, by="zhang", now=NOW).state == "withdrawn"
    assert [row.step for row in RightsStep.objects.all()] == ["ask", "extend", "withdraw"]


@pytest.mark.parametrize("act", ["update", "delete"])
def test_steps_are_only_added(act: str) -> None:
    asked()
    rows = RightsStep.objects.all()
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(by="x") if act == "update" else rows.delete()


# Registers ----------------------------------------------------------------------------------------

CONSENT = {"name": "张建国", "purpose": "驿站服务", "basis": "consent", "kinds": "姓名、手机号",
           "notice": "告知书 2026-1"}  # fmt: skip


def test_a_consent_is_withdrawn_as_easily_as_it_was_given() -> None:
    account = Account.objects.get(username="zhang")
    made = registers.give_consent(**CONSENT, by="wang", now=NOW, account=account)
    with pytest.raises(ConsentRecord.DoesNotExist):
        registers.withdraw_consent(made.pk, by="liu", now=NOW)
    assert client_of("liu").post(f"/rights/consents/{made.pk}/withdraw/").status_code == 404
    assert client_of("zhang").post(f"/rights/consents/{made.pk}/withdraw/").status_code == 302
    made.refresh_from_db()
    assert made.withdrawn_by == "zhang"
    at = made.withdrawn_at
    again = registers.withdraw_consent(made.pk, by="zhang", now=NOW + timedelta(days=1))
    assert again.withdrawn_at == at


@pytest.mark.parametrize("blank", ["name", "purpose", "kinds", "notice", "basis"])
def test_a_consent_without_notice_is_none(blank: str) -> None:
    with pytest.raises(registers.Incomplete, match=blank):
        registers.give_consent(**(CONSENT | {blank: " "}), by="wang", now=NOW)
    with pytest.raises(StepRefused):
        registers.give_consent(**CONSENT, by="liu", now=NOW)


ASSESSED = {"title": "向公众开放", "purpose": "利用档案", "kinds": "姓名", "risks": "被识别",
            "measures": "遮盖", "conclusion": "可行"}  # fmt: skip


def test_an_assessment_is_approved_by_another_and_kept_for_three_years() -> None:
    made = registers.assess(ASSESSED, by="zhao", now=NOW)
    with pytest.raises(StepRefused, match="same-person"):
        registers.approve(made.pk, by="zhao", now=NOW)
    person("qian", Role.DIRECTOR)
    registers.approve(made.pk, by="qian", now=NOW)
    early = NOW + timedelta(days=3 * 365)
    with pytest.raises(registers.TooEarly) as caught:
        registers.remove_assessment(made.pk, by="zhao", now=early)
    assert caught.value.until == 20291126
    with pytest.raises(StepRefused, match="wrong-role"):
        registers.remove_assessment(made.pk, by="wang", now=early + timedelta(days=2))
    late = early + timedelta(days=2)
    assert registers.remove_assessment(made.pk, by="zhao", now=late) == "PG2026-001"
    assert ImpactAssessment.objects.count() == 0


def test_the_database_refuses_an_incomplete_answer() -> None:
    one = asked()
    with pytest.raises(IntegrityError), transaction.atomic():
        RightsRequest.objects.filter(pk=one.pk).update(state="answered")


# Pages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("/rights/", (200, 200, 200, 200)),
        ("/rights/new/", (302, 200, 200, 200)),
        ("/rights/desk/", (302, 403, 200, 403)),
        ("/rights/requests/", (302, 403, 200, 403)),
        ("/rights/requests/QL2026-0001/", (302, 404, 200, 200)),
        ("/rights/requests/QL2026-9999/", (302, 404, 404, 404)),
        ("/rights/consents/", (302, 200, 200, 200)),
        ("/rights/assessments/", (302, 403, 200, 200)),
        ("/rights/assessments/PG2026-009/", (302, 403, 404, 404)),
    ],
)
def test_pages_open_for_those_who_may(path: str, codes: tuple[int, ...]) -> None:
    asked(at_desk=False)
    people = ("", "liu", "wang", "zhao")
    assert tuple(client_of(name).get(path).status_code for name in people) == codes


def test_a_person_sees_the_own_request_and_no_others() -> None:
    one = asked(at_desk=False)
    assert client_of("zhang").get(f"/rights/requests/{one.number}/").status_code == 200
    for act in ("withdraw", "answer", "identify", "matches", "extend", "annotate"):
        answer = client_of("liu").post(f"/rights/requests/{one.number}/{act}/")
        assert answer.status_code in {403, 404}, act
    one.refresh_from_db()
    assert one.state == "received"


def test_a_request_is_asked_and_answered_by_pages(home: Path) -> None:
    record = held(home, ID)
    form = {"kind": "deletion", "name": "张建国", "words": "<script>请删除</script>",
            "paper": "resident_id", "number": ID}  # fmt: skip
    address = client_of("zhang").post("/rights/new/", form)["Location"]
    handler = client_of("wang")
    handler.post(f"{address}identify/", {"number": ID})
    page = handler.post(f"{address}matches/").content.decode()
    assert record.code in page
    assert "<script>请删除" not in page
    answer = {"outcome": "granted", "basis": "R-47-DELETED", "answer": "删除"}
    assert "法定保存期限未届满" in handler.post(f"{address}answer/", answer).content.decode()
    answer = {"outcome": "restricted", "basis": "R-47-KEPT", "answer": "依法保存", "tell": "on"}
    assert handler.post(f"{address}answer/", answer).status_code == 302
    page = client_of("zhang").get(address).content.decode()
    assert "限于存储和保护" in page
    assert record.code in page


@pytest.mark.parametrize("value", ["", "9" * 400, "\0", "<b>", "' OR 1=1", "2026-x"])
def test_no_input_breaks_a_page(value: str) -> None:
    one = asked(at_desk=False)
    client = client_of("wang")
    for name in ("state", "after", "kind"):
        assert client.get("/rights/requests/", {name: value}).status_code == 200
    form = dict.fromkeys(
        ("number", "days", "reason", "record", "text", "outcome", "basis", "answer"), value
    )
    for act in ("identify", "extend", "annotate", "answer"):
        answer = client.post(f"/rights/requests/{one.number}/{act}/", form)
        assert answer.status_code in {200, 302}, act
    form = dict.fromkeys(("kind", "name", "paper", "number", "words", "about"), value)
    assert client.post("/rights/desk/", form).status_code == 200
