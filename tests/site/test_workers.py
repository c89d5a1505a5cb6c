"""Several workers on one database, one of them killed: no job is done twice, none is forgotten."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
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
STATES = textwrap.dedent(
    """
    import django
    django.setup()
    from django_tasks_db.models import DBTaskResult
    runs = DBTaskResult.objects.filter(task_path="worker_jobs.mark")
    print(*(runs.filter(status=one).count()
            for one in ("SUCCESSFUL", "FAILED", "RUNNING", "READY")),
          len({run.worker_ids[-1] for run in runs}), max(len(run.worker_ids) for run in runs))
    """
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
            assert eventually(lambda: _states(environment)[1:4] == [1, 0, 0], within_s=90)
        finally:
            for worker in workers.values():
                worker.send_signal(signal.SIGTERM)
            for worker in workers.values():
                worker.wait(60)

        done, failed, running, ready, names, most = _states(environment)
    assert (done, failed, running, ready, most) == (JOBS - 1, 1, 0, 0, 1)
    assert 1 < names <= WORKERS
    assert {len(file.read_text().split()) for file in marks.iterdir()} == {1}


def _states(environment: dict[str, str]) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", STATES], env=environment, check=True, capture_output=True, text=True
    )
    return [int(word) for word in done.stdout.split()]
