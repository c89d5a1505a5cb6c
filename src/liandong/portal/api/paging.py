"""Pages of lists: a signed mark says after which row to go on, and for which question."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

from django.core import signing
from django.db.models import Model, QuerySet
from ninja import Query

from .problems import Problem

SALT: Final = "liandong.portal.cursor"
USUAL: Final = 50
MOST: Final = 100
Row = TypeVar("Row", bound=Model)

Cursor = Annotated[
    str,
    Query(description="翻页标记：上一次回答的 next", max_length=400, pattern=r"^[A-Za-z0-9:_-]*$"),
]
Limit = Annotated[int, Query(description="一次最多几条", ge=1, le=MOST)]


def mark(after: int, question: Mapping[str, Any]) -> str:
    """The mark after row (or hit) number `after` of a question."""
    return signing.dumps([after, _print(question)], salt=SALT)


def place_of(cursor: str, question: Mapping[str, Any]) -> int:
    """Where a mark goes on; 0 for none.  Raises Problem for one of another question."""
    if not cursor:
        return 0
    try:
        after, printed = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise Problem("bad-cursor") from None
    if printed != _print(question) or not isinstance(after, int):
        raise Problem("bad-cursor")
    return after


def _print(question: Mapping[str, Any]) -> str:
    text = json.dumps(dict(question), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def page_of(
    rows: QuerySet[Row], cursor: str, limit: int, question: Mapping[str, Any], *, newest: bool
) -> tuple[list[Row], str]:
    """Rows after the mark, by key, and the mark of the next page; "" at the end."""
    after = place_of(cursor, question)
    if after:
        rows = rows.filter(pk__lt=after) if newest else rows.filter(pk__gt=after)
    found = list(rows.order_by("-pk" if newest else "pk")[: limit + 1])
    more = len(found) > limit
    return found[:limit], mark(found[limit - 1].pk, question) if more else ""
