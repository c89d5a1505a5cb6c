"""Pages of opening review: who gets what, at which cost, against hostile input; the public list."""

from io import BytesIO
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook
from tests.archive.build import scanned_admission
from tests.archive.reviews import AGREE, CLERK, NOW, OTHER_CLERK, old_records, opened, people
from tests.archive.test_rebuilding import forget_everything
from tests.archive.test_rebuilding import snapshot as rows_of_records

from liandong.archive.models import (
    OpeningDecision,
    OpeningPeriod,
    OpeningPublication,
    OpeningReview,
    PersonalHit,
    Record,
    UnitSuccession,
)
from liandong.archive.services.admitting import admit
from liandong.archive.services.opening import publishing, settling, steps
from liandong.archive.services.opening.periods import (
    BadPeriod,
    BadSuccession,
    set_periods,
    set_succession,
)
from liandong.archive.services.opening.planning import plan
from liandong.archive.services.opening.proposing import propose_planned
from liandong.archive.services.packing import pack
from liandong.archive.services.rebuilding import rebuild
from liandong.base.models import Account, AuditRow, Unit
from liandong.base.tables import csv_bytes, harmless
from liandong.base.triggers import frees, guards, run

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>"


def client_of(name: str) -> Client:
    """A browser of this person; "" for a stranger."""
    client = Client()
    if name:
        client.force_login(Account.objects.get(username=name))
    return client


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    people()


@pytest.fixture
def review(home: Path) -> OpeningReview:
    """A scanned record of the unit BGS that waits for the first review, examined and clean."""
    old_records(home, 9)
    made = scanned_admission(home / "staging", 1)
    made.description["document_date"] = "19980506"  # type: ignore[index]
    record = admit(pack(made), made, by="li", now=made.at)
    PersonalHit.objects.all().delete()
    Record.objects.update(personal=0)
    plan([record.pk], year=2026, by="wang", now=NOW)
    propose_planned(now=NOW)
    return OpeningReview.objects.get(record=record)


def _code(name: str, path: str) -> int:
    answer = client_of(name).get(path)
    for _ in getattr(answer, "streaming_content", ()):
        pass
    return answer.status_code


# Who gets what ------------------------------------------------------------------------------------

PEOPLE = ("", CLERK, OTHER_CLERK, "wang", "zhao")


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("/opening/", (302, 200, 200, 200, 200)),
        ("/opening/reviews/", (302, 200, 200, 200, 200)),
        ("/opening/due/", (302, 403, 403, 200, 200)),
        ("/opening/plan/2026/", (302, 403, 403, 200, 200)),
        ("/opening/publish/", (302, 403, 403, 403, 200)),
        ("/opening/periods/", (302, 403, 403, 403, 200)),
        ("/opening/{pk}/", (302, 404, 404, 200, 200)),
        ("/opening/{pk}/say/delay/", (302, 404, 404, 200, 200)),
        ("/opening/{pk}/say/dance/", (302, 404, 404, 404, 404)),
        ("/opening/{pk}/pages/1/image", (302, 404, 404, 200, 200)),
        ("/opening/{pk}/pages/9/image", (302, 404, 404, 404, 404)),
        ("/opening/999999/", (302, 404, 404, 404, 404)),
        ("/opened/", (200, 200, 200, 200, 200)),
        ("/opened/2020-01/", (404, 404, 404, 404, 404)),
    ],
)
def test_pages_open_for_those_who_may(
    review: OpeningReview, path: str, codes: tuple[int, ...]
) -> None:
    address = path.format(pk=review.pk)
    assert tuple(_code(name, address) for name in PEOPLE) == codes


def test_the_unit_sees_what_it_is_asked_about_and_no_other_unit_does(review: OpeningReview) -> None:
    steps.decide(review.pk, AGREE, by="wang", now=NOW)
    for path in (f"/opening/{review.pk}/", f"/opening/{review.pk}/pages/1/image"):
        assert [_code(name, path) for name in (CLERK, OTHER_CLERK, "")] == [200, 404, 302]
    page = client_of(CLERK).get("/opening/").content.decode()
    assert review.record.code in page
    assert review.record.code not in client_of(OTHER_CLERK).get("/opening/").content.decode()


