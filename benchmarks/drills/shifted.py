"""The settings of the product with a clock that a drill can move: seconds in `HOME/clock.offset`.

The product takes `now` from `django.utils.timezone` alone; settings are read before any room, so
that all of them get this one.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from liandong.site.settings import *  # noqa: F403
from liandong.site.settings import HOME as _HOME

OFFSET = _HOME / "clock.offset"
_real_now = timezone.now


def _now() -> datetime:
    try:
        seconds = float(OFFSET.read_text())
    except (OSError, ValueError):  # not moved, or half written
        seconds = 0.0
    return _real_now() + timedelta(seconds=seconds)


timezone.now = _now
