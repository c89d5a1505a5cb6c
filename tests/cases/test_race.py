"""Eight writers at the same cases: each step happens once, and the chains stay whole."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.base.test_audit import bare_environment
from tests.homes import database_with_tables, lay_tables

SET_UP = textwrap.dedent(
    """
    import django
    django.setup()
    from build import cell, opened, people, drive, TO_DISPATCHED
    people()
    cell()
    for _ in range(6):
        drive(opened().case, TO_DISPATCHED)
    """
)
WRITER = textwrap.dedent(
    """
    import django
    django.setup()
    from build import step
    from liandong.cases.models import Case
    from liandong.kernel.flows import StepRefused
    from liandong.cases.services.stepping import Stale
    taken = 0
    for case in Case.objects.order_by("pk"):
        for action, by in (("sign_in", "city"), ("hand_in", "city"), ("pass", "inspector")):
            try:
                step(case, action, by)
                taken += 1
            except (StepRefused, Stale):
                pass
    print(taken)
    """
)
CHECK = textwrap.dedent(
    """
    import django
    django.setup()
    from liandong.cases.models import Case, CaseEvent
    from liandong.cases.services.proving import verify_filed
    print(len(list(verify_filed())), Case.objects.filter(state="resolved").count(),
          *(CaseEvent.objects.filter(action=one).count() for one in ("sign_in", "hand_in", "pass")))
    """
)


@pytest.mark.slow
def test_eight_writers_take_each_step_once(tmp_path: Path) -> None:
    race(tmp_path, {})


@pytest.mark.slow
@pytest.mark.skipif("TEST_POSTGRES" not in os.environ, reason="no PostgreSQL: set TEST_POSTGRES")
def test_eight_writers_on_postgresql_take_each_step_once(tmp_path: Path) -> None:
    with database_with_tables("case_race") as url:
        race(tmp_path, {"LIANDONG_DATABASE": url})


def race(folder: Path, extra: dict[str, str]) -> None:
    environment = {**bare_environment(), **extra, "LIANDONG_HOME": str(folder)}
    # By its folder: an installed package is called `tests`, too, and wins over a folder of ours.
    here = str(Path(__file__).parent)
    environment["PYTHONPATH"] = os.pathsep.join((here, environment["PYTHONPATH"]))
    lay_tables(folder)
    subprocess.run([sys.executable, "-c", SET_UP], env=environment, check=True)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    said = [writer.communicate()[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 8
    assert sum(int(one) for one in said) == 6 * 3
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["0", "6", "6", "6", "6"]