@pytest.mark.parametrize("name", ["", CLERK, OTHER_CLERK])
@pytest.mark.parametrize(
    "path",
    ["agree/", "say/open/", "step/drop/", "step/withdraw/", "step/consent/", "step/propose/"],
)
def test_nobody_else_takes_a_step(review: OpeningReview, name: str, path: str) -> None:
    before = OpeningDecision.objects.count()
    answer = client_of(name).post(f"/opening/{review.pk}/{path}", {"reason": "x", "number": "7"})
    assert answer.status_code in {302, 403, 404}
    assert OpeningDecision.objects.count() == before


def test_a_token_is_asked_for(review: OpeningReview) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(Account.objects.get(username="wang"))
    assert client.post(f"/opening/{review.pk}/agree/").status_code == 403


# The way by buttons -------------------------------------------------------------------------------


def test_the_buttons_lead_through_the_whole_review(review: OpeningReview) -> None:
    for name in ("wang", CLERK, "li", "zhao"):
        answer = client_of(name).post(f"/opening/{review.pk}/agree/", follow=True)
        assert answer.status_code == 200
    review.refresh_from_db()
    assert (review.state, Record.objects.get(pk=review.record_id).level) == ("opened", 0)
    assert _code("", f"/records/{review.record_id}/") == 200


def test_a_refused_button_says_why_and_changes_nothing(review: OpeningReview) -> None:
    steps.decide(review.pk, AGREE, by="wang", now=NOW)
    steps.decide(review.pk, AGREE, by=CLERK, now=NOW)
    answer = client_of("wang").post(f"/opening/{review.pk}/agree/", follow=True)
    assert "须由不同的人办理" in answer.content.decode()
    review.refresh_from_db()
    assert review.state == "re_review"


def test_a_delay_without_reason_is_told_at_the_field(review: OpeningReview) -> None:
    answer = client_of("wang").post(f"/opening/{review.pk}/say/delay/", {"ground": "G2"})
    assert answer.status_code == 200
    assert "ld-errors" in answer.content.decode()
    review.refresh_from_db()
    assert review.state == "first_review"


def test_one_undo_takes_the_last_step_back(review: OpeningReview) -> None:
    client = client_of("wang")
    client.post(f"/opening/{review.pk}/agree/")
    answer = client.post("/opening/undo/")
    assert answer["Location"] == f"/opening/{review.pk}/"
    review.refresh_from_db()
    assert review.state == "first_review"
    assert client.post("/opening/undo/")["Location"] == "/opening/"


def test_the_page_marks_what_was_found_and_offers_its_keys(review: OpeningReview) -> None:
    PersonalHit.objects.create(
        record=review.record, page=1, line=0, start=0, last_line=0, end=2, kind="person_name",
        method="names", boxes=[[10, 20, 60, 44]],
    )  # fmt: skip
    page = client_of("wang").get(f"/opening/{review.pk}/").content.decode()
    assert '<rect class="ld-found-proposed" x="10" y="20" width="50" height="24">' in page
    for key in "adomz":
        assert (f'data-key="{key}"' in page) == (key != "o"), key  # open is what is proposed


def test_the_page_leads_to_the_personal_information_of_the_record(review: OpeningReview) -> None:
    link = f"/review/personal/?record={review.record_id}"
    assert link not in client_of("wang").get(f"/opening/{review.pk}/").content.decode()
    Record.objects.update(personal=2)
    assert link in client_of("wang").get(f"/opening/{review.pk}/").content.decode()
    assert link not in client_of("zhao").get(f"/opening/{review.pk}/").content.decode()


def test_markup_in_a_reason_or_title_is_text(review: OpeningReview) -> None:
    Record.objects.filter(pk=review.record_id).update(title=EVIL)
    form = {"ground": "G2", "reason": EVIL}
    client_of("wang").post(f"/opening/{review.pk}/say/delay/", form)
    for path in (f"/opening/{review.pk}/", "/opening/", "/opening/reviews/", "/opening/due/"):
        assert EVIL not in client_of("wang").get(path).content.decode(), path
    assert OpeningDecision.objects.filter(reason=EVIL).exists()


