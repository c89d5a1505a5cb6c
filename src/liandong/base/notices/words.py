"""The words of notices: each room makes its own, from codes that the row holds."""

from collections.abc import Callable, Mapping
from typing import Any

Words = Callable[[str, str, Mapping[str, Any]], str]  # kind, number, facts → one sentence
_rooms: dict[str, Words] = {}


def register_words(room: str, make: Words) -> None:
    """Say how the notices of a room read; called in the `ready` of its application."""
    _rooms[room] = make


def words_of(room: str, kind: str, number: str, facts: Mapping[str, Any]) -> str:
    """A notice in one sentence; the bare number when its room is not installed."""
    make = _rooms.get(room)
    return make(kind, number, facts) if make else number
