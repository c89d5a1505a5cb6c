"""Words of the room in the language of the page."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from liandong.cases.wording import is_english
from liandong.community.models import PointsEntry, Station
from liandong.kernel import catalog

WHY_WORDS: Final[Mapping[str, Any]] = {
    "full": _("上报经核查通过"),
    "confirmed": _("同一问题由他人先报，办结后给确认分"),
    "capped": _("当天已到每日上限"),
    "held": _("这件事已经给过分"),
    "opened_again": _("事项重办，先冲回，再次核查通过后再给"),
    "redeemed": _("在驿站兑换"),
}
TONES: Final[Mapping[str, str]] = {"": "decide", "proper": "done", "explain": "warn",
                                   "refer": "failed"}  # fmt: skip


def name_of(table: str, code: str, column: str = "name") -> str:
    """The name of a catalogue row in the language of the page; the code where there is no row."""
    row = catalog.by_key(table, "code").get(code)
    return row[f"{column}_en" if is_english() else f"{column}_zh"] if row else code


def choices_of(table: str, column: str = "name") -> list[tuple[str, str]]:
    """Code and name of every row."""
    rows = catalog.rows(table)
    return [(row["code"], name_of(table, row["code"], column)) for row in rows]


def facilities(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Code and name of facilities, in the order of the catalogue."""
    wanted = set(codes)
    return [pair for pair in choices_of("station_facilities") if pair[0] in wanted]


def hours(station: Station) -> str:
    """When a station is open, in words."""
    if station.is_24h or station.opens_at is None or station.closes_at is None:
        return str(_("全天开放"))
    return f"{station.opens_at:%H:%M}–{station.closes_at:%H:%M}"


def entry_row(entry: PointsEntry) -> dict[str, Any]:
    """One entry of an account with its reason."""
    posting = entry.posting
    detail = ""
    if posting.goods:
        detail = name_of("points_goods", posting.goods)
    elif posting.case:
        detail = posting.case.number
    return {
        "at": posting.at,
        "act": posting.get_act_display(),
        "why": str(WHY_WORDS.get(posting.why, posting.why)),
        "detail": detail,
        "station": posting.station,
        "version": posting.version,
        "receipt": posting.receipt if posting.goods else "",
        "points": f"{entry.points:+d}",
    }


def rule_rows() -> list[dict[str, str]]:
    """The rules of points as the catalogue has them."""
    units = {"points": _("分"), "percent": "%"}
    return [
        {
            "name": row["name_en" if is_english() else "name_zh"],
            "value": f"{row['value']} {units[row['unit']]}",
            "version": row["version"],
            "source": row["source"],
            "confidence": row["confidence"],
        }
        for row in catalog.rows("points_rules")
    ]


def conduct_rules() -> list[dict[str, str]]:
    """Positive and negative list, each rule with its article."""
    return [
        {
            "code": row["code"],
            "kind": row["kind"],
            "rule": row["rule_en" if is_english() else "rule_zh"],
            "source": row["source"],
            "confidence": row["confidence"],
        }
        for row in catalog.rows("conduct_rules")
    ]
