"""Why a person sees a record as the person does: each clause of the rules in words.

Reads the same rules that decide; a clause that is added there is explained here.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from liandong.archive.models import Record
from liandong.archive.policies import (
    UNEXAMINED,
    may_change,
    may_know_readers,
    may_read,
    may_read_whole,
    may_use,
)
from liandong.base.audit import Seen, who_has_seen
from liandong.base.models import Unit
from liandong.kernel.access import AllOf, AnyOf, AtMost, Eq, Fact, Rule, holds
from liandong.kernel.privacy import kinds
from liandong.kernel.viewer import USES, Viewer

from .privacy import hits_of
from .sight import Sight

Clauses = tuple[tuple[str, bool], ...]  # each way to be granted, in words, and whether it holds


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a viewer may do with a record, and which clauses say so."""

    sight: Sight
    clauses: Clauses  # to read it at all
    whole: Clauses  # to read it without masks
    uses: Clauses  # each kind of use
    masks: tuple[tuple[str, int], ...]  # what is masked in it, by kind; for whoever reads it
    is_examined: bool
    may_change: bool

    @property
    def granted(self) -> bool:
        """Whether the record may be read, be it masked."""
        return self.sight != Sight.NOTHING


def explain(viewer: Viewer, record: Record, *, today: int) -> Explanation:
    """Which clauses of the rules grant the record to the viewer, or that none does."""
    facts = facts_of(record)
    read, whole = may_read(viewer, today), may_read_whole(viewer, today)
    if not holds(read, facts):
        sight = Sight.NOTHING
    else:
        sight = Sight.WHOLE if holds(whole, facts) else Sight.MASKED
    uses = tuple((use_word(use), holds(may_use(viewer, use, today), facts)) for use in USES)
    return Explanation(
        sight=sight,
        clauses=_clauses(read, facts),
        whole=_clauses(whole, facts),
        uses=uses,
        masks=_masks(record) if sight != Sight.NOTHING else (),
        is_examined=record.personal != UNEXAMINED,
        may_change=holds(may_change(viewer), facts),
    )


def facts_of(record: Record) -> dict[str, Fact]:
    """The facts of a record that rules may ask for."""
    return {
        "level": record.level,
        "open_from": record.open_from,
        "unit": record.unit,
        "personal": record.personal,
        "shares": record.shares,
    }


def _masks(record: Record) -> tuple[tuple[str, int], ...]:
    english = (get_language() or "").startswith("en")
    names = {code: kind.name_en if english else kind.name_zh for code, kind in kinds().items()}
    counts = Counter(names.get(hit.kind, hit.kind) for hit in hits_of(record))
    return tuple(counts.most_common())


def readers_of(record: Record, *, viewer: Viewer, before: int = 0, limit: int = 20) -> list[Seen]:
    """Who has seen the record, newest first; below the audit row `before`.

    All of them for those who answer for the record, else only the own looks; a stranger has none.
    """
    if not viewer.is_signed_in:
        return []
    seen = f"record:{record.code}"
    if holds(may_know_readers(viewer), facts_of(record)):
        return who_has_seen(seen, before=before, limit=limit)
    return who_has_seen(seen, before=before, limit=limit, by=viewer.name)


def knows_readers(record: Record, *, viewer: Viewer) -> bool:
    """Whether the viewer answers for the record, and so knows everyone who has seen it."""
    return holds(may_know_readers(viewer), facts_of(record))


# In words -----------------------------------------------------------------------------------------


def _clauses(rule: Rule, facts: Mapping[str, Fact]) -> Clauses:
    """Each way to be granted; ways that differ in the share alone are one each."""
    ways = rule.rules if isinstance(rule, AnyOf) else (rule,)
    return tuple((words_of(way), holds(way, facts)) for way in ways)


def rule_words(rule: Rule) -> tuple[str, ...]:
    """Each way to be granted, without a record."""
    return tuple(words_of(way) for way in (rule.rules if isinstance(rule, AnyOf) else (rule,)))


def words_of(rule: Rule) -> str:
    """A rule as a person reads it."""
    match rule:
        case AtMost(name, most):
            return _most_words(name, most)
        case Eq(name, value):
            return _equal_words(name, value)
        case AllOf(rules):
            return _("，且").join(_inner(one) for one in rules) or _("任何人")
        case AnyOf(rules):
            return _("，或").join(words_of(one) for one in rules) or _("没有人")
    assert_never(rule)


def _inner(rule: Rule) -> str:
    """A part of what must hold together: alternatives in brackets."""
    several = isinstance(rule, AnyOf) and len(rule.rules) > 1
    return _("（{words}）").format(words=words_of(rule)) if several else words_of(rule)


def level_word(level: int) -> str:
    """A level as a person reads it."""
    return {0: _("公开"), 1: _("内部"), 2: _("限制")}.get(level, str(level))


def unit_name(code: str) -> str:
    """The name of a unit, its code where there is no such unit."""
    return Unit.objects.filter(code=code).values_list("name", flat=True).first() or code


def use_word(use: str) -> str:
    """A kind of use as a person reads it."""
    return {
        "look": _("查看"),
        "print": _("打印"),
        "copy": _("复制"),
        "data": _("取用数据"),
    }.get(use, use)


def _most_words(name: str, most: int) -> str:
    match name:
        case "level":
            return _("可阅级别不高于“%(level)s”") % {"level": level_word(most)}
        case "open_from":
            return _("已到开放日期（今天 %(today)s）") % {
                "today": f"{most // 10000}-{most // 100 % 100:02}-{most % 100:02}"
            }
        case "personal":
            return _("没有发现个人信息")
    return f"{name} ≤ {most}"


def _equal_words(name: str, value: str | int) -> str:
    match name:
        case "unit":
            return _("由本单位（%(unit)s）形成") % {"unit": unit_name(str(value))}
        case "shares":
            return _("有共享授权 %(code)s") % {"code": value}
    return f"{name} = {value}"
