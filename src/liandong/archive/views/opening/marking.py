"""Where on a page something was found: rectangles over its image, and marks in its text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from liandong.archive.models import HitState, PersonalHit, Record, RecordPage
from liandong.archive.queries.privacy import spans_of
from liandong.kernel.privacy import mask

from .wording import kind_word, suggestion_row

Suggestions = Sequence[Mapping[str, Any]]
_TONES = {HitState.PROPOSED: "warn", HitState.CONFIRMED: "failed", HitState.REJECTED: "idle"}


def _on(page: RecordPage, hits: Iterable[PersonalHit]) -> list[PersonalHit]:
    return [hit for hit in hits if hit.page == page.number]


def _named_on(page: RecordPage, suggestions: Suggestions) -> list[Mapping[str, Any]]:
    return [one for one in suggestions if one["page"] == page.number and one["line"] >= 0]


def rectangles(
    page: RecordPage, hits: Iterable[PersonalHit], suggestions: Suggestions
) -> list[dict[str, Any]]:
    """Rectangles on the page image, in its pixels; each with the words that a pointer shows."""
    if not page.width:
        return []
    found = [
        _rectangle(box, hit.state, f"{kind_word(hit.kind)} · {HitState(hit.state).label}")
        for hit in _on(page, hits)
        for box in hit.boxes
    ]
    for one in _named_on(page, suggestions):
        if one["line"] < len(page.lines):
            words = f"{suggestion_row(one)['why']}：{one['what']}"
            found.append(_rectangle(page.lines[one["line"]]["box"], "word", words))
    return [one for one in found if one["width"] > 0 and one["height"] > 0]


def _rectangle(box: Sequence[float], kind: str, words: str) -> dict[str, Any]:
    left, top, right, bottom = (round(float(edge)) for edge in box)
    return {"x": left, "y": top, "width": right - left, "height": bottom - top, "kind": kind,
            "words": words}  # fmt: skip


def line_parts(
    page: RecordPage, hits: Iterable[PersonalHit], suggestions: Suggestions
) -> list[list[tuple[str, str]]]:
    """Each line as pieces of text with what was found in them, "" for nothing."""
    texts = [str(line["text"]) for line in page.lines]
    marks: dict[int, list[tuple[int, int, str]]] = {}
    for hit in _on(page, hits):
        for line, start, end in spans_of(hit, texts):
            marks.setdefault(line, []).append((start, end, kind_word(hit.kind)))
    for one in _named_on(page, suggestions):
        line = one["line"]
        start = texts[line].find(one["what"]) if line < len(texts) else -1
        if start >= 0:
            why = suggestion_row(one)["why"]
            marks.setdefault(line, []).append((start, start + len(one["what"]), why))
    return [_pieces(text, sorted(marks.get(at, []))) for at, text in enumerate(texts)]


def _pieces(text: str, marks: Iterable[tuple[int, int, str]]) -> list[tuple[str, str]]:
    pieces, at = [], 0
    for start, end, words in marks:
        if start < at:  # inside of the one before
            continue
        pieces += [(text[at:start], ""), (text[start:end], words)]
        at = end
    return [piece for piece in [*pieces, (text[at:], "")] if piece[0]]


def hit_rows(
    record: Record, page: RecordPage | None, hits: Iterable[PersonalHit]
) -> list[dict[str, Any]]:
    """The hits of this page and of the description as rows: kind, masked text, state, reason."""
    texts = [str(line["text"]) for line in page.lines] if page else []
    rows = []
    for hit in hits:
        if hit.page not in {0, page.number if page else 0}:
            continue
        known = [str(record.description.get(hit.field, ""))] if hit.page == 0 else texts
        spans = list(spans_of(hit, known))
        secret = "".join(known[line][start:end] for line, start, end in spans)
        rows.append({
            "hit": hit,
            "kind": kind_word(hit.kind),
            "shown": mask(hit.kind, secret) if secret else "",
            "state": HitState(hit.state).label,
            "tone": _TONES[HitState(hit.state)],
            "page": hit.page,
        })  # fmt: skip
    return rows
