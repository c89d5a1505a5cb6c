"""Jobs of the portal: thin, each calls one service."""

from django.utils import timezone
from django_tasks import task

from liandong.base.locks import Busy, hold

from .services import answers, delivering, leftovers, notices


@task()
def send_notices() -> int:
    """Tell subscribers what happened, and deliver what is due; how many tries."""
    try:
        with hold("notices"):
            notices.tell(now=timezone.now())
            return delivering.deliver_due(clock=timezone.now)
    except Busy:  # another process of this machine is at it
        return 0


@task()
def sweep_portal() -> int:
    """Forget kept answers, old notices and what killed requests left; how many things."""
    now = timezone.now()
    return answers.sweep(now=now) + delivering.sweep(now=now) + leftovers.sweep(now=now)
