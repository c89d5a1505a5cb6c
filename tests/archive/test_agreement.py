"""One rule, every reader: `holds`, the database (SQLite, PostgreSQL) and the index agree.

On random rules and on the real policies, with random people, records, grants and days.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from pytest_django import Settings
from tests.engines.search_work import index_on

from liandong.archive.models import (
    ArchivalClass,
    Fonds,
    PersonalHit,
    Record,
    SharedRecord,
    ShareGrant,
)
from liandong.archive.policies import (
    UNEXAMINED,
    Viewer,
    may_change,
    may_know_readers,
    may_read,
    may_read_whole,
    may_use,
    may_use_whole,
)
from liandong.archive.queries import Sight, as_seen, find, sights
from liandong.archive.queries.granting import granted
from liandong.archive.queries.shares import live_shares
from liandong.archive.queries.sight import sight_of_everybody
from liandong.archive.queries.why import explain, facts_of
from liandong.archive.services.indexing import reindex_all
from liandong.base.engines import engine
from liandong.base.models import Account, Unit
from liandong.kernel.access import (
    EVERYONE,
    NO_ONE,
    AllOf,
    AnyOf,
    AtMost,
    Eq,
    Fact,
    Rule,
    holds,
)
from liandong.kernel.ports import SearchQuery
from liandong.kernel.query import parse
from liandong.kernel.viewer import USES, Share

pytestmark = pytest.mark.django_db
FIXTURES = profile(  # an example is rows, an index and questions to both: seconds, not microseconds
    max_examples=max(10, profile.default.max_examples // 5),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
TODAY = 20261122
CODES = ("G1", "G2", "G3", "G4")
NAME = "王建国"
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    """The facts of a record to be made."""

    level: int
    open_from: int
    unit: str
    personal: int
    shares: frozenset[str]

    @property
    def facts(self) -> Mapping[str, Fact]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


RECORDS = st.builds(
    Kept,
    level=st.integers(0, 2),
    open_from=st.sampled_from([0, TODAY - 1, TODAY, TODAY + 1, 99991231]),
    unit=st.sampled_from(["", "A", "B", "AB", "a"]),
    personal=st.sampled_from([0, 1, 2, UNEXAMINED]),
    shares=st.frozensets(st.sampled_from(CODES), max_size=2),
)
SHARES = st.lists(
    st.builds(
        Share,
        code=st.sampled_from(CODES),
        whole=st.booleans(),
        uses=st.frozensets(st.sampled_from(USES), min_size=1),
    ),
    max_size=4,
    unique_by=lambda share: share.code,
).map(tuple)
VIEWERS = st.builds(
    Viewer,
    name=st.sampled_from(["", "wu", "wu"]),
    unit=st.sampled_from(["", "A", "B", "AB"]),
    clearance=st.integers(0, 2),
    roles=st.frozensets(st.sampled_from(["clerk", "archivist", "director", "reader"]), max_size=2),
    officer=st.sampled_from(["", "", "", "sys_admin", "sec_admin", "audit_admin"]),
    shares=SHARES,
)
DAYS = st.sampled_from([TODAY - 1, TODAY, TODAY + 1])
RULES = st.recursive(
    st.builds(
        AtMost,
        st.sampled_from(["level", "open_from", "personal"]),
        st.sampled_from([-(2**70), -1, 0, 1, 2, 8, 9, TODAY - 1, TODAY, 2**63 - 1, 2**70]),
    )
    | st.builds(Eq, st.just("unit"), st.sampled_from(["", "A", "B", "a", "AB"]))
    | st.builds(Eq, st.just("shares"), st.sampled_from([*CODES, "", "g1"]))
    | st.builds(Eq, st.sampled_from(["level", "personal"]), st.integers(0, 2) | st.just(2**64)),
    lambda inner: (
        st.lists(inner, max_size=4)
        .map(tuple)
        .flatmap(lambda parts: st.sampled_from([AllOf(parts), AnyOf(parts)]))
    ),
    max_leaves=10,
)


Keep = Callable[[Sequence[Kept]], dict[int, Kept]]


@pytest.fixture(params=[0, TODAY - 1])
def keep(home: Path, settings: Settings, request: pytest.FixtureRequest) -> Keep:
    """With an index begun before the days of the tests, and with one begun after."""
    search = settings.ENGINES["search"]
    options = {**search["options"], "day": request.param}
    settings.ENGINES = {**settings.ENGINES, "search": {**search, "options": options}}
    return _keeper()


@pytest.fixture
def keep_on_server(home: Path, settings: Settings, search_server: str) -> Iterator[Keep]:
    with index_on(search_server) as index:
        search = {
            "class": "liandong.engines.search.opensearch.OpenSearchIndex",
            "options": {"url": f"{search_server}/{index._prefix}", "timeout_s": 60.0},
        }
        settings.ENGINES = {**settings.ENGINES, "search": search}
        yield _keeper()


def _keeper() -> Keep:
    """Makes the records, as rows and in the index: all that were there before are gone."""
    fonds = Fonds.objects.create(number="Z109", title="临江市人民政府")
    place = ArchivalClass.objects.create(fonds=fonds, category="WS", year="2011", retention="Y")
    unit = Unit.objects.create(code="A", name="A")
    grants = [ShareGrant.objects.create(code=code, unit=unit, **GRANT) for code in CODES]

    def make(wanted: Sequence[Kept]) -> dict[int, Kept]:
        Record.objects.all().delete()
        rows = Record.objects.bulk_create(
            _record(fonds, place, number, one) for number, one in enumerate(wanted, start=1)
        )
        made = {row.pk: one for row, one in zip(rows, wanted, strict=True)}
        SharedRecord.objects.bulk_create(
            SharedRecord(grant=grant, record_id=pk)
            for (pk, one), grant in itertools.product(made.items(), grants)
            if grant.code in one.shares
        )
        PersonalHit.objects.bulk_create(
            PersonalHit(
                record_id=pk, page=0, field=field, start=start, end=start + len(NAME),
                kind="person_name", method="context",
            )
            for (pk, one), (field, start) in itertools.product(
                made.items(), [("title", 2), ("author", 0)]
            )
            if one.personal in {1, 2}
        )  # fmt: skip
        reindex_all()
        return made

    return make


GRANT = {
    "purpose": "编史修志", "uses": "look", "begins_at": NOW, "ends_at": NOW + timedelta(days=1),
    "granted_at": NOW, "granted_by": "li",
}  # fmt: skip


def _record(fonds: Fonds, place: ArchivalClass, number: int, one: Kept) -> Record:
    year = str(2010 + number % 2)
    title = f"关于{NAME}同志的通知"
    code = f"Z109-WS·2011-Y-BGS-{number:04d}"
    return Record(
        archival_class=place, fonds=fonds, category="WS", year=year, retention="Y",
        number=number, code=code, title=title, author=NAME, admitted_at=NOW, admitted_by="li",
        description={"archival_code": code, "title": title, "author": NAME},
        level=one.level, open_from=one.open_from, unit=one.unit, personal=one.personal,
    )  # fmt: skip


def _rules(viewer: Viewer, today: int) -> Iterator[Rule]:
    """Every rule of `archive.policies`."""
    yield from (may_read(viewer, today), may_read_whole(viewer, today))
    for use in USES:
        yield from (may_use(viewer, use, today), may_use_whole(viewer, use, today))
    yield from (may_change(viewer), may_know_readers(viewer))


def _agree(made: Mapping[int, Kept], rules: Sequence[Rule]) -> None:
    years = dict(Record.objects.values_list("pk", "year"))
    for rule in rules:
        wanted = {pk for pk, one in made.items() if holds(rule, one.facts)}
        rows = granted(rule)
        assert (set(rows.values_list("pk", flat=True)), rows.count()) == (wanted, len(wanted)), rule
        answer = engine("search").find(
            SearchQuery(), visible=rule, whole=EVERYONE, limit=50, facets=("year",)
        )
        found = [hit.record_id for hit in answer.hits]
        assert (set(found), len(found), answer.count) == (wanted, len(wanted), len(wanted)), rule
        assert dict(answer.facets["year"]) == Counter(years[pk] for pk in wanted), rule


MANY = tuple(
    AllOf((Eq("level", level), Eq("unit", unit), AtMost("open_from", TODAY)))
    for level in range(3)
    for unit in ("A", "B", "AB")
)
"""More alternatives than the index asks for one after the other."""


@FIXTURES
@given(st.lists(RECORDS, max_size=8), st.lists(RULES, min_size=1, max_size=6))
@example(
    [Kept(level, TODAY + more, "A", 0, frozenset()) for level in range(3) for more in (0, 1)],
    [AnyOf(MANY)],
)
def test_random_rules_mean_the_same_to_every_reader(
    keep: Keep, wanted: list[Kept], rules: list[Rule]
) -> None:
    _agree(keep(wanted), [*rules, EVERYONE, NO_ONE])


@pytest.mark.slow
@pytest.mark.enable_socket
@profile(FIXTURES, max_examples=3)
@given(st.lists(RECORDS, max_size=8), st.lists(RULES, min_size=1, max_size=6))
@example(
    [Kept(level, TODAY + more, "A", 0, frozenset()) for level in range(3) for more in (0, 1)],
    [AnyOf(MANY)],
)
def test_random_rules_mean_the_same_to_a_search_server(
    keep_on_server: Keep, wanted: list[Kept], rules: list[Rule]
) -> None:
    _agree(keep_on_server(wanted), [*rules, EVERYONE, NO_ONE])


ALONE = Kept(0, TODAY, "A", 0, frozenset())  # open since today
NEAR = (  # near misses of every clause
    ALONE,
    replace(ALONE, personal=1),
    replace(ALONE, personal=UNEXAMINED),
    replace(ALONE, open_from=TODAY + 1),
    replace(ALONE, level=1),
    replace(ALONE, level=2),
    replace(ALONE, level=1, unit="B", open_from=99991231),
    replace(ALONE, level=2, unit="B", personal=2, shares=frozenset({"G1"})),
    replace(ALONE, level=2, unit="", personal=2, shares=frozenset({"G2"})),
    replace(ALONE, level=1, unit="B", personal=0, shares=frozenset({"G1", "G3"})),
)
PEOPLE = (
    Viewer(),
    Viewer("wu", roles=frozenset({"reader"})),
    Viewer("wu", "A", 1, frozenset({"clerk"})),
    Viewer("wu", "A", 0, frozenset({"clerk"})),
    Viewer("wu", "", 2, frozenset({"archivist"})),
    Viewer("wu", "", 1, frozenset({"archivist"})),
    Viewer("wu", "B", 2, frozenset({"director"})),
    Viewer("wu", "A", 2, officer="sec_admin"),
    Viewer("", "A", 2, frozenset({"archivist"})),
    Viewer("wu", shares=(Share("G1", False, frozenset({"look", "copy"})),)),
    Viewer("wu", shares=(Share("G1", True, frozenset({"look"})),)),
    Viewer(
        "wu",
        shares=(
            Share("G1", False, frozenset({"copy"})),
            Share("G2", True, frozenset({"look"})),
            Share("G3", True, frozenset({"data"})),
        ),
    ),
)


@FIXTURES
@given(
    st.lists(RECORDS, max_size=8),
    st.lists(st.tuples(VIEWERS, DAYS), min_size=1, max_size=4),
)
@example(list(NEAR), [(viewer, TODAY) for viewer in PEOPLE])
def test_the_real_rules_mean_the_same_to_every_reader(
    keep: Keep,
    wanted: list[Kept],
    people: list[tuple[Viewer, int]],
) -> None:
    made = keep(wanted)
    for viewer, today in people:
        _agree(made, list(_rules(viewer, today)))


@FIXTURES
@given(
    st.lists(RECORDS, max_size=8),
    st.lists(st.tuples(VIEWERS, DAYS), min_size=1, max_size=4),
)
@example(list(NEAR), [(viewer, TODAY) for viewer in PEOPLE])
def test_what_is_seen_is_what_the_rules_say_in_rows_pages_and_search(
    keep: Keep,
    wanted: list[Kept],
    people: list[tuple[Viewer, int]],
) -> None:
    made = keep(wanted)
    rows = list(Record.objects.order_by("pk"))
    for viewer, today in people:
        asked: dict[str, Any] = {"viewer": viewer, "today": today}
        seen = {pk: _sight(viewer, one, today) for pk, one in made.items()}
        shown = {pk: sight for pk, sight in seen.items() if sight != Sight.NOTHING}
        assert sights(made, **asked) == shown
        assert {row.pk: row.sight for row in as_seen(rows, **asked)} == shown
        assert {row.pk: explain(viewer, row, today=today).sight for row in rows} == seen
        told = {row.pk for row in as_seen(rows, **asked) if NAME in row.title + row.author}
        assert told == {pk for pk, sight in shown.items() if sight == Sight.WHOLE}
        _searches_agree(made, shown, asked)


@pytest.mark.slow
@pytest.mark.enable_socket
def test_the_real_rules_mean_the_same_to_a_search_server(keep_on_server: Keep) -> None:
    made = keep_on_server(list(NEAR))
    for viewer in PEOPLE:
        _agree(made, list(dict.fromkeys(_rules(viewer, TODAY))))
        shown = sights(made, viewer=viewer, today=TODAY)
        _searches_agree(made, shown, {"viewer": viewer, "today": TODAY})


def _sight(viewer: Viewer, one: Kept, today: int) -> Sight:
    if not holds(may_read(viewer, today), one.facts):
        return Sight.NOTHING
    return Sight.WHOLE if holds(may_read_whole(viewer, today), one.facts) else Sight.MASKED


def _searches_agree(
    made: Mapping[int, Kept], shown: Mapping[int, Sight], asked: dict[str, Any]
) -> None:
    whole = {pk for pk, sight in shown.items() if sight == Sight.WHOLE}
    legible = {pk for pk in shown if pk in whole or made[pk].personal != UNEXAMINED}
    for typed, wanted in ((NAME, whole), ("通知", legible), (f"通知 -{NAME}", legible - whole)):
        found = find(parse(typed), **asked, limit=50)
        assert ({hit.record.pk for hit in found.hits}, found.count) == (wanted, len(wanted)), typed
        authors = {value: count for value, _, count in found.facets["author"]}
        assert authors == Counter(NAME if pk in whole else "王**" for pk in wanted), typed


@FIXTURES
@given(st.lists(RECORDS, min_size=1, max_size=4), DAYS)
def test_what_everybody_sees_is_what_a_stranger_sees(
    keep: Keep, wanted: list[Kept], today: int
) -> None:
    made = keep(wanted)
    for row in Record.objects.all():
        assert sight_of_everybody(row, today=today) == _sight(Viewer(), made[row.pk], today)
        assert facts_of(row) == made[row.pk].facts


# Laws of the policies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("viewer", "reads"),
    [
        (Viewer("wu", "", 2, frozenset({"archivist"})), "A1 A2 B1 B2"),
        (Viewer("wu", "", 1, frozenset({"archivist"})), "A1 B1"),
        (Viewer("wu", "B", 2, frozenset({"director"})), "A1 A2 B1 B2"),
        (Viewer("wu", "A", 1, frozenset({"clerk"})), "A1"),
        (Viewer("wu", "A", 0, frozenset({"clerk"})), ""),
        (Viewer("wu", "A", 2, frozenset({"archivist"}), officer="sec_admin"), ""),
        (Viewer("", "A", 2, frozenset({"archivist"})), ""),
        (Viewer("wu"), ""),
    ],
)
def test_duty_reads_what_is_closed_within_clearance(viewer: Viewer, reads: str) -> None:
    closed = {
        f"{unit}{level}": Kept(level, 99991231, unit, 0, frozenset()).facts
        for unit in "AB"
        for level in (1, 2)
    }
    for rule in (may_read(viewer, TODAY), may_read_whole(viewer, TODAY)):
        assert " ".join(name for name, facts in closed.items() if holds(rule, facts)) == reads


@given(RECORDS, VIEWERS, DAYS)
def test_the_whole_is_read_only_by_who_may_read(one: Kept, viewer: Viewer, today: int) -> None:
    facts = one.facts
    if holds(may_read_whole(viewer, today), facts):
        assert holds(may_read(viewer, today), facts)
    for use in USES:
        if holds(may_use_whole(viewer, use, today), facts):
            assert holds(may_use(viewer, use, today), facts)
            assert holds(may_read_whole(viewer, today), facts)
        if holds(may_use(viewer, use, today), facts):
            assert holds(may_read(viewer, today), facts)
    if holds(may_know_readers(viewer), facts) or holds(may_change(viewer), facts):
        assert viewer.roles


@given(RECORDS, VIEWERS, st.data())
def test_a_grant_gives_what_it_says_and_no_two_give_more(
    one: Kept, viewer: Viewer, data: st.DataObject
) -> None:
    bare = replace(viewer, shares=())
    use = data.draw(st.sampled_from(USES))
    for rule_of in (may_read, may_read_whole, _using(use), _using_whole(use)):
        alone = [
            holds(rule_of(replace(bare, shares=(share,)), TODAY), one.facts)
            for share in viewer.shares
        ]
        assert holds(rule_of(viewer, TODAY), one.facts) == (
            holds(rule_of(bare, TODAY), one.facts) or any(alone)
        )


def _using(use: str) -> Callable[[Viewer, int], Rule]:
    return lambda viewer, today: may_use(viewer, use, today)


def _using_whole(use: str) -> Callable[[Viewer, int], Rule]:
    return lambda viewer, today: may_use_whole(viewer, use, today)


@given(RECORDS, VIEWERS, st.integers(0, 1))
def test_more_clearance_never_hides_a_record(one: Kept, viewer: Viewer, lower: int) -> None:
    for rule_of in (may_read, may_read_whole):
        if holds(rule_of(replace(viewer, clearance=lower), TODAY), one.facts):
            assert holds(rule_of(replace(viewer, clearance=lower + 1), TODAY), one.facts)


# Grants -------------------------------------------------------------------------------------------

MOMENTS = st.integers(-2, 2).map(lambda hours: NOW + timedelta(hours=hours))
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["wu", "zhao", "unit A", "unit B"]),
        MOMENTS,
        st.integers(1, 3),
        st.none() | MOMENTS,
        st.booleans(),
        st.lists(st.sampled_from(USES), min_size=1, unique=True),
    ),
    max_size=6,
)


@FIXTURES
@given(ROWS, MOMENTS, st.sampled_from(["", "A", "B"]), st.sampled_from(["", "sys_admin"]))
def test_grants_are_live_from_their_beginning_to_their_end_unless_withdrawn(
    home: Path, rows: list[Any], now: datetime, unit: str, officer: str
) -> None:
    ShareGrant.objects.all().delete()
    people = {n: Account.objects.get_or_create(username=n)[0] for n in ("wu", "zhao")}
    units = {f"unit {c}": Unit.objects.get_or_create(code=c, name=c)[0] for c in ("A", "B")}
    wanted = []
    for number, (whom, begins, hours, withdrawn, whole, uses) in enumerate(rows):
        ends = begins + timedelta(hours=hours)
        ShareGrant.objects.create(
            code=f"S{number}", account=people.get(whom), unit=units.get(whom), purpose="编史修志",
            uses=",".join(uses), whole=whole, begins_at=begins, ends_at=ends, granted_at=NOW,
            granted_by="li", withdrawn_at=withdrawn, withdrawn_by="li" if withdrawn else "",
        )  # fmt: skip
        mine = whom == "wu" or (bool(unit) and whom == f"unit {unit}")
        if mine and begins <= now < ends and withdrawn is None and not officer:
            wanted.append(Share(f"S{number}", whole, frozenset(uses)))
    assert list(live_shares(Viewer("wu", unit, officer=officer), now=now)) == wanted
    assert live_shares(Viewer("", unit), now=now) == ()
