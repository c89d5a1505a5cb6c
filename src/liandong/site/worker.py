"""The worker: takes jobs from the queue in the database, and enqueues what is due by the clock."""

import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import close_old_connections
from django.utils import timezone
from django_tasks.base import Task as AnyTask
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from liandong.archive.tasks import (
    follow_openings,
    index_stale_records,
    sweep_store,
    verify_scheduled,
)
from liandong.base.audit.tasks import seal_audit
from liandong.base.locks import Busy, hold
from liandong.base.notices.tasks import send_digests
from liandong.cases.tasks import (
    file_due_cases,
    import_files,
    read_words,
    tend_cases,
    tidy_reports,
)
from liandong.community.tasks import settle_points
from liandong.exchange.tasks import remind_and_tidy
from liandong.intake.tasks import resume_batches
from liandong.portal.tasks import send_notices, sweep_portal

Task = AnyTask[..., Any]
log = logging.getLogger(__name__)
POLL_S = 0.3
SCHEDULE: tuple[tuple[float, Task], ...] = (  # seconds between two, job
    (20, index_stale_records),
    (60, resume_batches),  # what a full disk stopped
    (300, follow_openings),  # time that ran out, jobs that were lost
    (10, send_notices),
    (3600, sweep_portal),
    (3600, verify_scheduled),
    (3600, sweep_store),
    (3600, remind_and_tidy),
    (3600, tidy_reports),
    (60, tend_cases),  # what time brings: lapses, reminders, erasure, and who is told
    (300, send_digests),
    (60, file_due_cases),  # whose time to dispute is over, and what was admitted
    (60, import_files),  # files whose import was cut off
    (60, read_words),  # of cases that are many
    (30, settle_points),  # inspections that passed, and cases that were opened again
    (3600, seal_audit),  # once a day, when the first of these hours comes
)
KEEP_RUNS = timedelta(days=7)  # rows of jobs that have ended
BEAT_S = 5
ALIVE_S = 30  # a heartbeat older than this means: no worker


def heartbeat() -> Path:
    """The file whose time says that a worker lives."""
    return Path(settings.HOME) / "worker.beat"


def work() -> None:
    """Go on with what a stop left unfinished, then work until a signal."""
    with _named() as name:
        _forget_broken_runs(name)
        resume_batches.enqueue()
        enqueue_once(seal_audit)  # a machine that never runs for an hour seals as well
        stop = threading.Event()
        clockwork = threading.Thread(target=_tick, args=(stop,), daemon=True)
        clockwork.start()
        try:
            call_command(
                "db_worker", interval=POLL_S, startup_delay=False, reload=False, verbosity=0,
                worker_id=name,
            )  # fmt: skip
        finally:
            stop.set()


@contextmanager
def _named() -> Iterator[str]:
    """The first name of this machine that no other worker has; its lock says that we live."""
    machine = re.sub(r"[^A-Za-z0-9]", "-", socket.gethostname())[:40]
    for number in count(1):
        name = f"worker-{machine}-{number}"
        try:
            with hold(name):
                yield name
                return
        except Busy as busy:
            if busy.name != name:
                raise


def _forget_broken_runs(starting: str = "") -> None:
    """Jobs that died with their worker are not run again as such: `resume_batches` goes on.

    Whoever had the name of the worker that is `starting` is dead as well.
    """
    running = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING)
    for pk, names in running.values_list("pk", "worker_ids"):
        try:
            with nullcontext() if names[-1] == starting else hold(names[-1]):
                running.filter(pk=pk).update(
                    status=TaskResultStatus.FAILED, finished_at=timezone.now()
                )
        except Busy:  # it lives
            continue


def _tick(stop: threading.Event) -> None:
    since = dict.fromkeys(range(len(SCHEDULE)), 0.0)
    while not stop.wait(BEAT_S):
        try:
            heartbeat().touch()
            close_old_connections()
            with hold("clock", wait=True):  # or two workers enqueue the same job
                _forget_broken_runs()
                for position, (every, job) in enumerate(SCHEDULE):
                    since[position] += BEAT_S
                    if since[position] >= every:
                        since[position] = 0
                        enqueue_once(job)
        except Exception:  # a full disk or a locked database: the next beat tries again
            log.exception("schedule failed")


def enqueue_once(job: Task) -> bool:
    """Enqueue a job unless one of the same name waits or runs; also forgets old runs of it."""
    runs = DBTaskResult.objects.filter(task_path=job.module_path)
    runs.filter(finished_at__lt=timezone.now() - KEEP_RUNS).delete()
    if runs.filter(status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING]).exists():
        return False
    job.enqueue()
    return True
