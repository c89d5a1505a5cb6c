"""Points: once for an inspection, more for the first, a cap, taken back when opened again."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import Error, transaction
from django.db.models import F
from tests.cases.build import DAY, NOW, bearer, client, drive, step
from tests.community.build import (
    AGAIN,
    INSPECTED,
    LATER,
    REOPENED,
    account,
    balance,
    everybody,
    inspected,
    merged,
    reported,
    rider,
    settled,
    station,
)

import liandong.community as room
from liandong.cases.models import Case, CaseEvent, Pseudonym
from liandong.community.models import PointsAccount, PointsEntry, PointsPosting, RedemptionCode
from liandong.community.queries.points import due_events, faults
from liandong.community.services import crediting
from liandong.community.services.erasing import erase_pseudonym
from liandong.community.services.redeeming import (
    BadCode,
    TooFewPoints,
    TooManyTries,
    UnknownGoods,
    make_code,
    redeem,
)
from liandong.kernel.points import CONFIRMATION, FIRST, rules_on

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people() -> None:
    everybody()


def rows() -> tuple[int, int]:
    return PointsPosting.objects.count(), PointsEntry.objects.count()


# Rules --------------------------------------------------------------------------------------------


def test_quality_weighs_and_rounds_down() -> None:
    rules = rules_on(NOW.date())
    assert rules is not None
    assert rules.worth(FIRST, has_photo=False, has_place=False) == 10
    assert rules.worth(FIRST, has_photo=True, has_place=True) == 13  # 10 × 1.2 × 1.1 = 13.2
    assert rules.worth(CONFIRMATION, has_photo=True, has_place=False) == 2
    assert rules_on(NOW.date().replace(year=2020)) is None


# Credits ------------------------------------------------------------------------------------------


def test_nothing_is_credited_before_inspection_passed() -> None:
    case = reported(rider())
    for action, by in INSPECTED[:-1]:
        step(case, action, by)
        assert settled() == 0
    assert balance(rider()) == 0
    step(case, "pass", "inspector")
    assert settled() == 1
    assert balance(rider()) == 11


def test_a_job_that_runs_twice_credits_once() -> None:
    inspected(rider())
    assert (settled(), settled(), balance(rider())) == (1, 0, 11)
    assert rows() == (1, 2)
    assert not crediting.settle(CaseEvent.objects.get(action="pass").pk, now=LATER)


def test_a_job_that_was_killed_in_between_leaves_nothing_half(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed after the first of three reporters, and run again."""
    first = reported(rider("甲"))
    others = [merged(reported(rider(name)), first) for name in ("乙", "丙")]
    drive(first, INSPECTED)
    assert len(others) == 2
    written = []

    def post_once(*args: Any, **facts: Any) -> Any:
        if written:
            raise KeyboardInterrupt
        written.append(1)
        return crediting_post(*args, **facts)

    crediting_post = crediting.post
    monkeypatch.setattr(crediting, "post", post_once)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        settled()
    assert rows() == (0, 0)
    monkeypatch.setattr(crediting, "post", crediting_post)
    assert settled() == 1
    assert [balance(rider(name)) for name in ("甲", "乙", "丙")] == [11, 2, 2]


def test_the_first_gets_all_and_who_was_merged_a_confirmation_once() -> None:
    first = reported(rider("甲"))
    merged(reported(rider("乙")), first)
    merged(reported(rider("甲")), first)  # the same person again
    drive(first, INSPECTED)
    settled()
    assert (balance(rider("甲")), balance(rider("乙"))) == (11, 2)
    assert list(PointsPosting.objects.values_list("why", flat=True)) == [
        "full", "confirmed", "same",
    ]  # fmt: skip


def test_a_day_has_a_cap() -> None:
    for _ in range(6):
        inspected(rider())
    settled()
    assert balance(rider()) == 50
    drive(reported(rider(), now=NOW), INSPECTED[:-1])
    case = Case.objects.latest("pk")
    step(case, "pass", "inspector", now=NOW + DAY)
    settled()
    assert balance(rider()) == 61  # another day


def test_who_works_on_cases_and_who_left_no_name_get_nothing() -> None:
    from liandong.base.models import Account

    inspected(None)
    inspected(Account.objects.get(username="roads"))
    inspected(Account.objects.get(username="citizen"))
    settled()
    assert balance(Account.objects.get(username="roads")) == 0
    assert balance(Account.objects.get(username="citizen")) == 11
    assert sorted(PointsPosting.objects.values_list("why", flat=True)) == [
        "full", "nobody", "staff",
    ]  # fmt: skip


def test_kinds_that_are_worth_nothing_are_not_even_looked_at() -> None:
    case = reported(rider(), kind="suggestion")
    drive(case, (("accept", "desk"), ("dispatch", "dispatcher"), ("sign_in", "city"),
                 ("hand_in", "city"), ("pass", "inspector")), proof="会谈记录")  # fmt: skip
    assert due_events() == []


# Taken back ---------------------------------------------------------------------------------------


def test_a_case_that_is_opened_again_takes_its_points_back_and_gives_them_again() -> None:
    case = inspected(rider())
    settled()
    drive(case, REOPENED)
    settled()
    assert balance(rider()) == 0
    drive(case, AGAIN)
    settled()
    assert balance(rider()) == 11
    assert list(faults()) == []


def test_points_that_were_spent_are_not_taken_but_counted_as_held() -> None:
    case = inspected(rider())
    settled()
    redeem(make_code(account(rider()), now=LATER), "water", station(), by="keeper", now=LATER)
    drive(case, REOPENED)
    settled()
    assert balance(rider()) == 0  # six of eleven could be taken
    drive(case, AGAIN)
    settled()
    assert balance(rider()) == 6  # and not eleven again
    assert list(faults()) == []


