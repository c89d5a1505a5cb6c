"""Jobs of the room: thin, each calls one service."""

from django.utils import timezone
from django_tasks import task

from liandong.base.locks import Busy, hold

from .services.crediting import settle_due


@task()
def settle_points() -> int:
    """Post what inspections gave and what opened cases take back; one process at a time."""
    try:
        with hold("points"):
            return settle_due(now=timezone.now())
    except Busy:
        return 0