@pytest.mark.parametrize("value", ["", "abc", "-1", "9" * 400, "\0", "' OR 1=1", EVIL, "2026-x"])
def test_no_parameter_breaks_a_page(review: OpeningReview, value: str) -> None:
    client = client_of("zhao")
    for path in (
        "/opening/due/",
        "/opening/reviews/",
        "/opening/periods/",
        f"/opening/{review.pk}/",
    ):
        for name in ("after", "fonds", "year", "state", "p", "mine"):
            assert client.get(path, {name: value}).status_code == 200, (path, name)
    posts = {"verdict": value, "ground": value, "reason": value, "review": [value, str(review.pk)]}
    assert client.post("/opening/batch/", posts).status_code == 200
    assert client.post("/opening/due/", {"plan_year": value, "record": value}).status_code == 302


def test_a_batch_previews_before_it_decides(review: OpeningReview) -> None:
    form = {"review": [review.pk], "verdict": "delay", "ground": "G4", "reason": "在办"}
    client = client_of("wang")
    told = client.post("/opening/batch/", form).content.decode()
    review.refresh_from_db()
    assert (review.state, "确认办理 1 件" in told) == ("first_review", True)
    client.post("/opening/batch/", form | {"sure": "1"})
    review.refresh_from_db()
    assert (review.state, review.reason) == ("unit_opinion", "在办")


def test_lists_cost_the_same_for_one_row_and_for_twenty(home: Path) -> None:
    client = client_of("zhao")
    addresses = ("/opening/", "/opening/due/", "/opening/reviews/", "/opening/reviews/?mine=1",
                 "/opening/plan/2026/", "/opened/")  # fmt: skip
    costs: dict[str, list[int]] = {path: [] for path in addresses}
    for numbers in (range(1, 3), range(3, 21)):
        records = old_records(home, *numbers)
        plan([one.pk for one in records[::2]], year=2026, by="wang", now=NOW)
        for path in addresses:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).status_code == 200
            costs[path].append(len(queries))
    assert {path: counts for path, counts in costs.items() if len(set(counts)) > 1} == {}
    assert max(max(counts) for counts in costs.values()) <= 16, costs


# Published ----------------------------------------------------------------------------------------


def test_a_published_record_is_listed_for_strangers_until_it_is_withdrawn(home: Path) -> None:
    review = opened(home)
    stranger = Client()
    assert review.record.code not in stranger.get("/opened/").content.decode()
    answer = client_of("zhao").post("/opening/publish/", {"title": "第一批"})
    assert answer["Location"] == "/opened/2026-01/"
    assert review.record.code in stranger.get("/opened/2026-01/").content.decode()
    steps.withdraw(review.pk, "误开", by="wang", now=NOW)
    assert review.record.code not in stranger.get("/opened/2026-01/").content.decode()
    file = stranger.get("/opened/2026-01/catalogue.csv")
    assert review.record.code not in file.content.decode("utf-8-sig")


def test_formulas_of_a_title_stay_text_in_every_export(home: Path) -> None:
    review = opened(home, described={"title": '=HYPERLINK("http://x")'})
    publishing.publish(title="第一批", by="zhao", now=NOW)
    stranger = Client()
    text = stranger.get("/opened/2026-01/catalogue.csv").content.decode("utf-8-sig")
    assert "'=HYPERLINK" in text
    book = load_workbook(BytesIO(stranger.get("/opened/2026-01/catalogue.xlsx").content))
    cell = book.worksheets[0]["B2"]
    assert (cell.data_type, cell.value) == ("s", '\'=HYPERLINK("http://x")')
    assert book.worksheets[0]["A2"].value == review.record.code
    assert stranger.get("/opened/2026-01/catalogue.exe").status_code == 404


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", " ="])
def test_a_cell_never_starts_a_formula(start: str) -> None:
    assert str(harmless(f"{start}1+1")).startswith("'")
    assert harmless("一、通知") == "一、通知"
    assert harmless(-3) == -3
    assert csv_bytes(["a"], [["=1"]]).endswith(b"'=1\r\n")


def test_a_masked_record_is_published_with_its_masks_on(home: Path) -> None:
    review = opened(home, personal=2, described={"title": "关于张建国同志工资的批复"})
    assert PersonalHit.objects.filter(field="title", kind="person_name").exists()
    publishing.publish(title="第一批", by="zhao", now=NOW)
    stranger = Client()
    for path in ("/opened/2026-01/", "/opened/2026-01/catalogue.csv"):
        text = stranger.get(path).content.decode("utf-8-sig")
        assert review.record.code in text
        assert "张建国" not in text


