"""Jobs for the race of workers: they import it by name."""

import os
import time
from pathlib import Path

from django_tasks import task

STUCK = 7


@task()
def mark(folder: str, number: int) -> None:
    """Note that this job began; one of them never ends."""
    with (Path(folder) / f"job-{number}").open("a") as file:
        file.write(f"{os.getpid()}\n")
    if number == STUCK:
        time.sleep(600)
    time.sleep(0.02)
