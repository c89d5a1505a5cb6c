"""Acts on many cases: a preview first, each reports for itself; views kept as tabs."""

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from tests.cases.build import cell, client, drive, opened, people, step

from liandong.cases.models import Case, SavedView
from liandong.cases.services.saving import MOST_VIEWS

pytestmark = pytest.mark.django_db
REFUSAL = {"said_reason": "不属受理范围", "said_public_text": "请走诉讼途径"}


@pytest.fixture(autouse=True)
def _people(home: Path) -> None:
    people()
    cell()


def send(who: str, *cases: Case, **fields: str) -> str:
    sent = {"case": [one.number for one in cases], **fields}
    answer = client(who).post("/cases/bulk/", sent, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def states(*cases: Case) -> list[str]:
    return [Case.objects.get(pk=one.pk).state for one in cases]


def test_choose_preview_act() -> None:
    first, second = opened().case, opened().case
    page = send("desk", first, second)
    assert "不予受理（2 件可办）" in page
    assert "并案（" not in page  # a parent is of one case alone
    preview = send("desk", first, second, action="reject", **REFUSAL)
    assert "2 件会办理" in preview
    assert "请走诉讼途径" in preview
    assert states(first, second) == ["submitted", "submitted"]
    done = send("desk", first, second, action="reject", go="1", **REFUSAL)
    assert "逐件结果" in done
    assert states(first, second) == ["rejected", "rejected"]
    assert first.events.filter(action="reject").count() == 1


def test_each_reports_its_own_outcome() -> None:
    good, gone = opened().case, opened().case
    step(gone, "reject", "desk")
    preview = send("desk", good, gone, action="reject", **REFUSAL)
    assert "1 件会办理" in preview
    assert "不会办理" in preview
    done = send("desk", good, gone, action="reject", go="1", **REFUSAL)
    assert "事项已不在这一步。" in done
    assert states(good) == ["rejected"]


def test_what_changed_since_the_preview_is_left_alone() -> None:
    case = opened().case
    step(case, "ask", "desk")
    step(case, "answer", "requester")
    done = send("desk", case, action="reject", go="1", **{f"seen_{case.number}": "1"}, **REFUSAL)
    assert "别人刚刚办理了" in done
    assert states(case) == ["submitted"]


def test_a_reason_is_required() -> None:
    case = opened().case
    assert "还缺" in send("desk", case, action="reject", go="1")
    assert states(case) == ["submitted"]


def test_steps_with_a_photo_are_not_offered_and_not_taken() -> None:
    case = drive(opened().case, (("accept_for_verification", "desk"),))
    page = send("grid", case)
    assert "要求补充（1 件可办）" in page
    assert "核实属实（" not in page
    send("grid", case, action="confirm", go="1")
    assert states(case) == ["verifying"]


def test_hidden_and_unknown_cases_are_not_there() -> None:
    case = opened().case
    assert "没有选中事项" in send("water", case)
    assert "没有选中事项" in send("desk")
    assert client("citizen").post("/cases/bulk/", {"case": case.number}).status_code == 403


def test_the_list_and_the_queue_offer_it() -> None:
    case = opened().case
    for path in ("/cases/", "/cases/inbox/"):
        page = client("desk").get(path).content.decode()
        assert f'form="bulk" value="{case.number}"' in page
    assert 'form="bulk"' not in client("citizen").get("/cases/").content.decode()


# Views --------------------------------------------------------------------------------------------


def test_conditions_are_kept_as_a_tab_of_this_account() -> None:
    desk = client("desk")
    desk.post("/cases/views/", {"name": "待受理", "query": "state=submitted&kind=&evil=1&after=7"})
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("待受理", "state=submitted")
    page = desk.get("/cases/?state=submitted&kind=").content.decode()
    assert '<a href="?state=submitted" aria-current="page">待受理</a>' in page
    assert "删除这个视图" in page
    assert "待受理</a>" not in client("desk2").get("/cases/").content.decode()


def test_the_same_name_takes_the_new_conditions_and_only_the_owner_forgets() -> None:
    desk = client("desk")
    for state in ("submitted", "accepted"):
        desk.post("/cases/views/", {"name": "我的", "query": f"state={state}"})
    view = SavedView.objects.get()
    assert view.query == "state=accepted"
    client("desk2").post(f"/cases/views/{view.pk}/forget/")
    assert SavedView.objects.exists()
    desk.post(f"/cases/views/{view.pk}/forget/")
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    "sent", [{"name": "", "query": "state=submitted"}, {"name": "空", "query": "after=3"}]
)
def test_a_view_has_a_name_and_a_condition(sent: dict[str, str]) -> None:
    page = client("desk").post("/cases/views/", sent, follow=True).content.decode()
    assert "视图要有名称" in page
    assert not SavedView.objects.exists()


def test_views_are_bounded() -> None:
    desk = client("desk")
    for number in range(MOST_VIEWS + 1):
        desk.post("/cases/views/", {"name": f"第{number}个", "query": "late=1"})
    account = get_user_model().objects.get(username="desk")
    assert SavedView.objects.filter(account=account).count() == MOST_VIEWS
