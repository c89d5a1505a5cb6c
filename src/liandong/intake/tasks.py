"""Jobs of intake: thin, each calls one service."""

from django.utils import timezone
from django_tasks import task

from liandong.base.locks import Busy
from liandong.intake.queries import unfinished_batches
from liandong.intake.services.drive import drive
from liandong.intake.services.upload import sweep


@task()
def drive_batch(batch_id: int) -> None:
    """Take a batch as far as it goes; another process that drives it goes on alone."""
    try:
        drive(batch_id, by="system", clock=timezone.now)
    except Busy:
        return


@task()
def resume_batches() -> None:
    """Go on with everything that a stop left unfinished, and forget abandoned uploads."""
    for batch_id in unfinished_batches():
        drive_batch.call(batch_id)
    sweep(now=timezone.now())
