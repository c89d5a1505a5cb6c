"""Finding a person's own data by the number that the person gave, through keyed digests.

The number is used once to make a digest and then forgotten.  What is found names records and
pages, never anybody else's data that stands beside it.
"""

import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from liandong.archive.models import (
    HitState,
    PersonalHit,
    PersonKey,
    Record,
    RecordPage,
    RightsRequest,
)
from liandong.archive.policies import may_review
from liandong.archive.queries.granting import condition
from liandong.archive.queries.privacy import spans_of
from liandong.archive.services.opening.people import actor_of
from liandong.archive.services.privacy import decide
from liandong.base.audit import record_act
from liandong.kernel.person_numbers import NUMBERS, compared_as, keyed_digest, normal_number

_CHUNK = 500  # hits keyed in one transaction
_USE = "liandong.person-digest.1"


def person_digest(kind: str, number: str) -> str:
    """The keyed digest of a number, 64 hex digits; "" when the text is no number of this kind."""
    normal = normal_number(kind, number)
    if not normal:
        return ""
    return keyed_digest(compared_as(kind), normal, key=_key(settings.SECRET_KEY))


@cache
def _key(secret: str) -> bytes:
    return hmac.new(secret.encode(), _USE.encode(), sha256).digest()


def key_name() -> str:
    """Which key digests are made with now, 8 hex digits."""
    return sha256(_key(settings.SECRET_KEY)).hexdigest()[:8]


def key_hits(*, limit: int = 100_000) -> int:
    """Digest the numbers of hits that have no digest with the key of now; how many.

    Each chunk is one transaction: killed, it goes on when called again.
    """
    done = 0
    while done < limit:
        missing = PersonalHit.objects.filter(
            Q(person_key__isnull=True) | ~Q(person_key__key=key_name()), kind__in=NUMBERS
        )
        hits = list(missing.select_related("record").order_by("pk")[: min(_CHUNK, limit - done)])
        if not hits:
            break
        _key_chunk(hits)
        done += len(hits)
    return done


@transaction.atomic
def _key_chunk(hits: Sequence[PersonalHit]) -> None:
    texts = _texts_of(hits)
    PersonKey.objects.filter(hit__in=hits).delete()
    PersonKey.objects.bulk_create(
        PersonKey(
            hit=hit,
            digest=person_digest(hit.kind, _number_at(hit, texts)),
            key=key_name(),
        )
        for hit in hits
    )


def _texts_of(hits: Iterable[PersonalHit]) -> dict[tuple[int, int], list[str]]:
    wanted = {(hit.record_id, hit.page) for hit in hits if hit.page}
    pages = RecordPage.objects.filter(
        record__in={record for record, _ in wanted}, number__in={number for _, number in wanted}
    )
    return {
        (record, number): [str(line["text"]) for line in lines]
        for record, number, lines in pages.values_list("record", "number", "lines")
    }


def _number_at(hit: PersonalHit, texts: dict[tuple[int, int], list[str]]) -> str:
    if hit.page == 0:
        lines = [str(hit.record.description.get(hit.field, ""))]
    else:
        lines = texts.get((hit.record_id, hit.page), [])
    return "".join(lines[line][start:end] for line, start, end in spans_of(hit, lines))


# For one request ----------------------------------------------------------------------------------


def matches(request: RightsRequest, *, by: str, now: datetime) -> list[PersonalHit]:
    """Hits with the number of whoever asked, in records that the handler may see.

    Leaves a row in the audit: looking for a person is an act.
    """
    if not request.digest:
        return []
    key_hits()
    found = list(_matching(request, by))
    record_act(
        "match_person", by=by, now=now, object=f"rights:{request.number}",
        facts={"hits": len(found)},
    )  # fmt: skip
    return found


def _matching(request: RightsRequest, by: str) -> QuerySet[PersonalHit]:
    seen = Record.objects.filter(condition(may_review(actor_of(by))))
    rows = PersonalHit.objects.filter(person_key__digest=request.digest, record__in=seen)
    return rows.select_related("record").order_by("record__code", "page", "line", "start")


def held_anywhere(request: RightsRequest) -> bool:
    """Whether any record holds the number of whoever asked, seen by the handler or not."""
    key_hits()
    return bool(request.digest) and PersonKey.objects.filter(digest=request.digest).exists()


def restrict(request: RightsRequest, *, by: str, now: datetime) -> int:
    """Confirm the masks over every hit with this number: stored and protected, nothing else.

    Source: 个人信息保护法 (2021) art. 47.  How many hits stand masked.
    """
    key_hits()
    rows = PersonalHit.objects.filter(person_key__digest=request.digest)
    decide(rows.values_list("pk", flat=True), "confirm", by=by, now=now)
    count = rows.filter(state=HitState.CONFIRMED).count()
    record_act(
        "restrict_person", by=by, now=now, object=f"rights:{request.number}",
        facts={"hits": count},
    )  # fmt: skip
    return count
