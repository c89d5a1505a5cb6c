"""Jobs of the room: thin, each calls services."""

from django.utils import timezone
from django_tasks import task

from .services.proposing import propose_plates
from .services.reporting import forget_unclaimed


@task()
def tidy_reports() -> int:
    """Erase photos whose report did not come within a day; how many."""
    return forget_unclaimed(now=timezone.now())


@task()
def find_plates(evidence_id: int) -> int:
    """Propose number plates of a photo for covering; how many."""
    return propose_plates(evidence_id, now=timezone.now())
