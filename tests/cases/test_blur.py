"""What the public may see of a photo: what a person marked is gone, and a person said so."""

import io
import json
from pathlib import Path

import pytest
from django.test import Client
from django_tasks import task_backends
from PIL import Image, ImageDraw, ImageFont
from tests.cases.build import NOW, cell, client, opened, people, report

from liandong.base.models import AuditRow
from liandong.cases.models import Case, Evidence
from liandong.cases.policies import Bearer
from liandong.cases.services import proposing
from liandong.cases.services.blurring import covered
from liandong.cases.services.opening import open_case
from liandong.cases.services.photos import clean_path, keep_photo, public_path
from liandong.cases.services.proposing import reads_like_plate
from liandong.kernel.pages import Box, Line, Method, Page
from liandong.site.demo import FONT_PLACES

pytestmark = pytest.mark.django_db


@pytest.fixture
def shot(home: Path) -> Evidence:
    """A photo of a report: stripes one pixel wide, of which no average keeps anything."""
    people()
    cell()
    picture = Image.new("RGB", (200, 100), "white")
    for x in range(0, 200, 8):
        picture.paste((0, 0, 0), (x, 0, x + 4, 100))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95)
    sent = report()
    kept = keep_photo(
        out.getvalue(), case_uuid=sent.uuid, part="before", name="x.jpg", by="", now=NOW
    )
    open_case(sent, by=Bearer(), now=NOW, evidence=[kept])
    return kept


def address(one: Evidence, rest: str = "blur/") -> str:
    return f"/cases/{one.case.number}/photos/{one.uuid}/{rest}"


def contrast(content: bytes, box: tuple[int, int, int, int]) -> int:
    low, high = Image.open(io.BytesIO(content)).convert("L").crop(box).getextrema()
    assert isinstance(low, int)
    assert isinstance(high, int)
    return high - low


def test_what_is_covered_is_gone_and_the_rest_stays(shot: Evidence) -> None:
    made = covered(clean_path(shot).read_bytes(), [[16, 16, 64, 64, "plate"]])
    assert contrast(made, (24, 24, 72, 72)) < 10
    assert contrast(made, (112, 16, 184, 88)) > 200


def test_a_person_marks_by_a_click_and_confirms(shot: Evidence) -> None:
    who = client("desk")
    assert who.get(f"/photos/{shot.uuid}.jpg").status_code == 404
    click = {"at.x": 320, "at.y": 160}
    who.post(address(shot), {"act": "add", "kind": "face", "side": "small", **click})
    shot.refresh_from_db()
    assert shot.regions == [[94, 44, 12, 12, "face"]]
    assert not public_path(shot).is_file()
    who.post(address(shot), {"act": "confirm"})
    shot.refresh_from_db()
    assert shot.blurred_by == "desk"
    assert who.get(f"/photos/{shot.uuid}.jpg").getvalue() == public_path(shot).read_bytes()
    row = AuditRow.objects.get(act="blur_photo")
    assert (row.by, json.loads(row.facts)["regions"]) == ("desk", 1)
    assert "遮挡后的照片" in who.get(address(shot)).content.decode()


@pytest.mark.parametrize("act", [{"act": "withdraw"}, {"act": "remove", "position": 0},
                                 {"act": "add", "kind": "plate", "x": 0, "y": 0, "width": 20,
                                  "height": 20}])  # fmt: skip
def test_every_change_ends_the_confirmation_and_is_logged(
    shot: Evidence, act: dict[str, object]
) -> None:
    who = client("desk")
    who.post(address(shot), {"kind": "plate", "x": 10, "y": 10, "width": 20, "height": 20})
    who.post(address(shot), {"act": "confirm"})
    who.post(address(shot), act)
    shot.refresh_from_db()
    assert shot.blurred_at is None
    assert not public_path(shot).is_file()
    assert AuditRow.objects.filter(act="unblur_photo", by="desk").count() == 1