# Redemption ---------------------------------------------------------------------------------------


def test_a_code_is_good_once_and_for_ten_minutes() -> None:
    for _ in range(3):
        inspected(rider())
    settled()
    code = make_code(account(rider()), now=LATER)
    assert re.fullmatch(r"\d{6}", code)
    assert code not in RedemptionCode.objects.get().digest
    made = redeem(code, "meal_coupon", station(), by="keeper", now=LATER)
    assert (made.points, balance(rider())) == (30, 3)
    with pytest.raises(BadCode):
        redeem(code, "water", station(), by="keeper", now=LATER)
    late = make_code(account(rider()), now=LATER)
    with pytest.raises(BadCode):
        redeem(late, "water", station(), by="keeper", now=LATER + DAY)


def test_too_few_points_take_nothing_and_the_code_is_still_good() -> None:
    inspected(rider())
    settled()
    code = make_code(account(rider()), now=LATER)
    with pytest.raises(TooFewPoints):
        redeem(code, "meal_coupon", station(), by="keeper", now=LATER)
    with pytest.raises(UnknownGoods):
        redeem(code, "gold", station(), by="keeper", now=LATER)
    assert balance(rider()) == 11
    redeem(code, "water", station(), by="keeper", now=LATER)
    assert balance(rider()) == 6


def test_who_guesses_codes_is_stopped() -> None:
    inspected(rider())
    settled()
    code = make_code(account(rider()), now=LATER)
    wrong = [f"{number:06d}" for number in range(10) if f"{number:06d}" != code][:5]
    for one in wrong:
        with pytest.raises(BadCode):
            redeem(one, "water", station(), by="keeper", now=LATER)
    with pytest.raises(TooManyTries):
        redeem(code, "water", station(), by="keeper", now=LATER)


# Proof --------------------------------------------------------------------------------------------


def test_the_proof_finds_what_was_tampered_with() -> None:
    inspected(rider())
    settled()
    assert list(faults()) == []
    PointsAccount.objects.filter(house="").update(balance=F("balance") + 5)
    assert [one.code for one in faults()] == ["balance"]
    PointsAccount.objects.filter(house="").update(balance=F("balance") - 5)
    other = CaseEvent.objects.get(action="sign_in")
    PointsPosting.objects.create(
        act="credit", points=7, why="full", event=other, case=other.case, at=NOW, by="system"
    )
    assert {one.code for one in faults()} == {"sides", "event"}


def test_the_command_posts_and_proves(monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from liandong.site.cli import points
    from liandong.site.cli.app import app

    monkeypatch.setattr(points, "set_up_with_database", lambda: None)
    inspected(rider())
    told = CliRunner().invoke(app, ["points", "verify", "--json"])
    assert json.loads(told.stdout)["waiting"] == 1
    assert json.loads(CliRunner().invoke(app, ["points", "settle", "--json"]).stdout) == {
        "settled": 1
    }
    good = CliRunner().invoke(app, ["points", "verify", "--json"])
    assert good.exit_code == 0
    assert json.loads(good.stdout) == {
        "summary": True, "postings": 1, "accounts": 1, "waiting": 0, "faults": 0,
    }  # fmt: skip
    PointsAccount.objects.filter(house="").update(balance=1)
    bad = CliRunner().invoke(app, ["points", "verify"])
    assert bad.exit_code == 1
    assert "balance" in bad.stdout
    assert "11" in bad.stdout


def test_what_was_booked_is_neither_changed_nor_removed() -> None:
    inspected(rider())
    settled()
    for change in (
        lambda: PointsPosting.objects.update(points=1),
        lambda: PointsEntry.objects.update(points=1),
        lambda: PointsEntry.objects.all().delete(),
    ):
        with pytest.raises(Error), transaction.atomic():
            change()


# Nobody is ranked ---------------------------------------------------------------------------------


def test_nothing_sorts_or_lists_people_by_points() -> None:
    assert PointsAccount._meta.ordering == ["id"]
    folder = Path(inspect.getfile(room)).parent
    text = "".join(file.read_text("utf-8") for file in folder.rglob("*.py"))
    assert not re.search(r"order_by\([^)]*(balance|points|total)", text)
    for template in folder.rglob("*.html"):
        loops = re.findall(r"{% for .*?%}.*?{% endfor %}", template.read_text("utf-8"), re.DOTALL)
        assert not any("balance" in loop for loop in loops), template


def test_no_page_of_anybody_else_tells_a_balance() -> None:
    for _ in range(4):
        inspected(rider("别人"))
    settled()
    assert balance(rider("别人")) == 44
    station()
    for who, path in (
        ("keeper", "/community/stations/"), ("keeper", "/community/stations/yz-1/"),
        ("citizen", "/me/reports/"), ("leader", "/conduct/"), ("leader", "/cases/"),
        ("desk", f"/cases/{Case.objects.latest('pk').number}/"), ("citizen", "/stations/"),
    ):  # fmt: skip
        page = client(who).get(path)
        assert page.status_code == 200, path
        assert "别人" not in page.content.decode()
        assert not re.search(r">\s*\+?44\s*<", page.content.decode()), path


def test_an_erased_pseudonym_leaves_books_that_add_up_and_nobody() -> None:
    case = inspected(rider())
    settled()
    make_code(account(rider()), now=LATER)
    erase_pseudonym(rider(), now=LATER)
    assert not Pseudonym.objects.exists()
    assert Case.objects.get(pk=case.pk).pseudonym is None
    assert not RedemptionCode.objects.exists()
    assert list(faults()) == []
    assert bearer("keeper").viewer.unit == "YZ"
