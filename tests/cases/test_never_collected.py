"""No column and no field of a form holds what is never collected: catalog/never_collected.csv."""

import re

import pytest
from django.apps import apps

from liandong.kernel import catalog

FORBIDDEN = {
    word: row["name_zh"] for row in catalog.rows("never_collected")
    for word in row["words"].split("|")
}  # fmt: skip


def never_collected(name: str) -> str:
    """What a name of a column says that is never collected, "" for nothing."""
    for word, what in FORBIDDEN.items():
        if re.search(rf"(^|_){re.escape(word)}(_|$)", name.lower()):
            return what
    return ""


@pytest.mark.parametrize(
    ("name", "is_forbidden"),
    [
        ("device_id", True), ("reporter_imei", True), ("speed", True), ("track", True),
        ("face_template", True), ("id_card_image", True), ("last_speed_kmh", True),
        ("lat", False), ("surface", False), ("tracked_at", False), ("device", False),
    ],
)  # fmt: skip
def test_the_list_knows_such_a_name(name: str, is_forbidden: bool) -> None:
    assert bool(never_collected(name)) is is_forbidden


def test_no_column_of_ours_holds_it() -> None:
    ours = [one for one in apps.get_models() if one.__module__.startswith("liandong.")]
    columns = [(one, field.name) for one in ours for field in one._meta.fields]
    assert len(columns) > 300
    found = [
        f"{model.__name__}.{name}: {what}" for model, name in columns
        if (what := never_collected(name))
    ]  # fmt: skip
    assert found == []


def test_no_form_of_a_kind_asks_for_it() -> None:
    rows = catalog.rows("case_fields")
    assert [row["code"] for row in rows if never_collected(row["code"])] == []


def test_a_case_has_one_place_and_no_row_of_places() -> None:
    ours = [one for one in apps.get_models() if one.__module__.startswith("liandong.cases.")]
    placed = {one.__name__ for one in ours for field in one._meta.fields if field.name == "lat"}
    assert placed == {"Case"}
