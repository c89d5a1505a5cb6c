"""Jobs of the audit: thin, each calls one service."""

from django.utils import timezone
from django_tasks import task

from . import checking, seals


@task()
def seal_audit() -> int:
    """Seal what was written since the last day that was sealed; how many seals were made."""
    return len(seals.seal(by="system", now=timezone.now(), daily=True))


@task()
def check_audit(check_id: int) -> int:
    """Carry out a check that somebody began; how many faults it found."""
    return checking.carry_out(check_id, clock=timezone.now).faults
