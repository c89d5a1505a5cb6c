"""The desk: what is kept of a person, who decides, what a receipt opens, and what is forgotten."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from tests.exchange.build import DIRECTOR, HOLDER, NOW, client, people, records, scanned

from liandong.archive.models import ShareGrant
from liandong.archive.queries import readable
from liandong.base.models import Account, AuditRow
from liandong.exchange.models import Visit, VisitEvent
from liandong.exchange.services import visiting
from liandong.exchange.services.people import today_number, viewer_by
from liandong.exchange.services.visiting import Application
from liandong.exchange.views.public import MOST_WRONG
from liandong.kernel.flows import StepRefused
from liandong.kernel.person_numbers import BadNumber

pytestmark = pytest.mark.django_db
PAPER = "11010519491231002X"
FORM = {
    "name": "张建国", "id_kind": "resident_id", "id_number": PAPER, "phone": "0543-1234567",
    "address": "", "archive": "", "wanted": "拆迁安置协议", "purpose_kind": "rights",
    "purpose": "办理房产证", "delivery": "look", "agreed": "on",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    people()


def _applied(**parts: Any) -> tuple[Visit, str]:
    known = {name: FORM[name] for name in FORM if name != "agreed"} | parts
    return visiting.receive(Application(**known), now=NOW)


def _identified(**parts: Any) -> Visit:
    visit, _code = _applied(**parts)
    return visiting.identify(visit.pk, number=PAPER, by=HOLDER, now=NOW)


def test_of_the_paper_only_kind_end_and_digest_are_kept() -> None:
    visit, code = _applied()
    stored = " ".join(str(value) for value in Visit.objects.values_list().get(pk=visit.pk))
    assert (visit.id_kind, visit.id_last, len(visit.id_digest)) == ("resident_id", "002X", 64)
    assert PAPER not in stored
    assert code not in stored
    rows = " ".join(f"{row.facts}{row.why}" for row in AuditRow.objects.all())
    assert PAPER not in rows
    assert "张建国" not in rows


def test_the_same_paper_has_the_same_digest_and_another_one_not() -> None:
    first, same = _applied()[0], _applied(id_number="１１０１０５19491231002x ")[0]
    other = _applied(id_kind="passport", id_number="E12345678")[0]
    assert first.id_digest == same.id_digest != other.id_digest


@pytest.mark.parametrize(
    ("kind", "number", "reason"),
    [
        ("resident_id", "110105194912310021", "check"),
        ("resident_id", "11010519491231", "form"),
        ("resident_id", "", "form"),
        ("library_card", "1", "unknown-kind"),
        ("passport", "E1\n2", "form"),
    ],
)
def test_a_number_that_is_none_is_refused(kind: str, number: str, reason: str) -> None:
    with pytest.raises(BadNumber, match=reason):
        _applied(id_kind=kind, id_number=number)
    assert Visit.objects.count() == 0


def test_another_paper_at_the_desk_is_refused() -> None:
    visit, _code = _applied()
    with pytest.raises(StepRefused, match="other-paper"):
        visiting.identify(visit.pk, number="110101199003077758", by=HOLDER, now=NOW)
    visit.refresh_from_db()
    assert visit.state == "received"


def test_nothing_is_approved_before_identity_was_checked(home: Path) -> None:
    opened = records(home, 1, level=0, open_from=20200101)
    visit, _code = _applied()
    with pytest.raises(StepRefused, match="wrong-state"):
        visiting.approve(
            visit.pk, [opened[0].pk], whole=False, answer="可", by=HOLDER, now=NOW
        )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Visit.objects.filter(pk=visit.pk).update(state="approved", decided_by=HOLDER)


def test_unopened_records_need_two_people(home: Path) -> None:
    found = records(home, 1)
    visit = _identified()
    with pytest.raises(StepRefused, match="second-person"):
        visiting.approve(visit.pk, [found[0].pk], whole=False, answer="可", by=HOLDER, now=NOW)
    visiting.propose(visit.pk, [found[0].pk], whole=False, answer="可", by=HOLDER, now=NOW)
    with pytest.raises(StepRefused, match="wrong-role"):
        visiting.confirm(visit.pk, by=HOLDER, now=NOW)
    assert visiting.confirm(visit.pk, by=DIRECTOR, now=NOW).state == "approved"


def _approved(home: Path) -> Visit:
    found = records(home, 1)
    visit = _identified()
    visiting.propose(visit.pk, [found[0].pk], whole=False, answer="可", by=HOLDER, now=NOW)
    return visiting.confirm(visit.pk, by=DIRECTOR, now=NOW)


def _seen_by(name: str, now=NOW) -> int:  # type: ignore[no-untyped-def]
    return readable(viewer_by(name, now=now), today_number(now)).count()


def test_a_session_shows_the_records_on_the_terminal_for_its_time(home: Path) -> None:
    visit = _approved(home)
    assert _seen_by("du") == 0
    visit = visiting.open_session(visit.pk, terminal="du", hours=2, by=HOLDER, now=NOW)
    assert _seen_by("du") == 1
    assert _seen_by("du", NOW + timedelta(hours=2)) == 0
    assert visit.session is not None
    assert visit.session.reader == f"张建国（{visit.number}）"
    visiting.end_session(visit.pk, by=HOLDER, now=NOW)
    assert _seen_by("du") == 0


def test_a_terminal_serves_one_person_at_a_time_and_is_no_office_account(home: Path) -> None:
    visit = _approved(home)
    visiting.open_session(visit.pk, terminal="du", hours=2, by=HOLDER, now=NOW)
    with pytest.raises(StepRefused, match="busy"):
        visiting.open_session(visit.pk, terminal="du", hours=2, by=HOLDER, now=NOW)
    visiting.end_session(visit.pk, by=HOLDER, now=NOW)
    for name in ("wang", HOLDER, "nobody"):
        with pytest.raises(StepRefused, match="missing-evidence"):
            visiting.open_session(visit.pk, terminal=name, hours=2, by=HOLDER, now=NOW)


def test_closing_ends_the_session(home: Path) -> None:
    visit = _approved(home)
    visiting.open_session(visit.pk, terminal="du", hours=2, by=HOLDER, now=NOW)
    visiting.close(visit.pk, by=HOLDER, now=NOW)
    assert _seen_by("du") == 0
    assert ShareGrant.objects.get().withdrawn_by == HOLDER


def test_a_visit_is_passed_on_and_its_standing_followed() -> None:
    visit, _code = _applied(archive="SDA")
    visiting.forward(visit.pk, archive="SDA", note="", by=HOLDER, now=NOW)
    visiting.note_forwarding(visit.pk, standing="accepted", note="", by=HOLDER, now=NOW)
    done = visiting.note_forwarding(visit.pk, standing="answered", note="已寄", by=HOLDER, now=NOW)
    assert (done.state, done.forwarding.standing, done.ended_at) == ("closed", "answered", NOW)


def test_what_names_a_person_goes_when_its_time_is_over(settings) -> None:  # type: ignore[no-untyped-def]
    settings.CONTACT_DAYS = 30
    visit, code = _applied()
    visiting.refuse(visit.pk, ground="D15", answer="不属本馆", by=HOLDER, now=NOW)
    assert visiting.remove_contacts(now=NOW + timedelta(days=29)) == 0
    assert visiting.remove_contacts(now=NOW + timedelta(days=30)) == 1
    assert visiting.remove_contacts(now=NOW + timedelta(days=31)) == 0
    visit.refresh_from_db()
    kept = (visit.name, visit.phone, visit.id_last, visit.id_digest, visit.wanted, visit.purpose)
    assert kept == ("张＊＊", "", "", "", "", "")
    assert visiting.follow(visit.number, code) == visit
    assert visit.events.filter(step="remove_contact").count() == 1


def test_open_visits_keep_what_they_need(settings) -> None:  # type: ignore[no-untyped-def]
    settings.CONTACT_DAYS = 0
    _applied()
    assert visiting.remove_contacts(now=NOW + timedelta(days=400)) == 0


# Pages ----------------------------------------------------------------------------------------


def test_a_citizen_applies_and_follows_by_number_and_code() -> None:
    page = Client().post("/requests/new/", FORM).content.decode()
    visit = Visit.objects.get()
    assert visit.number in page
    code = page.split("<strong>")[2].split("</strong>")[0]
    told = Client().post(f"/requests/{visit.number}/", {"code": code.lower()}).content.decode()
    assert "已登记" in told
    for secret in ("张建国", "0543-1234567", "拆迁安置协议"):
        assert secret not in told


def test_a_wrong_code_and_an_absent_number_answer_alike() -> None:
    visit, _code = _applied()
    wrong = Client().post(f"/requests/{visit.number}/", {"code": "WRONG"})
    absent = Client().post("/requests/CD-2026-9999/", {"code": "WRONG"})
    plain = [
        [line for line in answer.content.decode().replace(number, "N").splitlines()
         if "csrf" not in line.lower()]
        for answer, number in ((wrong, visit.number), (absent, "CD-2026-9999"))
    ]  # fmt: skip
    assert (wrong.status_code, absent.status_code) == (200, 200)
    assert plain[0] == plain[1]


def test_after_many_wrong_codes_even_the_right_one_waits() -> None:
    visit, code = _applied()
    guest = Client()
    for _try in range(MOST_WRONG):
        guest.post(f"/requests/{visit.number}/", {"code": "WRONG"})
    assert "已登记" not in guest.post(f"/requests/{visit.number}/", {"code": code}).content.decode()


def test_only_the_desk_sees_visits() -> None:
    visit, _code = _applied()
    for name in ("wang", "du", "sun"):
        assert client(name).get(f"/exchange/visits/{visit.number}/").status_code == 403
        assert client(name).get("/exchange/visits/").status_code == 403
        step = client(name).post(f"/exchange/visits/{visit.number}/refuse/", {"ground": "D14"})
        assert step.status_code == 403
    assert client(HOLDER).get(f"/exchange/visits/{visit.number}/").status_code == 200
    assert client(HOLDER).get("/exchange/visits/CD-2026-9999/").status_code == 404


def test_the_package_leaves_only_when_it_was_passed_on() -> None:
    visit, _code = _applied()
    desk = client(HOLDER)
    assert desk.get(f"/exchange/visits/{visit.number}/package.json").status_code == 404
    visiting.forward(visit.pk, archive="SDA", note="", by=HOLDER, now=NOW)
    said = desk.get(f"/exchange/visits/{visit.number}/package.json").json()
    assert (said["name"], said["id_last"], PAPER in str(said)) == ("张建国", "002X", False)
    pdf = desk.get(f"/exchange/visits/{visit.number}/package.pdf")
    assert pdf.content.startswith(b"%PDF-")


def test_hostile_words_of_a_citizen_stay_words() -> None:
    hostile = "<script>alert(1)</script>"
    visit, _code = _applied(name=hostile, wanted=hostile, purpose=hostile, phone=hostile)
    for path in ("/exchange/visits/", f"/exchange/visits/{visit.number}/"):
        page = client(HOLDER).get(path).content.decode()
        assert hostile not in page
        assert "&lt;script&gt;" in page


def test_every_step_leaves_an_event_that_cannot_be_changed(home: Path) -> None:
    visit = _approved(home)
    steps = list(visit.events.values_list("step", flat=True))
    assert steps == ["receive", "identify", "propose", "confirm"]
    with pytest.raises(Exception, match="only added"), transaction.atomic():
        VisitEvent.objects.all().delete()


def test_the_image_on_a_terminal_names_the_applicant(home: Path) -> None:
    record = scanned(home, 7)
    visit = _identified()
    visiting.propose(visit.pk, [record.pk], whole=False, answer="可", by=HOLDER, now=NOW)
    visiting.confirm(visit.pk, by=DIRECTOR, now=NOW)
    now = timezone.now()
    Account.objects.filter(username="du").update(password_set_at=now)
    visiting.open_session(visit.pk, terminal="du", hours=1, by=HOLDER, now=now)
    page = client("du").get(f"/records/{record.pk}/").content.decode()
    assert "凭共享授权利用" in page
    assert f"/exchange/{visit.number}-1/" not in page
