"""Jobs of the room: thin, each calls services.  None of them ends a grant: the clock does."""

from datetime import datetime

from django.utils import timezone
from django_tasks import task

from .services import certifying, lending, reminding, visiting


@task()
def remind_and_tidy() -> dict[str, int]:
    """As `tidy`, at this moment."""
    return tidy(now=timezone.now())


def tidy(*, now: datetime) -> dict[str, int]:
    """Tell people what is due, forget what must be forgotten; how many of each."""
    return {
        "reminded": reminding.remind(now=now) + lending.remind(now=now),
        "contacts": visiting.remove_contacts(now=now),
        "files": certifying.drop_old_files(now=now),
    }
