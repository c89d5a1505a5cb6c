"""Jobs of intake: thin, each calls one service."""

import logging

from django.utils import timezone
from django_tasks import task

from liandong.archive.services.packing import sweep_workspaces
from liandong.base.locks import Busy
from liandong.intake.queries import unfinished_batches
from liandong.intake.services.drive import drive
from liandong.intake.services.receive import sweep_staging
from liandong.intake.services.upload import sweep

log = logging.getLogger(__name__)


@task()
def drive_batch(batch_id: int) -> None:
    """Take a batch as far as it goes; another process that drives it goes on alone."""
    try:
        drive(batch_id, by="system", clock=timezone.now)
    except Busy:
        return


@task()
def resume_batches() -> None:
    """Go on with everything that a stop left unfinished, and clear away what it left behind."""
    sweep_workspaces()
    for batch_id in unfinished_batches():
        try:
            drive_batch.call(batch_id)
        except Exception:  # one batch stops no other
            log.exception("batch stopped id=%s", batch_id)
    sweep(now=timezone.now())
    sweep_staging(now=timezone.now())
