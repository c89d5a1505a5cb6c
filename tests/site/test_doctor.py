"""Self-examination: every part answers, what is missing comes with advice, nothing raises."""

import re
from typing import Any

import pytest

from liandong.site import doctor

pytestmark = pytest.mark.django_db


def _rows(language: str = "zh") -> dict[str, dict[str, Any]]:
    return {row["part"]: row for row in doctor.examine(language)}


def test_every_part_answers_and_only_trouble_has_advice() -> None:
    rows = _rows()

    assert rows.keys() == {name for name, _ in doctor.PARTS}
    assert {row["state"] for row in rows.values()} <= {"ok", "optional"}
    for row in rows.values():
        assert set(row) == {"part", "state", "found", "advice"}
        assert bool(row["advice"]) == (row["state"] != "ok")


def test_the_engine_of_the_index_is_named() -> None:
    assert re.fullmatch(r"tantivy [0-9.]+; 0/0", _rows()["index"]["found"])


def test_advice_comes_in_both_languages() -> None:
    assert _rows()["worker"]["advice"] == "后台作业未运行：liandong serve"
    assert _rows("en")["worker"]["advice"] == "No worker is running: liandong serve"


def test_a_part_that_fails_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> doctor.Answer:
        raise OSError("gone")

    monkeypatch.setattr(doctor, "PARTS", (("disk", fail),))

    assert _rows() == {
        "disk": {"part": "disk", "state": "broken", "found": "OSError: gone", "advice": "查看日志"}
    }