# Settled by the archive ---------------------------------------------------------------------------


def test_the_periods_of_a_fonds_move_its_records(home: Path) -> None:
    (record,) = old_records(home, 1)
    row = OpeningPeriod(words="防汛", years=30, basis="档发〔2026〕1号")
    assert set_periods(record.fonds, [row], by="zhao", now=NOW) == 1
    record.refresh_from_db()
    assert record.open_due == 20280506
    assert AuditRow.objects.get(act="change_opening_periods").by == "zhao"
    assert set_periods(record.fonds, [], by="zhao", now=NOW) == 1


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"words": "防汛", "years": 30, "basis": " "}, "no-basis"),
        ({"years": 30, "basis": "1号"}, "no-class"),
        ({"words": "|", "years": 30, "basis": "1号"}, "no-class"),
        ({"words": "防汛", "years": 300, "basis": "1号"}, "no-years"),
    ],
)
def test_a_period_that_says_too_little_is_refused(
    home: Path, facts: dict[str, object], why: str
) -> None:
    (record,) = old_records(home, 1)
    with pytest.raises(BadPeriod, match=why):
        set_periods(record.fonds, [OpeningPeriod(**facts)], by="zhao", now=NOW)
    assert not OpeningPeriod.objects.exists()


def test_successions_never_come_back() -> None:
    one, two = Unit.objects.get(code="BGS"), Unit.objects.get(code="CZJ")
    set_succession(one, two, "机构改革", by="zhao", now=NOW)
    for unit, successor in ((two, one), (one, one)):
        with pytest.raises(BadSuccession):
            set_succession(unit, successor, "改革", by="zhao", now=NOW)
    assert UnitSuccession.objects.count() == 1


def test_periods_are_kept_by_their_page(home: Path) -> None:
    old_records(home, 1)
    form = {
        "what": "periods", "period-TOTAL_FORMS": "1", "period-INITIAL_FORMS": "0",
        "period-0-words": "防汛", "period-0-years": "30", "period-0-basis": "1号",
    }  # fmt: skip
    assert client_of("zhao").post("/opening/periods/?fonds=Z109", form).status_code == 302
    assert Record.objects.get().open_due == 20280506


# Rebuilt ------------------------------------------------------------------------------------------

_NOT_OF_THE_STORE = {"id", "review_id", "record_id", "publication_id"}


def _settled() -> list[dict[str, object]]:
    return [
        {name: value for name, value in row.items() if name not in _NOT_OF_THE_STORE}
        for model in (OpeningReview, OpeningDecision, OpeningPublication)
        for row in model._default_manager.order_by("pk").values()
    ]


def test_a_rebuild_brings_back_decisions_level_and_day(home: Path) -> None:
    review = opened(home)
    publishing.publish(title="第一批", by="zhao", now=NOW)
    settling.pack_opening(review.record, now=NOW)
    before, records = _settled(), rows_of_records()

    run(frees("archive_openingdecision", connection.vendor))
    for model in (OpeningDecision, OpeningReview, OpeningPublication):
        model._default_manager.all().delete()
    run(guards("archive_openingdecision", connection.vendor))
    Account.objects.all().update(unit=None)
    forget_everything()
    done = rebuild(now=NOW)

    assert done.findings == []
    assert _settled() == before
    assert rows_of_records() == records
    record = Record.objects.get()
    assert (record.level, record.awaits_opening) == (0, False)


def test_a_deferral_comes_back_with_its_day(home: Path) -> None:
    from tests.archive.test_opening import delayed

    review = steps.record_consent(delayed(home).pk, "7号", by="wang", now=NOW)
    settling.pack_opening(review.record, now=NOW)
    run(frees("archive_openingdecision", connection.vendor))
    for model in (OpeningDecision, OpeningReview):
        model._default_manager.all().delete()
    run(guards("archive_openingdecision", connection.vendor))
    Account.objects.all().update(unit=None)
    forget_everything()
    rebuild(now=NOW)
    record = Record.objects.get()
    assert (record.open_due, record.awaits_opening, record.level) == (20311126, True, 1)
