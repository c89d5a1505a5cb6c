"""Similar cases: shown to the desk beside each other, merged by a person, hidden from strangers."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image, ImageDraw
from tests.cases.build import (
    NOW,
    TO_INSPECTING,
    bearer,
    cell,
    client,
    drive,
    form_of,
    opened,
    people,
    step,
)
from tests.cases.test_pages import post
from tests.cases.test_snap import fields, send

from liandong.cases.models import Case, Evidence
from liandong.cases.queries.similar import rates_of, similar, similar_public
from liandong.cases.services.photos import image_hash_of, keep_photo, redrawn
from liandong.kernel.casework import kinds
from liandong.kernel.likeness import MANY, bits_apart

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _people(home: Path) -> None:
    people()
    cell()


def report(text: str = "路口的井盖破了，很危险", **changes: Any) -> Case:
    form = {**form_of(kinds()["snap_report"]), "text": text}
    facts: dict[str, Any] = {"category": "C0101", "form": form, **changes}
    return opened(**facts).case


def found(case: Case, who: str = "desk") -> list[str]:
    return [one.case.number for one in similar(case, viewer=bearer(who).viewer)]


# What is found ------------------------------------------------------------------------------------


def test_the_same_thing_reported_again_is_found() -> None:
    first = report()
    again = report("井盖破了，路口很危险，快来修", lat=37.05010, lon=118.05010, now=NOW + HOUR)
    report("小区噪音", category="E0301", lat=37.09, lon=118.09)
    assert found(again) == [first.number]
    assert found(first) == [again.number]


@pytest.mark.parametrize(
    "changes",
    [
        {"lat": 37.0526},  # 289 m
        {"category": "E0101", "text": "垃圾没有人收"},
        {"now": NOW - timedelta(days=91)},
    ],
)
def test_near_misses_are_not_found(changes: dict[str, Any]) -> None:
    report(**changes)
    assert found(report()) == []


def test_what_has_ended_without_a_result_is_not_found() -> None:
    for action in ("reject", "refer"):
        step(report(), action, "desk")
    assert found(report()) == []


def test_nobody_is_shown_a_case_that_he_may_not_see() -> None:
    secret, mine = report(), report(now=NOW + HOUR)
    Case.objects.filter(pk=secret.pk).update(level=3)
    assert found(mine) == []
    assert found(mine, "water") == []
    Case.objects.filter(pk=secret.pk).update(level=1)
    assert found(mine) == [secret.number]
    assert found(mine, "water") == []


def test_the_default_point_of_a_geocoder_suggests_nothing() -> None:
    for number in range(MANY):
        report(f"第{number}件不相干的事", address=f"第{number}大街{number}号")
    assert found(report("另一件事", address="渤海路1号")) == []
    real = report(lat=37.0502, lon=118.0502)
    assert found(report(lat=37.0503, lon=118.0502)) == [real.number]


def test_a_case_without_a_place_suggests_nothing() -> None:
    report()
    assert found(report(lat=None, lon=None)) == []


def test_what_a_desk_never_merges_is_suggested_less() -> None:
    assert rates_of(["C0101"]) == {"C0101": 0}
    for number in range(12):
        one = report(category="E0101", lat=37.0 + number / 1000)
        other = report(category="E0101", lat=37.0 + number / 1000)
        step(other, "merge", "desk", parent=one.number)
        done = report(category="C0101", lat=37.0 + number / 1000)
        Case.objects.filter(pk=done.pk).update(outcome="solved")
    rates = rates_of(["C0101", "E0101", ""])
    assert rates["C0101"] < 0 < rates["E0101"]
    assert "" not in rates


def test_candidates_come_by_the_index_of_places() -> None:
    case = report()
    with CaptureQueriesContext(connection) as asked:
        found(case)
    sql = next(one["sql"] for one in asked if '"lat" >=' in one["sql"])
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = " ".join(str(row) for row in cursor.fetchall())
        assert "USING COVERING INDEX case_by_place" in plan


# Pictures -----------------------------------------------------------------------------------------


def scene(shift: int = 0) -> Image.Image:
    picture = Image.new("RGB", (640, 480), "lightblue")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 300, 640, 480), fill="dimgray")
    draw.ellipse((200 + shift, 320, 360 + shift, 420), fill="black")
    draw.polygon(((450, 300), (520, 60), (600, 300)), fill="darkgreen")
    return picture


def jpeg(picture: Image.Image, quality: int = 85) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def test_a_picture_keeps_its_image_hash_when_it_is_shrunk_and_compressed() -> None:
    whole = redrawn(jpeg(scene()))[3]
    small = redrawn(jpeg(scene().resize((200, 150)), 40))[3]
    moved = redrawn(jpeg(scene(40)))[3]
    other = redrawn(jpeg(scene().rotate(180)))[3]
    assert len(whole) == 16
    assert bits_apart(whole, small) <= 6
    assert bits_apart(whole, moved) <= 12
    assert bits_apart(whole, other) > 12


def test_a_picture_without_contrast_is_like_nothing() -> None:
    assert image_hash_of(Image.new("RGB", (100, 100), "white")) == ""
    assert image_hash_of(Image.new("RGB", (1, 1))) == ""


def test_the_same_scene_is_found_though_nothing_is_written() -> None:
    def with_photo(shift: int, **changes: Any) -> Case:
        from uuid import uuid4

        uuid = uuid4()
        kept = keep_photo(
            jpeg(scene(shift)), case_uuid=uuid, part="before", name="a.jpg", by="", now=NOW
        )
        return opened(form={}, evidence=[kept], uuid=uuid, address="", **changes).case

    first = with_photo(0, lat=37.0500)
    again = with_photo(4, lat=37.0508, now=NOW + HOUR)
    like = similar(again, viewer=bearer("desk").viewer)[0]
    assert like.case == first
    sign = like.likeness.of("picture")
    assert sign is not None
    assert sign.bits == 10


def test_a_photo_of_a_report_keeps_its_image_hash_on_the_way() -> None:
    from uuid import uuid4

    sent, photo = fields(), str(uuid4())
    put = Client(HTTP_ACCEPT="application/json").put
    put(f"/snap/reports/{sent['report']}/photos/{photo}/", jpeg(scene()), "image/jpeg")
    assert send({**sent, "ahead": [photo]}).status_code == 201
    assert Evidence.objects.get().image_hash == redrawn(jpeg(scene()))[3]


# The desk -----------------------------------------------------------------------------------------


def test_the_desk_sees_them_beside_each_other_and_merges_with_a_reason() -> None:
    first = report()
    again = report(lat=37.0501, now=NOW + HOUR)
    page = client("desk").get(f"/cases/inbox/?case={again.number}").content.decode()
    assert "相似的事项" in page
    assert first.number in page
    assert "相距 11 米" in page
    assert 'data-key="m"' in page
    said = post(client("desk"), again, "merge", said_parent=first.number, said_reason="同一井盖")
    assert "并案：已办" in said
    assert Case.objects.get(pk=again.pk).parent == first


def test_merging_asks_for_a_reason() -> None:
    first, again = report(), report(now=NOW + HOUR)
    assert "还缺" in post(client("desk"), again, "merge", said_parent=first.number)
    assert Case.objects.get(pk=again.pk).state == "submitted"


def test_only_the_desk_is_shown_them() -> None:
    first = drive(report(), TO_INSPECTING)
    report(now=NOW + HOUR)
    assert "相似的事项" in client("desk").get(f"/cases/{first.number}/").content.decode()
    for who in ("inspector", "city", "leader"):
        assert "相似的事项" not in client(who).get(f"/cases/{first.number}/").content.decode()


def test_nothing_can_be_merged_into_what_is_closed() -> None:
    done = drive(report(), (*TO_INSPECTING, ("pass", "inspector")))
    again = report(now=NOW + HOUR)
    page = client("desk").get(f"/cases/inbox/?case={again.number}").content.decode()
    assert done.number in page
    assert "不能并入" in page
    assert "并入这一件" not in page


# The reporter -------------------------------------------------------------------------------------


def ask(**changes: Any) -> list[dict[str, str]]:
    sent = {"lat": "37.05", "lon": "118.05", "category": "C0101", **changes}
    told: list[dict[str, str]] = Client().post("/snap/near/", sent).json()["near"]
    return told


def test_a_reporter_is_told_of_an_open_report_nearby_in_public_words() -> None:
    case = report(text="井盖破了，王某某家门口", now=timezone.now() - HOUR)
    told = ask()
    assert [one["number"] for one in told] == [case.number]
    assert "100 米内" in told[0]["words"]
    assert "王某某" not in told[0]["words"]
    assert case.address not in told[0]["words"]


@pytest.mark.parametrize(
    "changes",
    [
        {"lat": ""}, {"lat": "x"}, {"lat": "37.06"}, {"category": ""}, {"category": "E0101"},
        {"datum": "bd09"},
    ],
)  # fmt: skip
def test_a_reporter_is_told_nothing_of_what_is_not_like_it(changes: dict[str, str]) -> None:
    report(now=timezone.now() - HOUR)
    assert ask(**changes) == []


def test_a_reporter_is_told_nothing_of_what_is_closed_or_private() -> None:
    done = report(now=timezone.now() - HOUR)
    step(done, "reject", "desk")
    opened("conduct_report", lat=37.05, lon=118.05, category="C0101", now=timezone.now())
    assert ask() == []


def test_the_answer_depends_on_public_places_only() -> None:
    """Who asks for every metre learns no more than the coarse place."""
    now = timezone.now()
    report(lat=37.05012, lon=118.05034, now=now - HOUR)
    one = [
        similar_public(lat=lat, lon=118.05, category="C0101", text="", now=now)
        for lat in (37.04999, 37.05, 37.05001)
    ]
    Case.objects.update(lat=37.04988, lon=118.04966)  # the same coarse place
    other = [
        similar_public(lat=lat, lon=118.05, category="C0101", text="", now=now)
        for lat in (37.04999, 37.05, 37.05001)
    ]
    assert [[near.metres for near in row] for row in one] == [
        [near.metres for near in row] for row in other
    ]
    assert one[0]


def test_hidden_words_do_not_change_the_answer() -> None:
    report(text="井盖破了", now=timezone.now() - HOUR)
    same, other = ask(text="井盖破了"), ask(text="树倒了，路也堵了")
    assert same == other


def test_me_too_is_shown_to_the_desk_first() -> None:
    far = report(lat=37.09, lon=118.09, now=timezone.now() - HOUR)
    report(lat=37.05, lon=118.05, now=timezone.now() - HOUR)
    send(fields(same_as=far.number, text="路口的井盖破了"))
    mine = Case.objects.get(channel="web", token_hash__gt="", text="路口的井盖破了")
    first, second = similar(mine, viewer=bearer("desk").viewer)
    assert (first.case, first.is_said) == (far, True)
    assert not second.is_said
    assert "上报人说是同一件" in client("desk").get(f"/cases/{mine.number}/").content.decode()


@pytest.mark.parametrize("number", ["", "x", "20260101-000001", "20261125-99999999999999999999"])
def test_a_number_that_is_no_public_case_is_not_kept(number: str) -> None:
    send(fields(same_as=number))
    event = Case.objects.get().events.get()
    assert "same_as" not in event.facts


def test_asking_too_often_is_refused(settings: Any) -> None:
    settings.REPORTS_PER_HOUR = 1
    answers = [
        Client().post("/snap/near/", {"lat": "37", "lon": "118", "category": "C0101"}).status_code
        for _ in range(8)
    ]
    assert answers[0] == 200
    assert answers[-1] == 429
