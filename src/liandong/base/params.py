"""Parameters of an address or form, read so that no text of a stranger can break a page."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

MOST = 2**53  # beyond every key of ours, within what databases and JSON count exactly
LONGEST = 500  # characters of a text parameter


def number(text: str | None, default: int = 0) -> int:
    """A whole number from 0 to 2**53, or `default` where `text` is none."""
    if not text or len(text) > 16 or not (text.isascii() and text.isdecimal()):
        return default
    return min(int(text), MOST)


def share(text: str | None, default: float) -> float:
    """A number from 0.0 to 1.0, or `default` where `text` is none."""
    try:
        found = float(text or "")
    except ValueError:
        return default
    return found if 0.0 <= found <= 1.0 else default  # false for nan as well


def words(text: str | None) -> str:
    """A text without NUL, which PostgreSQL refuses, and of bounded length."""
    return (text or "").replace("\0", "")[:LONGEST]


def way_back(request: HttpRequest, default: str = "/") -> str:
    """Where the form came from (`next`), when that is a page of ours; else `default`."""
    path = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        path, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return path if safe and path.startswith("/") else default
