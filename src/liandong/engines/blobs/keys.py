"""What is a key of a blob store, on every store the same."""

from typing import Final

PARTIAL: Final = ".partial-"  # names of what is not finished


class BadKey(ValueError):
    """The text is no key: it could leave the store or name a file twice."""


def parts_of(key: str) -> list[str]:
    """The names of a key from the outside in.  Raises BadKey."""
    parts = key.split("/")
    if any(part in {"", ".", ".."} or part.startswith(PARTIAL) for part in parts):
        raise BadKey(key)
    if "\\" in key or "\0" in key or any("\ud800" <= letter <= "\udfff" for letter in key):
        raise BadKey(key)
    return parts
