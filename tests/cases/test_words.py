"""Words of cases: the index of pairs proposes, and finds what reading every case finds."""

import pytest
from django.core.management.color import no_style
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from tests.cases.build import NOW, opened, people

from liandong.base.viewers import viewer_of_account
from liandong.cases.models import Case, WordPair
from liandong.cases.queries import words
from liandong.cases.queries.cases import Filters, listed
from liandong.cases.queries.words import first_unread, found_by, pairs_of
from liandong.cases.services import reading_words
from liandong.cases.services.reading_words import read_blocks
from liandong.kernel.viewer import Viewer

pytestmark = pytest.mark.django_db

TITLES = (
    "路灯不亮", "灯路不明", "井盖 Lost", "井盖lost了", "仅此一处", "路", "不亮的路灯", "", "100%",
    "a_b",
)  # fmt: skip
ASKED = (
    "路灯", "灯", "LOST", "盖 l", "仅此一处", "此处", "不亮", "0%", "a_", "黄河五路", "五路 ", "街",
)  # fmt: skip


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    """Cases of three blocks of four keys, two of them read, and a row of the index for each."""
    people()
    for place in (words, reading_words):
        monkeypatch.setattr(place, "BLOCK", 4)
    first = opened().case
    rows = [
        Case(
            pk=first.pk + 1 + at, kind="snap_report", channel="web", state="submitted", level=1,
            title=TITLES[at % len(TITLES)], address="黄河五路" if at % 3 else "", submitted_at=NOW,
            changed_at=NOW,
        )
        for at in range(14)
    ]  # fmt: skip
    Case.objects.bulk_create(rows)
    with connection.cursor() as cursor:  # keys of PostgreSQL go on over all tests
        for statement in connection.ops.sequence_reset_sql(no_style(), [Case]):
            cursor.execute(statement)
    if (block := first.pk // 4) > 1:
        WordPair.objects.create(pair="", block=block - 1, places=b"")  # read as far as that
    return rows


def _read(text: str) -> set[int]:
    has = Q(title__icontains=text) | Q(address__icontains=text)
    return set(Case.objects.filter(has).values_list("pk", flat=True))


@pytest.mark.parametrize("text", ASKED)
@pytest.mark.parametrize("most", [0, 3, 2000])
def test_words_find_what_reading_every_case_finds(
    cases: list[Case], monkeypatch: pytest.MonkeyPatch, text: str, most: int
) -> None:
    monkeypatch.setattr(words, "MOST", most)
    while read_blocks():
        pass
    assert first_unread() > cases[0].pk
    assert set(Case.objects.filter(found_by(text)).values_list("pk", flat=True)) == _read(text)


@pytest.mark.parametrize("text", ASKED)
def test_below_a_key_words_find_what_is_there(cases: list[Case], text: str) -> None:
    while read_blocks():
        pass
    before = cases[7].pk
    found = Case.objects.filter(found_by(text, before=before), pk__lt=before)
    assert set(found.values_list("pk", flat=True)) == {key for key in _read(text) if key < before}


def test_a_block_waits_until_the_next_one_is_full(cases: list[Case]) -> None:
    while read_blocks():
        pass
    newest = cases[-1].pk
    assert first_unread() == (newest // 4 - 1) * 4
    assert read_blocks() == 0
    assert not WordPair.objects.filter(block__gte=newest // 4 - 1).exists()


def test_what_came_since_is_found_as_well(cases: list[Case]) -> None:
    while read_blocks():
        pass
    late = opened(form={"text": "桥头护栏断了"}).case
    assert Case.objects.filter(found_by("护栏")).get() == late


def test_a_number_finds_its_case(cases: list[Case]) -> None:
    while read_blocks():
        pass
    assert Case.objects.filter(found_by(cases[2].number)).get().pk == cases[2].pk


def test_words_that_were_erased_are_not_found(cases: list[Case]) -> None:
    while read_blocks():
        pass
    Case.objects.filter(title__contains="仅此").update(title="")
    assert not Case.objects.filter(found_by("仅此一处")).exists()


def test_nobody_finds_what_is_hidden(cases: list[Case]) -> None:
    while read_blocks():
        pass
    seen = {one.pk for one in listed(Filters(words="路灯"), viewer=_viewer("desk"), now=NOW)}
    assert seen == _read("路灯")
    assert listed(Filters(words="路灯"), viewer=_viewer("citizen"), now=NOW) == []


def test_the_index_is_asked_once_for_all_ways_to_be_granted(cases: list[Case]) -> None:
    while read_blocks():
        pass
    with CaptureQueriesContext(
        connection,
    ) as asked:
        listed(Filters(words="路灯"), viewer=_viewer("grid"), now=NOW)
    of_index = [one for one in asked.captured_queries if "cases_wordpair" in one["sql"]]
    assert len(of_index) == 2  # how far it goes, and the pairs


def test_pairs_are_of_neighbours_in_lower_case() -> None:
    assert pairs_of("路灯A") == {"路灯", "灯a"}
    assert pairs_of("路") == frozenset()


def _viewer(name: str) -> Viewer:
    return viewer_of_account(people()[name])
