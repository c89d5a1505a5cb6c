"""The list of notices of a person, the count in the bar, and how a person wants to be told."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client

from liandong.base.models import Account, Notice, NoticeChoice
from liandong.base.notices.queries import slot_before
from liandong.base.notices.services import BadChoice, choose, forget_old, settle, tell
from liandong.base.notices.words import register_words, words_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai


@pytest.fixture
def zhou() -> Account:
    return Account.objects.create(username="zhou", email="zhou@example.gov.cn")


@pytest.fixture
def client(zhou: Account) -> Client:
    made = Client()
    made.force_login(zhou)
    return made


def told(account: Account, number: str, *, kind: str = "loan_asked") -> Notice:
    tell([account], "exchange", kind, number=number, path=f"/x/{number}/", key=number, now=NOW)
    return Notice.objects.get(account=account, number=number)


def test_the_same_occasion_is_told_once(zhou: Account) -> None:
    for _ in range(2):
        told(zhou, "JY-1")
    assert Notice.objects.count() == 1


def test_the_bar_counts_the_unseen_and_the_list_opens_them(client: Client, zhou: Account) -> None:
    first, other = told(zhou, "JY-1"), told(zhou, "JY-2")
    page = client.get("/me/notices/").content.decode()
    assert "提醒，2 条未看" in page
    assert "JY-1 申请借阅实体档案" in page
    answer = client.post("/me/notices/seen/", {"notice": first.pk})
    assert answer.headers["Location"] == first.path
    page = client.get("/me/notices/").content.decode()
    assert "提醒，1 条未看" in page
    assert "JY-1" not in page
    assert "JY-1" in client.get("/me/notices/?all=1").content.decode()
    client.post("/me/notices/seen/")
    other.refresh_from_db()
    assert other.seen_at is not None
    assert "没有未看的提醒" in client.get("/me/notices/").content.decode()


def test_the_notice_of_another_is_neither_shown_nor_opened(client: Client) -> None:
    other = told(Account.objects.create(username="other"), "JY-1")
    assert "JY-1" not in client.get("/me/notices/?all=1").content.decode()
    answer = client.post("/me/notices/seen/", {"notice": other.pk})
    assert answer.headers["Location"] == "/me/notices/"
    other.refresh_from_db()
    assert other.seen_at is None


def test_a_long_list_goes_on_page_by_page(client: Client, zhou: Account) -> None:
    for number in range(60):
        told(zhou, f"JY-{number:02}")
    page = client.get("/me/notices/").content.decode()
    assert page.count("申请借阅实体档案") == 50
    after = Notice.objects.order_by("-pk")[49].pk
    assert f"?after={after}" in page
    assert client.get(f"/me/notices/?after={after}").content.decode().count("申请借阅") == 10


def test_a_choice_is_kept_and_shown(client: Client, zhou: Account) -> None:
    sent = {"by_sms": "on", "phone": "+86 138 0013 8000", "hours": ["8", "14"],
            "quiet_until": "2026-12-01"}  # fmt: skip
    page = client.post("/me/notices/choice/", sent, follow=True).content.decode()
    assert "已保存" in page
    kept = NoticeChoice.objects.get(account=zhou)
    assert (kept.by_mail, kept.by_sms, kept.phone, kept.hours, kept.quiet_until) == (
        False, True, "13800138000", "8,14", date(2026, 12, 1)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"by_mail": "on"}, "请至少选一个时间"),
        ({"hours": ["24"]}, "请至少选一个时间"),
        ({"hours": ["9"], "by_sms": "on"}, "11 位手机号码"),
        ({"hours": ["9"], "phone": "12"}, "11 位手机号码"),
    ],
)
def test_a_choice_that_cannot_be_is_said_and_not_kept(
    client: Client, sent: dict[str, object], said: str
) -> None:
    assert said in client.post("/me/notices/choice/", sent, follow=True).content.decode()
    assert not NoticeChoice.objects.exists()


@pytest.mark.parametrize(
    ("hours", "now", "slot"),
    [
        ("9", "2026-11-25 10:00", "2026-11-25 09:00"),
        ("9", "2026-11-25 08:59", "2026-11-24 09:00"),
        ("8,14", "2026-11-25 13:59", "2026-11-25 08:00"),
        ("8,14", "2026-11-25 14:00", "2026-11-25 14:00"),
        ("0,23", "2026-01-01 00:00", "2026-01-01 00:00"),
        ("23", "2026-01-01 00:00", "2025-12-31 23:00"),
    ],
)
def test_the_slot_is_the_chosen_hour_that_passed_last(hours: str, now: str, slot: str) -> None:
    choice = NoticeChoice(hours=hours)
    found = slot_before(choice, datetime.fromisoformat(f"{now}+08:00"))
    assert found == datetime.fromisoformat(f"{slot}+08:00")


def test_a_quiet_day_has_no_slot_and_the_day_after_has(zhou: Account) -> None:
    choice = NoticeChoice(hours="9", quiet_until=date(2026, 11, 25))
    assert slot_before(choice, NOW) is None
    choice.quiet_until = date(2026, 11, 24)
    assert slot_before(choice, NOW) is not None
    with pytest.raises(BadChoice):
        choose(zhou, by_mail=True, by_sms=False, phone="", hours=[], quiet_until=None)


def test_settling_and_forgetting(zhou: Account) -> None:
    told(zhou, "JY-1")
    assert settle("exchange", "JY-1", ["loan_refused"], now=NOW) == 0
    assert settle("exchange", "JY-1", ["loan_asked"], now=NOW) == 1
    assert forget_old(now=NOW) == 0
    assert forget_old(now=NOW.replace(year=2028)) == 1


def test_a_room_that_is_not_there_leaves_the_number() -> None:
    assert words_of("nowhere", "x", "N-1", {}) == "N-1"
    register_words("nowhere", lambda kind, number, facts: f"{kind} {number} {facts['day']}")
    assert words_of("nowhere", "x", "N-1", {"day": "1"}) == "x N-1 1"


def test_strangers_have_no_list() -> None:
    assert Client().get("/me/notices/").status_code == 302
