"""The checklist of protection level 3: every line has a state, and every evidence is there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import override_settings
from django.urls import Resolver404, resolve

import liandong
from liandong.base.audit.protection import STATES, checklist, counts, evidence
from liandong.kernel import catalog
from liandong.site.knobs import KNOBS, PREFIX

ROOT = Path(__file__).parents[2]
PIECES = sorted(
    {piece.text for row in catalog.rows("mlps3_checklist") for piece in evidence(row["evidence"])}
)


def test_every_line_has_a_known_state_words_in_both_languages_and_evidence() -> None:
    for row in catalog.rows("mlps3_checklist"):
        assert row["state"] in STATES, row["clause"]
        assert row["words_zh"]
        assert row["words_en"]
        assert row["requirement_zh"]
        assert row["evidence"] or row["state"] == "not_done", row["clause"]


def test_the_states_add_up() -> None:
    lines = checklist("zh")
    assert sum(n for *_, n in counts(lines)) == len(lines) == 20


@pytest.mark.parametrize("piece", [one for one in PIECES if "/" in one[1:] and one[0] != "/"])
def test_every_file_that_is_evidence_exists(piece: str) -> None:
    path, _, name = piece.partition("::")
    assert (ROOT / path).exists()
    assert not name or f"def {name}(" in (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("piece", [one for one in PIECES if one.startswith("/")])
def test_every_page_that_is_evidence_has_an_address(piece: str) -> None:
    with override_settings(ROOT_URLCONF="liandong.site.urls"):
        try:
            resolve(piece)
        except Resolver404:
            pytest.fail(piece)


@pytest.mark.parametrize("piece", [one for one in PIECES if one.startswith("LIANDONG_")])
def test_every_setting_that_is_evidence_is_a_knob(piece: str) -> None:
    assert piece.removeprefix(PREFIX) in {knob.name for knob in KNOBS}


@pytest.mark.slow
@pytest.mark.parametrize("piece", [one for one in PIECES if one.startswith("liandong ")])
def test_every_command_that_is_evidence_answers_to_help(piece: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "liandong.site", *piece.split()[1:], "--help"]
    place = str(Path(liandong.__file__).parents[1])
    environment = {**os.environ, "LIANDONG_HOME": str(tmp_path), "PYTHONPATH": place}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_piece_of_no_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="word"):
        list(evidence("/audit/; word of mouth"))
