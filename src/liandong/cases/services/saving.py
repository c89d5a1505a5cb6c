"""Views that an account keeps of the list of cases."""

from datetime import datetime

from liandong.base.models import Account
from liandong.cases.models import SavedView

MOST_VIEWS = 12  # tabs that a person can tell apart


class TooManyViews(Exception):
    """The account has as many views as there may be; one must go first."""


def keep_view(account: Account, name: str, query: str, *, now: datetime) -> SavedView:
    """Keep the conditions under a name; the same name again takes the new conditions.

    Raises TooManyViews, and ValueError for an empty name or none to keep.
    """
    name, query = name.strip()[:20], query.lstrip("?")[:500]
    if not name or not query:
        raise ValueError("name" if not name else "query")
    others = SavedView.objects.filter(account=account).exclude(name=name)
    if others.count() >= MOST_VIEWS:
        raise TooManyViews
    view, _is_new = SavedView.objects.update_or_create(
        account=account, name=name, defaults={"query": query, "saved_at": now}
    )
    return view


def forget_view(account: Account, key: int) -> None:
    """Take a view of this account away; nothing where it has none of this key."""
    SavedView.objects.filter(account=account, pk=key).delete()
