"""An installation that sets LIANDONG_SEARCH, by its commands."""

from pathlib import Path

import pytest
from tests.corpus.handovers import catalogued, code, lay_out, row
from tests.engines.search_work import index_on
from tests.intake.running import letter, liandong, lines

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]


def test_an_installation_moves_to_a_search_server_by_one_command(
    search_server: str, tmp_path: Path
) -> None:
    files = {f"{code(number)}.txt": letter(number) for number in (1, 2)}
    source = lay_out(tmp_path / "in", catalogued([row(number) for number in (1, 2)], files))
    home = tmp_path / "home"
    liandong(home, "intake", "receive", source, "--fonds", "Z109", "--accept", "--json")
    with index_on(search_server) as index:
        there = {"LIANDONG_SEARCH": f"{search_server}/{index._prefix}"}
        assert lines(liandong(home, "archive", "reindex", "--json", **there)) == [{"indexed": 2}]
        assert index.count() == 2
        (hit,) = lines(liandong(home, "search", "第1号", "--json", **there))
        assert (hit["code"], hit["count"]) == (code(1), 1)
        told = {one["part"]: one for one in lines(liandong(home, "doctor", "--json", **there))}
        assert told["index"]["state"] == "ok"
        assert told["index"]["found"].startswith("opensearch 2.")
        assert told["index"]["found"].endswith("; 2/2")


def test_a_server_that_is_away_ends_a_command_with_its_reason(tmp_path: Path) -> None:
    away = {"LIANDONG_SEARCH": "http://127.0.0.1:9/away"}
    outcome = liandong(tmp_path / "home", "archive", "reindex", **away)
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr.strip().splitlines()[-1].startswith("✗ search server: ")
    assert "Traceback" not in outcome.stderr
