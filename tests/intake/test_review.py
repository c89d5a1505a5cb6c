"""Deciding proposals: one, many, undo; what is accepted describes."""

import pytest

from liandong.intake.models import Item, Proposal
from liandong.intake.services.review import (
    AlreadyDecided,
    decide_proposal,
    decide_proposals_above,
    undo_decision,
)

from .describing import NOW, make_batch, make_item

pytestmark = pytest.mark.django_db


def propose(
    item: Item, field: str = "title", value: str = "甲", confidence: float = 0.9
) -> Proposal:
    return item.proposals.create(field=field, value=value, confidence=confidence, method="ocr")


def test_accepting_writes_the_description() -> None:
    item = make_item(make_batch(), title="旧")
    decided = decide_proposal(propose(item), "accept", by="li", now=NOW)
    item.refresh_from_db()
    assert item.description["title"] == "甲"
    assert (decided.state, decided.decided_value, decided.decided_by) == ("accepted", "甲", "li")


def test_editing_writes_the_edited_value() -> None:
    item = make_item(make_batch())
    decided = decide_proposal(propose(item), "edit", value=" 乙 ", by="li", now=NOW)
    item.refresh_from_db()
    assert (decided.state, item.description["title"]) == ("edited", "乙")


def test_rejecting_writes_nothing() -> None:
    item = make_item(make_batch(), title="旧")
    decided = decide_proposal(propose(item), "reject", by="li", now=NOW)
    item.refresh_from_db()
    assert (decided.state, decided.decided_value, item.description["title"]) == (
        "rejected",
        "",
        "旧",
    )


def test_a_name_describes_no_field() -> None:
    item = make_item(make_batch())
    decide_proposal(propose(item, "org", "市财政局"), "accept", by="li", now=NOW)
    item.refresh_from_db()
    assert item.description == {}


@pytest.mark.parametrize(("decision", "value"), [("", ""), ("undo", "x"), ("edit", "  ")])
def test_an_unknown_decision_is_refused(decision: str, value: str) -> None:
    proposal = propose(make_item(make_batch()))
    with pytest.raises(ValueError, match="decision"):
        decide_proposal(proposal, decision, value=value, by="li", now=NOW)
    proposal.refresh_from_db()
    assert proposal.state == "proposed"


def test_a_proposal_decided_meanwhile_is_not_decided_again() -> None:
    item = make_item(make_batch())
    proposal = propose(item)
    decide_proposal(proposal, "reject", by="li", now=NOW)
    with pytest.raises(AlreadyDecided) as raised:
        decide_proposal(proposal, "accept", by="wang", now=NOW)
    assert raised.value.state == "rejected"
    item.refresh_from_db()
    assert "title" not in item.description


def test_undo_brings_back_what_stood_there() -> None:
    item = make_item(make_batch(), title="目录所写")
    proposal = propose(item)
    decide_proposal(proposal, "accept", by="li", now=NOW)
    opened = undo_decision(proposal, by="li", now=NOW)
    item.refresh_from_db()
    assert (opened.state, opened.decided_at, opened.decided_by) == ("proposed", None, "")
    assert item.description["title"] == "目录所写"


def test_undo_leaves_what_was_changed_since() -> None:
    item = make_item(make_batch())
    proposal = propose(item)
    decide_proposal(proposal, "accept", by="li", now=NOW)
    Item.objects.filter(pk=item.pk).update(description={"title": "后来所写"})
    undo_decision(proposal, by="li", now=NOW)
    item.refresh_from_db()
    assert item.description["title"] == "后来所写"


def test_an_open_proposal_cannot_be_undone() -> None:
    with pytest.raises(ValueError, match="not decided"):
        undo_decision(propose(make_item(make_batch())), by="li", now=NOW)


def test_many_are_accepted_above_a_confidence_after_a_preview() -> None:
    batch = make_batch()
    item, other = make_item(batch), make_item(make_batch())
    sure, unsure = propose(item, confidence=0.95), propose(item, "urgency", "特急", 0.7)
    elsewhere = propose(other, confidence=0.99)
    seen = decide_proposals_above(batch, 0.9, by="li", now=NOW, preview=True)
    assert [one.pk for one in seen] == [sure.pk]
    sure.refresh_from_db()
    assert sure.state == "proposed"
    assert [one.pk for one in decide_proposals_above(batch, 0.9, by="li", now=NOW)] == [sure.pk]
    for proposal, state in ((sure, "accepted"), (unsure, "proposed"), (elsewhere, "proposed")):
        proposal.refresh_from_db()
        assert proposal.state == state


def test_of_two_values_for_one_field_the_surer_stands() -> None:
    batch = make_batch()
    item = make_item(batch)
    propose(item, "document_number", "甲〔2020〕1号", 0.95)
    propose(item, "order_number", "甲令第1号", 0.92)
    decide_proposals_above(batch, 0.9, by="li", now=NOW)
    item.refresh_from_db()
    assert item.description["document_number"] == "甲〔2020〕1号"
