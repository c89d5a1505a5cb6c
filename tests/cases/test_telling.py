"""Who is told of what: by role and unit, each fact once, never of the own act; and letters."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings
from tests.cases.build import (
    DAY,
    NOW,
    TO_DISPATCHED,
    TO_INSPECTING,
    WATER,
    cell,
    drive,
    opened,
    people,
    step,
)
from tests.loopback_mail import MailServer, mail_server

from liandong.base.models import Account, Notice, Role
from liandong.base.notices.digests import send_digests
from liandong.base.notices.services import choose
from liandong.cases.models import Case, Letter
from liandong.cases.queries import tracking
from liandong.cases.queries.addressees import _PEOPLE, OWNERS
from liandong.cases.services.letters import BACK_OFF, link_of, send_letters
from liandong.cases.services.reporting import link_by_code
from liandong.cases.services.sealing import erase_contact
from liandong.cases.services.tending import tend_due
from liandong.cases.wording import notice_words
from liandong.kernel import catalog
from liandong.kernel.casework import moves
from liandong.kernel.ports import Reply, ShortMessage

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]
CONTACT = {"name": "张某某", "phone": "13800138000", "email": "zhang@example.cn"}


@pytest.fixture(autouse=True)
def _people() -> None:
    people()
    cell()


@pytest.fixture
def mail(settings: Settings) -> Iterator[MailServer]:
    """A server on loopback, to which the installation sends."""
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.MAIL_SERVER = f"smtp://127.0.0.1:{server.port}"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.CSRF_TRUSTED_ORIGINS = ["https://da.example.gov.cn"]
        yield server


def told(case: Case, kind: str) -> set[str]:
    rows = Notice.objects.filter(number=case.number, kind=kind)
    return set(rows.values_list("account__username", flat=True))


def tend(now: datetime = NOW) -> None:
    tend_due(now=now)


def test_the_table_names_known_actions_and_people() -> None:
    actions = {move.action for move in moves()} | {"nearly_due", "late"}
    for row in catalog.rows("case_notices"):
        assert row["code"] in actions, row
        words = set(row["tells"].split()) - {"owner"}
        assert words <= _PEOPLE.keys(), row
        assert ("reporter" in words) == bool(row["public_zh"] and row["public_en"]), row
        assert row["closes"] != "Y" or "reporter" in words, row
    assert set(OWNERS.values()) <= _PEOPLE.keys()


def test_people_are_told_by_role_and_unit_and_not_of_their_own_acts() -> None:
    case = opened().case
    tend()
    assert told(case, "submit") == {"desk", "desk2"}
    case = drive(case, TO_DISPATCHED)
    tend()
    assert told(case, "accept_for_verification") == {"grid"}
    assert told(case, "confirm") == {"dispatcher"}
    assert told(case, "dispatch") == {"city"}
    for action, by in (("sign_in", "city"), ("request_assist", "city")):
        case = step(case, action, by)
    tend()
    assert told(case, "request_assist") == {"water"}
    case = step(case, "answer_assist", "water")
    case = step(case, "hand_in", "city")
    tend()
    # Not the inspector of the handling unit; another desk's inspector may.
    assert told(case, "submit_inspection") == {"inspector", "inspector2"}
    case = step(step(case, "pass", "inspector"), "dispute", "requester")
    tend()
    assert told(case, "dispute") == {"desk2", "city"}  # the desk of another unit decides


def test_a_leader_who_escalates_is_told_of_the_answer() -> None:
    case = drive(opened().case, (*TO_DISPATCHED, ("sign_in", "city"), ("escalate", "leader")))
    case = step(case, "answer_escalation", "city")
    tend()
    assert told(case, "escalate") == {"city"}
    assert told(case, "answer_escalation") == {"leader"}


def test_who_may_not_see_the_case_is_not_told() -> None:
    Account.objects.filter(username="desk2").update(clearance=0)
    Account.objects.filter(username="desk").update(is_active=False)
    case = opened().case
    tend()
    assert told(case, "submit") == set()


def test_every_event_is_told_once_however_often_the_job_runs() -> None:
    case = drive(opened().case, TO_INSPECTING)
    for _ in range(3):
        tend()
    keys = list(Notice.objects.values_list("account", "key"))
    assert len(keys) == len(set(keys))
    before = Notice.objects.count()
    Case.objects.filter(pk=case.pk).update(told=0)  # as after a restored backup
    tend()
    assert Notice.objects.count() == before


def test_what_asked_for_a_step_is_settled_once_the_case_has_moved() -> None:
    case = opened().case
    tend()
    assert Notice.objects.filter(kind="submit", seen_at__isnull=True).count() == 2
    step(case, "accept_for_verification", "desk")
    tend()
    assert Notice.objects.filter(kind="submit", seen_at__isnull=True).count() == 0


def test_an_account_that_raised_it_is_told_in_public_words() -> None:
    citizen = Account.objects.get(username="citizen")
    case = drive(opened(requester=citizen).case, (*TO_INSPECTING, ("pass", "inspector")))
    tend()
    assert told(case, "pass") == {"city", "citizen"}
    mine = Notice.objects.get(account=citizen, kind="pass")
    words = notice_words(mine.kind, mine.number, mine.facts)
    assert words == f"{case.number} 已办理，另一单位核查通过。请打开链接评价。"
    assert not Notice.objects.filter(account=citizen, kind="submit").exists()


def test_every_merged_reporter_is_told_the_result_of_the_parent(mail: MailServer) -> None:
    parent = opened(contact={"email": "first@example.cn"}).case
    children = []
    for number, into in ((1, parent), (2, None)):
        child = opened(contact={"email": f"child{number}@example.cn"}).case
        child = step(child, "merge", "desk", parent=(into or children[0]).number) if into else child
        children.append(child)
    drive(parent, (*TO_INSPECTING, ("pass", "inspector")))
    tend()
    send_letters(now=NOW)
    passed = {to[0] for to, made in mail.got if "核查通过" in made.get_content()}
    assert passed == {"first@example.cn", "child1@example.cn"}
    assert {row.case_id for row in Letter.objects.filter(code="pass")} == {
        parent.pk, children[0].pk
    }  # fmt: skip


# Letters ------------------------------------------------------------------------------------------


def test_a_closing_letter_has_the_dispute_link_and_nothing_personal(mail: MailServer) -> None:
    case = drive(opened(contact=CONTACT).case, (*TO_INSPECTING, ("pass", "inspector")))
    tend()
    assert send_letters(now=NOW) == 1  # what waited goes in one letter
    ((to, made),) = mail.got
    text = made.get_content()
    assert to == ["zhang@example.cn"]
    assert case.number in str(made["Subject"])
    assert "申请重办，由另一单位审核" in text
    link = link_of(case)
    assert link.startswith("https://da.example.gov.cn/r/")
    assert link in text
    for secret in (CONTACT["name"], CONTACT["phone"], case.title, case.text, "黄河五路"):
        assert secret not in text


CLOSING = {
    "reject": (("reject", "desk"),), "refer": (("refer", "desk"),), "merge": (("merge", "desk"),),
    "not_found": (("accept_for_verification", "desk"), ("not_found", "grid")),
    "pass": (*TO_INSPECTING, ("pass", "inspector")),
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(CLOSING))
def test_each_closing_letter_leads_to_a_dispute_that_can_be_made(
    code: str, mail: MailServer
) -> None:
    case = drive(opened(contact=CONTACT).case, CLOSING[code], parent=opened().case.number)
    tend()
    send_letters(now=NOW)
    assert any("申请重办" in text for text in mail.texts())
    page = Client().get(link_of(case).removeprefix("https://da.example.gov.cn"))
    assert page.status_code == 200
    token = tracking.letter_token(case)
    said = {"action": "dispute", "said_reason": "没有解决"}
    Client().post(f"/r/{token}/steps/", said)
    case.refresh_from_db()
    assert case.state == "reopen_review"


def test_every_closing_row_of_the_table_is_one_that_ends_or_resolves() -> None:
    ends = {"rejected", "merged", "referred", "withdrawn", "closed", "resolved"}
    told_of = {row["code"] for row in catalog.rows("case_notices") if row["closes"] == "Y"}
    by_others = {
        move.action for move in moves()
        if move.axis == "state" and move.target in ends - {move.source}
        and "reporter" not in move.actors
    }  # fmt: skip
    assert told_of == by_others - {"import"}


def test_the_link_of_a_letter_ends_when_the_link_is_made_anew() -> None:
    case = opened().case
    token = tracking.letter_token(case)
    assert tracking.case_by_letter(token) == case
    assert tracking.case_by_letter(token[:-1] + ("0" if token[-1] != "0" else "1")) is None
    assert tracking.case_by_letter("zz-" + "0" * 40) is None
    assert link_by_code(case, "nothing", origin="x", now=NOW) == ""
    Case.objects.filter(pk=case.pk).update(token_hash="0" * 64)
    assert tracking.case_by_letter(token) is None


def test_the_requester_is_not_told_of_the_own_act(mail: MailServer) -> None:
    case = step(opened(contact=CONTACT).case, "withdraw", "requester")
    tend()
    send_letters(now=NOW)
    assert (mail.got, case.state) == ([], "withdrawn")


def test_a_letter_after_the_erasure_is_not_sent(mail: MailServer) -> None:
    case = drive(opened(contact=CONTACT).case, (("reject", "desk"),))
    tend()
    erase_contact(case, by="system", now=NOW)
    assert send_letters(now=NOW) == 0
    assert Letter.objects.get().next_at is None
    assert mail.got == []


def test_a_server_that_does_not_answer_is_tried_again_and_given_up_in_the_end(
    settings: Settings, mail: MailServer
) -> None:
    drive(opened(contact=CONTACT).case, (("reject", "desk"),))
    tend()
    settings.EMAIL_PORT = 9  # nobody listens
    now = NOW
    for wait in BACK_OFF:
        assert send_letters(now=now) == 0
        row = Letter.objects.get()
        assert row.next_at == now + wait
        now += wait
    send_letters(now=now)
    assert (Letter.objects.get().next_at, Letter.objects.get().sent_at) == (None, None)
    Letter.objects.update(next_at=now, tries=0)
    settings.EMAIL_PORT = mail.port
    assert send_letters(now=now) == 1


class _Gateway:
    """Answers every short message with the status that the test says."""

    status = 200

    def send(self, texts: Sequence[ShortMessage]) -> list[Reply]:
        return [Reply(self.status) for _ in texts]


def test_a_gateway_that_is_busy_is_tried_again_and_one_that_refuses_is_not(
    settings: Settings,
) -> None:
    settings.ENGINES = {
        **settings.ENGINES, "texter": {"class": f"{__name__}._Gateway", "options": {}}
    }  # fmt: skip
    settings.SMS = "https://sms.example.cn/"
    drive(opened(contact={"phone": CONTACT["phone"]}).case, (("reject", "desk"),))
    tend()
    for status, waits, trouble in ((503, BACK_OFF[0], "OSError"), (429, BACK_OFF[1], "OSError")):
        now = Letter.objects.get().next_at or NOW
        _Gateway.status = status
        assert send_letters(now=now) == 0
        row = Letter.objects.get()
        assert (row.next_at, row.trouble) == (now + waits, trouble)
    now = row.next_at or NOW
    _Gateway.status = 400
    assert send_letters(now=now) == 0
    row = Letter.objects.get()
    assert (row.next_at, row.sent_at, row.trouble) == (None, None, "status 400")
    row.next_at = now
    row.save()
    _Gateway.status = 202
    assert send_letters(now=now) == 1


def test_a_refused_receiver_does_not_hold_up_the_others(mail: MailServer) -> None:
    mail.refused.add(CONTACT["email"])
    for contact in (CONTACT, {"email": "li@example.cn"}, {"email": "bad\nBcc: x@example.cn"}):
        drive(opened(contact=contact).case, (("reject", "desk"),))
    tend()
    assert send_letters(now=NOW) == 1
    assert [to for to, _made in mail.got] == [["li@example.cn"]]
    assert Letter.objects.filter(next_at__isnull=False).count() == 0


def test_whoever_has_an_account_with_an_address_gets_the_digest_and_no_letter(
    mail: MailServer,
) -> None:
    citizen = with_address("citizen")
    drive(opened(requester=citizen, contact=CONTACT).case, (("reject", "desk"),))
    tend()
    assert (send_letters(now=NOW), send_digests(now=NOW)["mails"]) == (0, 1)


def test_without_a_server_no_letter_is_written() -> None:
    drive(opened(contact=CONTACT).case, (("reject", "desk"),))
    tend()
    assert not Letter.objects.exists()


# Digests ------------------------------------------------------------------------------------------


def with_address(name: str) -> Account:
    account = Account.objects.get(username=name)
    account.email = f"{name}@example.gov.cn"
    account.save()
    return account


def test_one_digest_a_day_at_the_chosen_hour_with_counts(mail: MailServer) -> None:
    with_address("desk")
    for _ in range(25):
        opened()
    tend()
    assert send_digests(now=NOW)["mails"] == 1  # 10:00, the hour was nine
    ((to, made),) = mail.got
    text = made.get_content()
    assert to == ["desk@example.gov.cn"]
    assert "25 条" in str(made["Subject"])
    assert "25 条　新上报，待受理" in text
    assert text.count("· ") == 20
    assert "https://da.example.gov.cn/me/notices/" in text
    opened()
    tend()
    for hours in range(22):
        assert send_digests(now=NOW + timedelta(hours=hours))["mails"] == 0
    assert send_digests(now=NOW + timedelta(hours=23))["mails"] == 1
    assert "1 条　新上报" in mail.texts()[-1]


def test_what_was_seen_in_the_application_is_not_mailed(mail: MailServer) -> None:
    with_address("desk")
    opened()
    tend()
    Notice.objects.update(seen_at=NOW)
    assert send_digests(now=NOW)["mails"] == 0


def test_hours_quiet_days_and_channels_are_the_persons_choice(mail: MailServer) -> None:
    desk = with_address("desk")
    opened()
    tend()
    quiet = (NOW + DAY).date()
    choose(desk, by_mail=True, by_sms=False, phone="", hours=[8, 15], quiet_until=quiet)
    assert send_digests(now=NOW + DAY)["mails"] == 0
    assert send_digests(now=NOW + 2 * DAY)["mails"] == 1
    opened()
    tend()
    choose(desk, by_mail=False, by_sms=False, phone="", hours=[8], quiet_until=None)
    assert send_digests(now=NOW + 4 * DAY)["mails"] == 0


def test_a_digest_whose_server_does_not_answer_goes_later(
    settings: Settings, mail: MailServer
) -> None:
    with_address("desk")
    opened()
    tend()
    settings.EMAIL_PORT = 9
    assert send_digests(now=NOW)["mails"] == 0
    settings.EMAIL_PORT = mail.port
    assert send_digests(now=NOW + timedelta(minutes=5))["mails"] == 1


def test_a_message_says_how_many_and_keeps_no_number(settings: Settings) -> None:
    desk = Account.objects.get(username="desk")
    settings.ENGINES = {**settings.ENGINES, "texter": {
        "class": "liandong.engines.messages.kept.KeptTexts",
        "options": {"folder": settings.HOME / "messages"},
    }}  # fmt: skip
    opened()
    tend()
    choose(desk, by_mail=False, by_sms=True, phone="138 0013 8000", hours=[9], quiet_until=None)
    assert send_digests(now=NOW) == {"mails": 0, "messages": 1}
    log = (settings.HOME / "messages" / "sms.log").read_text("utf-8")
    assert "1 条新提醒" in log
    assert "13800138000" not in log
    assert Role.DESK in set(desk.posts.values_list("role", flat=True))


def test_words_of_every_row_are_there_in_both_languages() -> None:
    from django.utils.translation import override

    for row in catalog.rows("case_notices"):
        for language in ("zh-hans", "en"):
            with override(language):
                facts = {"clock": "T5"} if "{clock}" in row["name_zh"] else {"unit": WATER}
                text = notice_words(row["code"], "1", facts)
            assert text.startswith("1 ")
            assert "{" not in text
