"""Jobs of notices: thin, each calls services."""

from django.utils import timezone
from django_tasks import task

from .digests import send_digests as send
from .services import forget_old


@task()
def send_digests() -> dict[str, int]:
    """Send the digests whose hour has come, and drop notices of a year ago; how many of each."""
    now = timezone.now()
    return {**send(now=now), "forgotten": forget_old(now=now)}
