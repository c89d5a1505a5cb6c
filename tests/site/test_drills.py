"""The quick rows of the fault drills, and what the table says of rows that are bad."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.drills import __main__ as drills
from benchmarks.drills.faults import FAULTS, SQLITE
from benchmarks.drills.installation import ROOT
from benchmarks.drills.services import SERVICES
from benchmarks.drills.works import WORKS

CLEAN = {"lost": 0, "doubled": 0, "archive verify": "ok", "audit verify": "ok", "case verify": "ok"}
LIMIT_S = 900  # far more than it takes


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_is_twice_after_the_quick_faults() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.drills", "--quick", "--json"], cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}"}, capture_output=True, text=True,
        check=False, timeout=LIMIT_S,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["fault"], row["during"], row["database"]) for row in rows] == [
        (fault, work, SQLITE) for fault, work in drills.QUICK
    ], done.stderr
    assert [{name: row.get(name) for name in CLEAN} for row in rows] == [CLEAN] * len(rows)
    assert (done.returncode, all(row["ok"] for row in rows)) == (0, True)


def test_every_fault_is_drilled_in_a_work_that_there_is() -> None:
    every = [*FAULTS.values(), *(fault for _, fault in SERVICES.values())]
    assert {work for fault in every for work in fault.works} == set(WORKS)
    assert all(fault.works and fault.databases for fault in every)


def test_a_bad_row_makes_the_command_fail_and_is_marked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"fault": "web killed", "during": "search", "database": SQLITE, **CLEAN, "ok": True}
    away = {"fault": "x", "during": "ingest", "database": SQLITE, "not run": "no service"}
    for bad, code in (({}, 0), ({"lost": 1, "ok": False}, 1), ({"ok": False, "why": "late"}, 1)):
        monkeypatch.setattr(drills, "rows", lambda _plan, bad=bad: [good | bad, away])
        assert drills.main(["--quick"]) == code
        _head, _rule, first, second = capsys.readouterr().out.splitlines()
        assert first.startswith("| web killed | search | sqlite |")
        assert ("✗" in first) is bool(code)
        assert "not run: no service" in second


def test_an_unknown_fault_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        drills.main(["flood"])
    assert (caught.value.code, "no such fault: flood" in capsys.readouterr().err) == (2, True)
