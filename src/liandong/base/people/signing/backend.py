"""The backend by which a session finds its account; passwords are not checked here."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from liandong.base.models import Account


class AccountBackend(BaseBackend):
    """Finds open accounts, and lets nobody in by itself.

    Passwords go through `services.throttle`, which counts failures: a second way in would not.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Nobody."""

    def get_user(self, user_id: int) -> Account | None:
        """The account of a session; None, a stranger, once it is closed or locked."""
        found = Account.objects.select_related("unit").filter(pk=user_id).first()
        return found if found and found.is_open else None
