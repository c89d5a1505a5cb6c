"""Jobs by name, enqueued after commit: services know no tasks, only what they are called."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string

INDEX_STALE = "liandong.archive.tasks.index_stale_records"
PACK_CORRECTIONS = "liandong.archive.tasks.pack_corrections_of"
PACK_OPENING = "liandong.archive.tasks.pack_opening_of"
PROPOSE_OPENING = "liandong.archive.tasks.propose_openings"
KEEP_APPRAISALS = "liandong.archive.tasks.keep_appraisals"
DESTROY = "liandong.archive.tasks.destroy_list"
PACK_AFTER = timedelta(minutes=10)  # without a correction: one version per sitting, not per line


def enqueue_after_commit(name: str, *args: Any, run_after: datetime | None = None) -> None:
    """Enqueue the task `name` (dotted path) once the transaction has committed."""

    def send() -> None:
        task = import_string(name)
        (task.using(run_after=run_after) if run_after else task).enqueue(*args)

    transaction.on_commit(send)
