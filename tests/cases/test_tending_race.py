"""Several workers tend the same cases at once, and one is killed: each step happens once."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from tests.base.test_audit import bare_environment
from tests.homes import database_with_tables, lay_tables

CASES = 12
SET_UP = textwrap.dedent(
    f"""
    import django
    django.setup()
    from datetime import timedelta
    from build import NOW, cell, drive, opened, people, step, TO_DISPATCHED
    people()
    cell()
    for number in range({CASES}):
        case = opened(contact={{"phone": "13800138000"}}).case
        if number % 3 == 0:
            step(case, "ask", "desk")
        elif number % 3 == 1:
            drive(case, TO_DISPATCHED)
        else:
            step(case, "reject", "desk")
    """
)
WORKER = textwrap.dedent(
    """
    import django
    django.setup()
    import sys
    from datetime import timedelta
    from build import NOW
    from liandong.cases.services.tending import tend_due
    print("begun", flush=True)
    # Workdays: a reminder each, lapses after it, and after half a year the erasure.
    for days in (1, 8, 9, 12, 13, 14, 15, 16, 20, 21, 22, 23, 26, 27, 28, 200):
        tend_due(now=NOW + timedelta(days=days))
    """
)
CHECK = textwrap.dedent(
    """
    import django
    django.setup()
    from collections import Counter
    from liandong.base.models import AuditRow, Notice
    from liandong.cases.models import Case, CaseEvent, Escalation
    from liandong.cases.services.proving import verify_filed
    print(len(list(verify_filed())),
          *(CaseEvent.objects.filter(action=one).count() for one in ("remind_answer", "lapse")),
          *(Escalation.objects.filter(level=one).count()
            for one in ("remind", "supervise", "notice")),
          AuditRow.objects.filter(act="erase_contact").count(),
          AuditRow.objects.filter(outcome="refused").count(),
          Case.objects.exclude(contact=None).filter(over_at__isnull=False).count(),
          sum(case.told != case.last for case in Case.objects.all()),
          Notice.objects.count() - len(set(Notice.objects.values_list("account", "key"))))
    """
)


@pytest.mark.slow
def test_three_workers_and_a_kill_take_each_step_once(tmp_path: Path) -> None:
    race(tmp_path, {})


@pytest.mark.slow
@pytest.mark.skipif("TEST_POSTGRES" not in os.environ, reason="no PostgreSQL: set TEST_POSTGRES")
def test_three_workers_and_a_kill_on_postgresql_take_each_step_once(tmp_path: Path) -> None:
    with database_with_tables("tending_race") as url:
        race(tmp_path, {"LIANDONG_DATABASE": url})


def race(folder: Path, extra: dict[str, str]) -> None:
    environment = {**bare_environment(), **extra, "LIANDONG_HOME": str(folder)}
    here = str(Path(__file__).parent)
    environment["PYTHONPATH"] = os.pathsep.join((here, environment["PYTHONPATH"]))
    lay_tables(folder)
    subprocess.run([sys.executable, "-c", SET_UP], env=environment, check=True)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for one in workers:
        assert one.stdout is not None
        assert one.stdout.readline() == "begun\n"
    time.sleep(0.5)
    workers[0].send_signal(signal.SIGKILL)
    for one in workers:
        one.communicate()
    assert [one.returncode for one in workers] == [-signal.SIGKILL, 0, 0]
    subprocess.run([sys.executable, "-c", WORKER], env=environment, check=True)
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, check=True, capture_output=True, text=True
    )
    each = CASES // 3
    # Of each third: lapsed after a notice; escalated at three levels; erased.  No refusal at all.
    assert done.stdout.split() == [
        "0", *[str(each)] * 2, *[str(each)] * 3, str(2 * each), "0", "0", "0", "0"
    ]  # fmt: skip
