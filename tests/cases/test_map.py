"""The map: cells count what the viewer may see, never too many; the export is coarse."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cases.build import NOW, bearer, cell, client, opened, people, step

from liandong.cases.models import Case
from liandong.cases.queries.cases import Filters
from liandong.cases.queries.maps import Span, cells, on_map, whole
from liandong.kernel.likeness import Box
from liandong.kernel.places import MOST_CELLS, cell_side

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people(home: Path) -> None:
    people()
    cell()


def at(lat: float, lon: float, **changes: Any) -> Case:
    return opened(lat=lat, lon=lon, **changes).case


def counted(who: str = "desk", box: Box | None = None, **asked: Any) -> list[int]:
    span = asked.pop("span", Span())
    rows = on_map(Filters(), span, viewer=bearer(who).viewer, now=NOW, **asked)
    view = box or whole(rows)
    return [one.count for one in cells(rows, view, now=NOW)] if view else []


@given(st.floats(1e-5, 180), st.floats(1e-5, 720))
def test_no_view_has_too_many_cells(height: float, width: float) -> None:
    side = cell_side(height, width)
    assert (height / side + 2) * (width / side + 2) <= MOST_CELLS
    assert cell_side(height / 4, width / 4) <= side


def test_cells_count_every_case_in_the_view_once() -> None:
    for _ in range(3):
        at(37.05, 118.05)
    at(37.09, 118.09)
    assert counted() == [3, 1]
    assert counted(box=Box(37.0, 37.07, 118.0, 118.07)) == [3]
    assert counted(box=Box(0, 1, 0, 1)) == []
    assert counted(box=Box(-90, 90, -180, 180)) == [4]


def test_who_may_not_see_a_case_does_not_count_it() -> None:
    at(37.05, 118.05)
    assert counted("desk") == [1]
    assert counted("water") == []
    assert counted("citizen") == []


def test_conditions() -> None:
    at(37.05, 118.05, now=NOW - timedelta(days=10))
    done = at(37.05, 118.05)
    step(done, "reject", "desk")
    assert counted() == [2]
    assert counted(only_open=True) == [1]
    today = NOW.date()
    assert counted(span=Span(since=today)) == [1]
    assert counted(span=Span(until=today - timedelta(days=10))) == [1]
    assert counted(span=Span(until=today - timedelta(days=11))) == []


def test_the_page_has_the_cells_as_a_table_with_links() -> None:
    case = at(37.05, 118.05)
    page = client("desk").get("/cases/map/").content.decode()
    assert "37.050, 118.050" in page
    assert case.number in page
    assert 'id="map-marks"' in page
    assert "https://" not in page.split('data-tiles="')[1].split('"')[0]


@pytest.mark.parametrize("box", ["", "x", "1,2,3", "2,1,3,4", "nan,1,2,3", "0,99,0,1", "1,2,3,4,5"])
def test_a_broken_view_is_the_whole(box: str) -> None:
    at(37.05, 118.05)
    answer = client("desk").get("/cases/map/", {"box": box, "since": "2026-13-01"})
    assert answer.status_code == 200
    assert "37.050, 118.050" in answer.content.decode()


def test_no_case_says_what_to_do() -> None:
    assert "放宽条件" in client("desk").get("/cases/map/").content.decode()


def test_tiles_are_allowed_from_the_host_that_is_named_and_no_other(settings: Any) -> None:
    at(37.05, 118.05)
    plain = client("desk").get("/cases/map/")["Content-Security-Policy"]
    assert "img-src 'self' data: blob:" in plain
    settings.MAP_TILES = "https://tiles.example.org/{z}/{x}/{y}.png"
    policy = client("desk").get("/cases/map/")["Content-Security-Policy"]
    assert "img-src 'self' https://tiles.example.org data: blob:" in policy
    assert "script-src 'self';" in policy
    assert "example.org" not in client("desk").get("/cases/")["Content-Security-Policy"]


@pytest.mark.parametrize(
    "text",
    ["http://a.org/{z}/{x}/{y}", "https://a.org/{z}/{x}", "https://{s}.a.org/{z}/{x}/{y}",
     "https://a.org; script-src *;/{z}/{x}/{y}"],
)  # fmt: skip
def test_a_tile_address_that_would_break_the_policy_is_refused(text: str) -> None:
    from liandong.site.knobs import BadKnob, read_knobs

    with pytest.raises(BadKnob):
        read_knobs({"LIANDONG_MAP_TILES": text})


def test_the_export_is_coarse_and_without_words() -> None:
    at(37.051234, 118.056789, address="黄河五路15号", form={"text": "王某某家门口"})
    opened("employee_demand", lat=37.05, lon=118.05)
    answer = client("desk").get("/cases/map/cases.geojson")
    assert answer["Content-Type"] == "application/geo+json"
    told = json.loads(answer.content)
    (one,) = told["features"]
    assert one["geometry"] == {"type": "Point", "coordinates": [118.057, 37.051]}
    assert set(one["properties"]) == {"number", "category", "status", "submitted"}
    assert "黄河" not in answer.content.decode()
    assert json.loads(client("water").get("/cases/map/cases.geojson").content)["features"] == []
