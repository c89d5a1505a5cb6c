"""Publishing the catalogue of opened records (开放目录): an act of its own.

Source: 档案法 (2020) art. 28: catalogues of opened archives are published regularly.
"""

from datetime import datetime

from django.db import transaction

from liandong.archive.models import OpeningPublication, OpeningReview
from liandong.archive.queries.opening import unpublished
from liandong.archive.services.jobs import PACK_OPENING, enqueue_after_commit
from liandong.base.audit import record_act
from liandong.base.params import words

from .settling import day_of


class NothingToPublish(Exception):
    """No opened record waits for its publication."""


class NoTitle(Exception):
    """A publication has a title."""


@transaction.atomic
def publish(*, title: str, note: str = "", by: str, now: datetime) -> OpeningPublication:
    """Publish every opened record that stands in no publication yet, as one numbered batch.

    Raises NothingToPublish and NoTitle; then nothing is written.
    """
    title = words(title.strip())[:200]
    if not title:
        raise NoTitle
    ids = list(
        unpublished(today=day_of(now))
        .select_for_update()
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if not ids:
        raise NothingToPublish
    made = OpeningPublication.objects.create(
        number=_next_number(now), title=title, note=words(note.strip()), count=len(ids), at=now,
        by=by,
    )  # fmt: skip
    reviews = OpeningReview.objects.filter(pk__in=ids)
    reviews.update(publication=made, packed=False)
    record_act(
        "publish_opened", by=by, now=now, object=f"publication:{made.number}",
        facts={"count": len(ids)},
    )  # fmt: skip
    for record_id in reviews.values_list("record", flat=True):
        enqueue_after_commit(PACK_OPENING, record_id)
    return made


def _next_number(now: datetime) -> str:
    """`2026-01`, and so on within the year."""
    year = day_of(now) // 10000
    known = OpeningPublication.objects.filter(number__startswith=f"{year}-")
    numbers = [int(number.split("-")[1]) for number in known.values_list("number", flat=True)]
    return f"{year}-{max(numbers, default=0) + 1:02d}"
