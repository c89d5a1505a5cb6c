"""Several workers on one database, one of them killed: no job is done twice, none is forgotten."""

import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from django_tasks_db.models import DBTaskResult
from psycopg import sql
from tests.base.test_audit import MIGRATE, bare_environment
from tests.postgres import database, own
from tests.services.ray import eventually
from tests.site.worker_jobs import STUCK

JOBS, WORKERS = 60, 3
ENQUEUE = textwrap.dedent(
    f"""
    import sys
    import django
    django.setup()
    from worker_jobs import mark
    for number in range({JOBS}):
        mark.enqueue(sys.argv[1], number)
    """
)
RUNS = sql.SQL("SELECT status, worker_ids FROM {} WHERE task_path = 'worker_jobs.mark'").format(
    sql.Identifier(DBTaskResult._meta.db_table)
)


@pytest.mark.slow
@pytest.mark.skipif("TEST_POSTGRES" not in os.environ, reason="no PostgreSQL: set TEST_POSTGRES")
def test_several_workers_on_postgresql_do_each_job_once(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    with database(own("compute5_workers")) as url:
        environment = {
            **bare_environment(), "LIANDONG_DATABASE": url, "LIANDONG_HOME": str(tmp_path / "home"),
        }  # fmt: skip
        here = str(Path(__file__).parent)
        environment["PYTHONPATH"] = os.pathsep.join((here, environment["PYTHONPATH"]))
        subprocess.run([sys.executable, "-c", MIGRATE], env=environment, check=True)
        workers = {
            worker.pid: worker
            for worker in (
                subprocess.Popen([sys.executable, "-m", "liandong.site", "worker"], env=environment)
                for _ in range(WORKERS)
            )
        }
        locks = tmp_path / "home" / "locks"
        try:
            assert eventually(lambda: len(list(locks.glob("worker-*"))) == WORKERS, within_s=120)
            command = [sys.executable, "-c", ENQUEUE, str(marks)]
            subprocess.run(command, env=environment, check=True)
            assert eventually((marks / f"job-{STUCK}").exists, within_s=120)
            stuck = workers[int((marks / f"job-{STUCK}").read_text())]
            stuck.kill()
            assert eventually(lambda: len(list(marks.iterdir())) == JOBS)
            assert eventually(lambda: not {"READY", "RUNNING"} & {state for state, _ in _runs(url)})
        finally:
            for worker in workers.values():
                worker.send_signal(signal.SIGTERM)
            for worker in workers.values():
                worker.wait(60)

        runs = _runs(url)
    assert Counter(state for state, _ in runs) == {"SUCCESSFUL": JOBS - 1, "FAILED": 1}
    assert {len(names) for _, names in runs} == {1}
    assert 1 < len({names[0] for _, names in runs}) <= WORKERS
    assert {len(file.read_text().split()) for file in marks.iterdir()} == {1}


def _runs(url: str) -> list[tuple[str, list[str]]]:
    """State of each job, and the workers that began it."""
    with psycopg.connect(url) as connection:
        return connection.execute(RUNS).fetchall()
