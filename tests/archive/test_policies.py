"""What the rule on records says, person by person: read, read whole, print, print whole."""

from collections.abc import Mapping

import pytest

from liandong.archive.policies import (
    EXAMINED_CLEAN,
    INTERNAL,
    OPEN,
    RESTRICTED,
    UNEXAMINED,
    may_change,
    may_know_readers,
    may_read,
    may_read_whole,
    may_review,
    may_use,
    may_use_whole,
)
from liandong.kernel.access import Fact, holds
from liandong.kernel.viewer import Share, Viewer

TODAY, TOMORROW, NEVER = 20261127, 20261128, 99991231
SENSITIVE = 2
STRANGER = Viewer()
CITIZEN = Viewer("wu", roles=frozenset({"reader"}))
CLERK = Viewer("zhao", "CZJ", INTERNAL, frozenset({"clerk"}))
ARCHIVIST = Viewer("li", "DAG", RESTRICTED, frozenset({"archivist"}))
DIRECTOR = Viewer("sun", "DAG", INTERNAL, frozenset({"director"}))
AUDITOR = Viewer("qian", "DAG", RESTRICTED, officer="auditor")


def _facts(**changed: Fact) -> Mapping[str, Fact]:
    """An open record of another unit without personal information."""
    usual = {
        "unit": "BGS", "level": OPEN, "open_from": 20200101, "personal": EXAMINED_CLEAN,
        "shares": frozenset[str](),
    }  # fmt: skip
    return usual | changed


def _with(*shares: Share) -> Viewer:
    return Viewer("wu", roles=frozenset({"reader"}), shares=shares)


def _said(viewer: Viewer, facts: Mapping[str, Fact]) -> str:
    """r: reads, R: reads the whole, p: prints, P: prints the whole."""
    rules = {
        "r": may_read(viewer, TODAY), "R": may_read_whole(viewer, TODAY),
        "p": may_use(viewer, "print", TODAY), "P": may_use_whole(viewer, "print", TODAY),
    }  # fmt: skip
    return "".join(letter for letter, rule in rules.items() if holds(rule, facts))


@pytest.mark.parametrize(
    ("changed", "by_person"),
    [
        ({}, "rRpP rRpP rRpP rRpP rRpP rRpP"),
        ({"open_from": TODAY}, "rRpP rRpP rRpP rRpP rRpP rRpP"),
        ({"open_from": TOMORROW}, "- - - rRpP rRpP -"),
        ({"open_from": NEVER}, "- - - rRpP rRpP -"),
        ({"open_from": NEVER, "unit": "CZJ"}, "- - rRpP rRpP rRpP -"),
        ({"open_from": NEVER, "unit": ""}, "- - - rRpP rRpP -"),
        ({"open_from": NEVER, "unit": "CZJ", "level": INTERNAL}, "- - rRpP rRpP rRpP -"),
        ({"open_from": NEVER, "unit": "CZJ", "level": RESTRICTED}, "- - - rRpP - -"),
        ({"level": INTERNAL}, "- - - rRpP rRpP -"),
        ({"level": RESTRICTED}, "- - - rRpP - -"),
        ({"personal": SENSITIVE}, "rp rp rp rRpP rRpP rp"),
        ({"personal": UNEXAMINED}, "rp rp rp rRpP rRpP rp"),
        ({"personal": SENSITIVE, "unit": "CZJ"}, "rp rp rRpP rRpP rRpP rp"),
    ],
)
def test_a_record_is_open_or_of_the_own_duty(changed: dict[str, Fact], by_person: str) -> None:
    people = (STRANGER, CITIZEN, CLERK, ARCHIVIST, DIRECTOR, AUDITOR)
    assert " ".join(_said(one, _facts(**changed)) or "-" for one in people) == by_person


LOOK, PRINT = frozenset({"look"}), frozenset({"look", "print"})


@pytest.mark.parametrize(
    ("shares", "personal", "said"),
    [
        ((Share("S1", whole=False, uses=LOOK),), EXAMINED_CLEAN, "rR"),
        ((Share("S1", whole=False, uses=LOOK),), SENSITIVE, "r"),
        ((Share("S1", whole=True, uses=LOOK),), SENSITIVE, "rR"),
        ((Share("S1", whole=False, uses=PRINT),), EXAMINED_CLEAN, "rRpP"),
        ((Share("S1", whole=False, uses=PRINT),), SENSITIVE, "rp"),
        ((Share("S1", whole=True, uses=PRINT),), SENSITIVE, "rRpP"),
        # Of another record:
        ((Share("S9", whole=True, uses=PRINT),), EXAMINED_CLEAN, ""),
        # The whole to look at, and masks to print, are not the whole to print:
        (
            (Share("S1", whole=True, uses=LOOK), Share("S2", whole=False, uses=PRINT)),
            SENSITIVE,
            "rRp",
        ),
        (
            (Share("S1", whole=True, uses=LOOK), Share("S9", whole=True, uses=PRINT)),
            SENSITIVE,
            "rR",
        ),
    ],
)
def test_a_grant_gives_what_it_says_and_no_more(
    shares: tuple[Share, ...], personal: int, said: str
) -> None:
    closed = _facts(
        level=RESTRICTED, open_from=NEVER, personal=personal, shares=frozenset({"S1", "S2"})
    )
    assert _said(_with(*shares), closed) == said
    assert _said(CITIZEN, closed) == ""


def test_a_post_counts_for_whoever_is_signed_in_and_no_officer() -> None:
    closed = _facts(open_from=NEVER, unit="CZJ")
    posts = frozenset({"clerk", "archivist", "director"})
    for nobody in (
        Viewer("", "CZJ", RESTRICTED, posts),
        Viewer("q", "CZJ", RESTRICTED, posts, "auditor"),
    ):
        assert _said(nobody, closed) == ""
        assert not holds(may_know_readers(nobody), closed)


@pytest.mark.parametrize(
    ("changed", "changes", "reviews", "knows"),
    [
        ({}, [ARCHIVIST], [ARCHIVIST, DIRECTOR], [ARCHIVIST, DIRECTOR]),
        ({"unit": "CZJ"}, [ARCHIVIST], [ARCHIVIST, DIRECTOR], [CLERK, ARCHIVIST, DIRECTOR]),
        ({"level": RESTRICTED, "unit": "CZJ"}, [ARCHIVIST], [ARCHIVIST], [ARCHIVIST]),
    ],
)
def test_who_corrects_reviews_and_knows_the_readers(
    changed: dict[str, Fact], changes: list[Viewer], reviews: list[Viewer], knows: list[Viewer]
) -> None:
    people, facts = (STRANGER, CITIZEN, CLERK, ARCHIVIST, DIRECTOR, AUDITOR), _facts(**changed)
    assert [one for one in people if holds(may_change(one), facts)] == changes
    assert [one for one in people if holds(may_review(one), facts)] == reviews
    assert [one for one in people if holds(may_know_readers(one), facts)] == knows
