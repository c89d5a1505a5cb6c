"""Settled reviews as they stand in the OCFL object of a record, and the rows made from them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from liandong.archive.models import (
    OpeningDecision,
    OpeningPublication,
    OpeningReview,
    Record,
)

_COLUMNS = (
    "round", "plan_year", "state", "due", "proposed", "suggestions", "rules", "detectors",
    "verdict", "ground", "reason", "first_by", "second_by", "final_by", "asked_unit",
    "answer_until", "opinion", "opinion_by", "consent_number", "deferred_until", "open_from",
    "closed_level", "withdrawn_by", "confirmed_by",
)  # fmt: skip
_TIMES = ("settled_at", "changed_at")
_OF_DECISION = (
    "step", "before", "after", "verdict", "ground", "reason", "by", "rules", "detectors", "given",
    "overwrote",
)  # fmt: skip


def settled_reviews(record: Record) -> tuple[Mapping[str, Any], ...]:
    """The settled reviews of a record with every decision, oldest first, JSON-ready."""
    rows = OpeningReview.objects.filter(record=record, settled_at__isnull=False)
    rows = rows.select_related("publication").prefetch_related("decisions").order_by("round")
    return tuple(_json_of(review) for review in rows)


def _json_of(review: OpeningReview) -> dict[str, Any]:
    return {
        **{name: getattr(review, name) for name in _COLUMNS},
        **{name: getattr(review, name).isoformat() for name in _TIMES},
        "publication": _publication_json(review.publication),
        "decisions": [
            {
                **{name: getattr(decision, name) for name in _OF_DECISION},
                "at": decision.at.isoformat(),
            }
            for decision in review.decisions.all()
        ],
    }


def _publication_json(one: OpeningPublication | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "number": one.number, "title": one.title, "note": one.note, "count": one.count,
        "at": one.at.isoformat(), "by": one.by,
    }  # fmt: skip


def restore_reviews(records: Iterable[tuple[int, Sequence[Mapping[str, Any]]]]) -> None:
    """Write the rows of reviews that stand in objects, in the caller's transaction.

    `records` are keys of records with what stands in their objects.
    """
    made = []
    for record_id, reviews in records:
        for kept in reviews:
            row = OpeningReview(
                record_id=record_id,
                publication=_restore_publication(kept["publication"]),
                **{name: kept[name] for name in _COLUMNS},
                **{name: datetime.fromisoformat(kept[name]) for name in _TIMES},
            )
            made.append((row, kept["decisions"]))
    OpeningReview.objects.bulk_create([row for row, _ in made])
    OpeningDecision.objects.bulk_create(
        OpeningDecision(
            review=row,
            at=datetime.fromisoformat(one["at"]),
            **{name: one[name] for name in _OF_DECISION},
        )
        for row, decisions in made
        for one in decisions
    )


def _restore_publication(kept: Mapping[str, Any] | None) -> OpeningPublication | None:
    if kept is None:
        return None
    facts = {**kept, "at": datetime.fromisoformat(kept["at"])}
    row, _ = OpeningPublication.objects.get_or_create(number=kept["number"], defaults=facts)
    return row


def mark_packed(record: Record, opening: Sequence[Mapping[str, Any]]) -> None:
    """Note which reviews stand in the object as the rows tell them."""
    waiting = OpeningReview.objects.filter(record=record, packed=False)
    if not waiting:
        return
    now = {one["round"]: one for one in settled_reviews(record)}
    same = [one["round"] for one in opening if now.get(one["round"]) == one]
    waiting.filter(round__in=same).update(packed=True)


def is_waiting(record: Record) -> bool:
    """Whether a decision on this record is not yet in its object."""
    return OpeningReview.objects.filter(record=record, packed=False).exists()
