"""Results on stdout, everything else on stderr; Chinese, English by LANG."""

import gettext
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol


@cache
def language() -> str:
    """zh, or en when LC_ALL, LC_MESSAGES or LANG asks for English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "en" if value.startswith("en") else "zh"
    return "zh"


@cache
def _catalogue() -> gettext.NullTranslations:
    folder = Path(__file__).parents[2] / "base" / "locale"
    return gettext.translation("django", folder, ["en"], fallback=True)


def _(text: str) -> str:
    """`text` in the language of the terminal."""
    return _catalogue().gettext(text) if language() == "en" else text


def say(text: str) -> None:
    """A line for the person at the terminal, on stderr."""
    sys.stderr.write(text + "\n")


def put(text: str) -> None:
    """A line of the result, on stdout."""
    sys.stdout.write(text + "\n")


def put_json(row: Mapping[str, Any]) -> None:
    """One JSON object on a line of its own, on stdout, at once."""
    sys.stdout.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


class Count(Protocol):
    """Tells how much is done of how much."""

    def __call__(self, done: int, total: int) -> None: ...


@contextmanager
def progress(label: str) -> Iterator[Count]:
    """A bar with count and time left on stderr; nothing when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)

        def count(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield count
