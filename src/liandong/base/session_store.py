"""Sessions that know their account: they can be listed, counted and ended by deleting a row.

A session ends when it was not used for SESSION_COOKIE_AGE seconds (idle), SESSION_LONGEST after
sign-in (absolute), or when its row is deleted; all three hold on the server, whatever the cookie
says.  Source: GB/T 22239-2019 8.1.4.1 b.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from .middleware import CURRENT_ORIGIN
from .models import Session

STARTED: Final = "started"  # seconds since 1970 of the sign-in
DEVICE: Final = "device"
TOUCH: Final = timedelta(seconds=60)  # a row is written at most once in this time for being used


class SessionStore(DatabaseStore):
    """Django's store on rows of `base.models.Session`."""

    row: Session | None = None  # as loaded, None before and for a new session

    @classmethod
    def get_model_class(cls) -> Any:
        """The rows that are written."""
        return Session

    def _get_session_from_db(self) -> Any:
        self.row = super()._get_session_from_db()  # type: ignore[misc]  # missing in the stubs
        return self.row

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """A row of what the session holds now."""
        row: Any = super().create_model_instance(data)  # a Session, see get_model_class
        row.account_id = data.get(SESSION_KEY) or None
        row.seen_at = timezone.now()
        row.origin = CURRENT_ORIGIN.get()
        row.device = str(data.get(DEVICE, ""))[:120]
        if STARTED in data:
            row.started_at = datetime.fromtimestamp(data[STARTED], tz=UTC)
            row.expire_date = min(row.expire_date, row.started_at + settings.SESSION_LONGEST)
        return row

    def touch(self, now: datetime) -> None:
        """Note that the session is used; nothing is written when that was noted a moment ago."""
        row = self.row
        if row is None or row.started_at is None or now - row.seen_at < TOUCH:
            return
        idle = now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        Session.objects.filter(pk=row.pk).update(
            seen_at=now, expire_date=min(idle, row.started_at + settings.SESSION_LONGEST)
        )