@pytest.mark.parametrize(
    "region",
    [
        {"kind": "cat", "x": 0, "y": 0, "width": 20, "height": 20},
        {"kind": "face", "x": 500, "y": 0, "width": 20, "height": 20},
        {"kind": "face", "x": 0, "y": 0, "width": 1, "height": 1},
        {"kind": "face", "x": 0, "y": 0, "width": "x", "height": 9},
    ],
)
def test_a_region_that_is_none_is_refused_in_words(
    shot: Evidence, region: dict[str, object]
) -> None:
    answer = client("desk").post(address(shot), region, follow=True)
    assert "框不在照片内" in answer.content.decode()
    assert Evidence.objects.get(pk=shot.pk).regions == []


def test_only_desk_and_grid_cover_what_they_may_see(shot: Evidence) -> None:
    codes = {who: client(who).get(address(shot)).status_code for who in ("desk", "city", "citizen")}
    assert codes == {"desk": 200, "city": 403, "citizen": 403}
    assert Client().get(address(shot)).status_code == 302
    outside = opened(lat=30.0, lon=110.0).case
    assert Case.objects.count() == 2
    assert (
        client("grid").get(f"/cases/{outside.number}/photos/{shot.uuid}/blur/").status_code == 404
    )


# Plates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_plate"),
    [
        ("鲁M·A12B3", True), ("鲁M D12345", True), ("鲁MA12B3", True), ("?MA12B3", True),
        ("车号鲁M12345号", True), ("人民路128号", False), ("2026-11-26", False),
        ("城市管理局", False), ("WELCOME", False),
    ],
)  # fmt: skip
def test_what_reads_like_a_plate(text: str, is_plate: bool) -> None:
    assert reads_like_plate(text) is is_plate


class _Reader:
    def read(self, file: Path, puid: str, numbers: list[int], images: None) -> list[Page]:
        lines = (
            Line("鲁M·A12B3", Box(20, 20, 80, 40), 0.9),
            Line("人民路", Box(0, 60, 50, 80), 0.9),
        )
        return [Page(1, 200, 100, lines, Method.OCR)]


def test_plates_are_proposed_once_and_never_confirmed_by_the_machine(
    shot: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposing, "engine", lambda role: _Reader())
    assert proposing.propose_plates(shot.pk, now=NOW) == 1
    assert proposing.propose_plates(shot.pk, now=NOW) == 0
    shot.refresh_from_db()
    assert shot.regions == [[17, 17, 66, 26, "plate"]]
    assert shot.blurred_at is None
    who = client("desk")
    who.post(address(shot), {"act": "confirm"})
    who.post(address(shot), {"act": "remove", "position": 0})
    who.post(address(shot), {"act": "confirm"})
    assert proposing.propose_plates(shot.pk, now=NOW) == 0  # a person has spoken


def test_the_machine_is_asked_by_a_button(shot: Evidence) -> None:
    answer = client("desk").post(address(shot), {"act": "propose"}, follow=True)
    assert "正在找车牌" in answer.content.decode()
    (job,) = task_backends["default"].results  # type: ignore[attr-defined]  # of the dummy
    assert (job.task.name, list(job.args)) == ("find_plates", [shot.pk])


@pytest.mark.slow
def test_the_reader_finds_drawn_plates(shot: Evidence) -> None:
    font = next((Path(one) for one in FONT_PLACES if Path(one).is_file()), None)
    if font is None:
        pytest.skip("no Chinese font: apt-get install fonts-noto-cjk")
    picture = Image.effect_noise((1600, 1200), 40).convert("RGB")
    draw, face = ImageDraw.Draw(picture), ImageFont.truetype(str(font), 48)
    draw.rectangle((600, 690, 920, 770), fill=(20, 60, 180))
    draw.text((615, 695), "鲁M·A12B3", font=face, fill="white")
    picture.save(clean_path(shot).local(), "JPEG", quality=85)
    Evidence.objects.filter(pk=shot.pk).update(width=1600, height=1200)
    assert proposing.propose_plates(shot.pk, now=NOW) == 1
    ((x, y, width, height, _kind),) = Evidence.objects.get(pk=shot.pk).regions
    assert x <= 620
    assert y <= 710
    assert x + width >= 850
    assert y + height >= 745
