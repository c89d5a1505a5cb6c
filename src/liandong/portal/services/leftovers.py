"""What requests that were killed left in the staging folder."""

import shutil
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings

from liandong.intake.services.bagging import FOLDER

ABANDONED: Final = timedelta(days=1)
PACKAGE: Final = "package-"


def sweep(*, now: datetime) -> int:
    """Remove packages and bags that nobody works on any more; how many."""
    removed = 0
    for place in settings.STAGING.iterdir() if settings.STAGING.is_dir() else ():
        is_ours = place.name.startswith((FOLDER, PACKAGE))
        if is_ours and now - datetime.fromtimestamp(place.stat().st_mtime, UTC) > ABANDONED:
            shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink()
            removed += 1
    return removed
