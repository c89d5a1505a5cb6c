"""A request of use from draft to end: who may do what, when, and what is left behind."""

from datetime import date
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from tests.exchange.build import (
    ASKER,
    DAY,
    DIRECTOR,
    FORMER,
    HOLDER,
    NOW,
    OTHER,
    TODAY,
    UNTIL,
    asked,
    gathered,
    granted,
    people,
    records,
    submitted,
    yes,
)

from liandong.archive.models import Record, ShareGrant
from liandong.archive.policies import RESTRICTED
from liandong.archive.queries import readable
from liandong.base.models import Account, AuditRow, Notice, Outcome, Post, Role
from liandong.exchange.models import NumberSeries, RequestEvent, RequestState, UseRequest
from liandong.exchange.services import deciding, drafting, extending, opinions
from liandong.exchange.services.deciding import Ruling
from liandong.exchange.services.people import end_of, viewer_by
from liandong.kernel.flows import StepRefused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    people()


def _titles(name: str, now=NOW) -> set[str]:  # type: ignore[no-untyped-def]
    day = int(now.astimezone().strftime("%Y%m%d"))
    return set(readable(viewer_by(name, now=now), day).values_list("code", flat=True))


# Handing in -----------------------------------------------------------------------------------


def test_a_draft_may_be_blank_and_has_no_number() -> None:
    draft = drafting.save_draft(asked(purpose="", uses=(), until=None), by=ASKER, now=NOW)
    assert (draft.state, draft.number, draft.asker_unit) == (RequestState.DRAFT, "", "CZJ")


@pytest.mark.parametrize(
    ("blank", "missing"),
    [
        ({"purpose": " "}, "purpose"),
        ({"purpose_kind": "nonsense"}, "purpose"),
        ({"legal_basis": ""}, "basis"),
        ({"wanted": ""}, "subject"),
        ({"uses": ("fly",)}, "uses"),
        ({"until": None}, "until"),
    ],
)
def test_what_is_blank_is_named_and_nothing_is_handed_in(blank: dict, missing: str) -> None:
    draft = drafting.save_draft(asked(**blank), by=ASKER, now=NOW)
    with pytest.raises(StepRefused) as refused:
        drafting.submit(draft.pk, by=ASKER, now=NOW)
    draft.refresh_from_db()
    assert (refused.value.reason, refused.value.detail) == ("missing-evidence", missing)
    assert (draft.state, draft.number, RequestEvent.objects.count()) == ("draft", "", 0)


def test_numbers_of_a_year_have_no_gap_though_a_step_was_refused() -> None:
    first = submitted()
    with pytest.raises(StepRefused):
        submitted(until=TODAY - DAY)
    second = submitted()
    assert (first.number, second.number) == ("LY-2026-0001", "LY-2026-0002")
    assert NumberSeries.objects.get(kind="LY").last == 2


def test_the_answer_is_due_in_working_days(settings) -> None:  # type: ignore[no-untyped-def]
    settings.SHARE_DAYS = 3
    assert submitted().due_on == date(2026, 11, 30)  # Wednesday + 3, over a weekend


@pytest.mark.parametrize("until", [TODAY - DAY, TODAY + 400 * DAY])
def test_a_time_that_is_over_or_too_long_is_refused(until: date) -> None:
    with pytest.raises(StepRefused, match=r"past|too-long"):
        submitted(until=until)


def test_nobody_hands_in_or_changes_the_draft_of_another(home: Path) -> None:
    draft = drafting.save_draft(asked(), by=ASKER, now=NOW)
    with pytest.raises(StepRefused, match="wrong-role"):
        drafting.submit(draft.pk, by=OTHER, now=NOW)
    with pytest.raises(UseRequest.DoesNotExist):
        drafting.save_draft(asked(), by=OTHER, now=NOW, draft_id=draft.pk)
    with pytest.raises(UseRequest.DoesNotExist):
        drafting.attach(draft.pk, "a.pdf", b"%PDF-1.4", by=OTHER, now=NOW)


def test_a_draft_names_only_records_that_the_asker_may_read(home: Path) -> None:
    hidden, own = records(home, 1), records(home, 1, start=2, unit="CZJ")
    ids = (hidden[0].pk, own[0].pk)
    draft = drafting.save_draft(asked(record_ids=ids), by=ASKER, now=NOW)
    assert [row.record_id for row in draft.records.all()] == [own[0].pk]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.exe", b"MZ\x90", "kind"),
        ("a.svg", b"<svg onload=alert(1)>", "kind"),
        ("a.pdf", b"", "empty"),
        ("a.pdf", b"%PDF-" + b"x" * drafting.PAPER_BYTES, "too-large"),
    ],
)
def test_papers_that_are_no_papers_are_not_taken(name: str, content: bytes, reason: str) -> None:
    draft = drafting.save_draft(asked(), by=ASKER, now=NOW)
    with pytest.raises(drafting.PaperRefused, match=reason):
        drafting.attach(draft.pk, name, content, by=ASKER, now=NOW)
    assert draft.attachments.count() == 0


def test_a_paper_keeps_its_bytes_and_loses_the_path_in_its_name() -> None:
    draft = drafting.save_draft(asked(), by=ASKER, now=NOW)
    paper = drafting.attach(draft.pk, "..\\..\\介绍信\n.pdf", b"%PDF-1.4 x", by=ASKER, now=NOW)
    assert bytes(paper.content) == b"%PDF-1.4 x"
    assert "/" not in paper.name
    assert "\n" not in paper.name
    for number in range(drafting.MOST_PAPERS - 1):
        drafting.attach(draft.pk, f"{number}.pdf", b"%PDF-1.4", by=ASKER, now=NOW)
    with pytest.raises(drafting.PaperRefused, match="too-many"):
        drafting.attach(draft.pk, "x.pdf", b"%PDF-1.4", by=ASKER, now=NOW)


# Deciding -------------------------------------------------------------------------------------


def test_a_grant_shows_the_records_to_the_asker_and_to_nobody_else(home: Path) -> None:
    granted(home)
    codes = set(Record.objects.values_list("code", flat=True))
    assert _titles(ASKER) == codes
    assert _titles(OTHER) == set()


def test_a_grant_ends_by_the_clock_alone(home: Path) -> None:
    request = granted(home)
    end = end_of(UNTIL)
    assert _titles(ASKER, end - DAY)
    assert _titles(ASKER, end) == set()
    request.refresh_from_db()
    assert (request.standing(end - DAY), request.standing(end)) == ("granted", "ended")


def test_a_withdrawn_grant_is_over_at_once(home: Path) -> None:
    request = granted(home)
    deciding.withdraw(request.pk, why="用途已变", by=HOLDER, now=NOW)
    assert _titles(ASKER) == set()
    grant = ShareGrant.objects.get()
    assert (grant.withdrawn_by, grant.withdrawn_at) == (HOLDER, NOW)


def test_a_grant_to_the_department_is_for_all_its_people(home: Path) -> None:
    granted(home, for_unit=True)
    colleague = Account.objects.create(
        username="wu", unit=Account.objects.get(username=ASKER).unit, clearance=1
    )
    Post.objects.create(account=colleague, role=Role.READER)
    assert _titles("wu") == _titles(ASKER) != set()


def test_some_records_may_be_refused_with_a_ground(home: Path) -> None:
    found = records(home, unit="")
    request = gathered(found)
    rulings = (Ruling(found[0].pk, True), Ruling(found[1].pk, False, "D16", "过程性信息"))
    deciding.grant(request.pk, yes(found, rulings=rulings), by=HOLDER, now=NOW)
    assert _titles(ASKER) == {found[0].code}
    refused = request.records.get(verdict="refused")
    assert (refused.ground, refused.reason) == ("D16", "过程性信息")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"uses": ("look", "copy")}, "beyond-asked"),
        ({"whole": True}, "beyond-asked"),
        ({"until": UNTIL + DAY}, "beyond-asked"),
        ({"until": TODAY - DAY}, "past"),
        ({"until": None}, "missing-evidence"),
        ({"uses": ()}, "missing-evidence"),
        ({"rulings": ()}, "missing-evidence"),
    ],
)
def test_a_decision_gives_no_more_than_was_asked(home: Path, change: dict, reason: str) -> None:
    found = records(home, unit="")
    request = gathered(found)
    with pytest.raises(StepRefused, match=reason):
        deciding.grant(request.pk, yes(found, **change), by=HOLDER, now=NOW)
    assert ShareGrant.objects.count() == 0


def test_a_decision_rules_on_every_record_and_names_grounds_of_the_law(home: Path) -> None:
    found = records(home, unit="")
    request = gathered(found)
    half = (Ruling(found[0].pk, True),)
    with pytest.raises(StepRefused, match="undecided"):
        deciding.grant(request.pk, yes(found, rulings=half), by=HOLDER, now=NOW)
    groundless = (Ruling(found[0].pk, True), Ruling(found[1].pk, False, "because"))
    with pytest.raises(StepRefused, match="ground"):
        deciding.grant(request.pk, yes(found, rulings=groundless), by=HOLDER, now=NOW)


def test_a_refusal_needs_ground_and_words(home: Path) -> None:
    request = submitted()
    for ground, answer in (("", "不行"), ("D14", " "), ("X1", "不行")):
        with pytest.raises(StepRefused, match="missing-evidence"):
            deciding.refuse(request.pk, ground=ground, answer=answer, by=HOLDER, now=NOW)
    done = deciding.refuse(request.pk, ground="D14", answer="涉密", by=HOLDER, now=NOW)
    assert (done.state, done.ground, done.decided_by) == ("refused", "D14", HOLDER)


def test_the_asker_decides_nothing_even_as_an_archivist(home: Path) -> None:
    found = records(home, unit="")
    request = submitted(by=HOLDER)
    for attempt in (
        lambda: deciding.gather(request.pk, [found[0].pk], by=HOLDER, now=NOW),
        lambda: deciding.grant(request.pk, yes(found), by=HOLDER, now=NOW),
        lambda: deciding.refuse(request.pk, ground="D14", answer="不", by=HOLDER, now=NOW),
    ):
        with pytest.raises(StepRefused, match="wrong-role"):
            attempt()


@pytest.mark.parametrize("name", [ASKER, OTHER, FORMER, "du", "nobody"])
def test_only_the_archive_decides(home: Path, name: str) -> None:
    found = records(home, unit="")
    request = gathered(found)
    with pytest.raises(StepRefused, match="wrong-role"):
        deciding.grant(request.pk, yes(found), by=name, now=NOW)


def test_an_officer_is_nothing_to_a_request(home: Path) -> None:
    Account.objects.create(username="shen", officer="audit_admin")
    request = submitted()
    with pytest.raises(StepRefused, match="wrong-role"):
        deciding.refuse(request.pk, ground="D14", answer="不", by="shen", now=NOW)


def test_an_archivist_gives_nothing_beyond_the_own_clearance(home: Path) -> None:
    found = records(home, unit="", level=RESTRICTED)
    Account.objects.filter(username=HOLDER).update(clearance=1)
    request = submitted()
    with pytest.raises(StepRefused, match="not-cleared"):
        deciding.gather(request.pk, [found[0].pk], by=HOLDER, now=NOW)


def test_nobody_gives_on_what_was_only_shared_with_them(home: Path) -> None:
    found = records(home, unit="", level=RESTRICTED)
    request = gathered(found, by="zhou")
    deciding.propose(request.pk, yes(found), by=HOLDER, now=NOW)
    deciding.confirm(request.pk, by=DIRECTOR, now=NOW)
    Account.objects.filter(username="zhou").update(clearance=1)
    other = submitted()
    assert _titles("zhou")
    with pytest.raises(StepRefused, match="not-cleared"):
        deciding.gather(other.pk, [found[0].pk], by="zhou", now=NOW)


# Two people -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "terms"), [({"level": RESTRICTED}, {}), ({"personal": 1}, {"whole": True}),
                         ({"personal": 9}, {"whole": True})],
)  # fmt: skip
def test_restricted_records_and_personal_data_whole_need_two(
    home: Path, facts: dict, terms: dict
) -> None:
    found = records(home, unit="", **facts)
    request = gathered(found, **terms)
    with pytest.raises(StepRefused, match="second-person"):
        deciding.grant(request.pk, yes(found, **terms), by=HOLDER, now=NOW)
    proposed = deciding.propose(request.pk, yes(found, **terms), by=HOLDER, now=NOW)
    assert (proposed.state, ShareGrant.objects.count()) == ("proposed", 0)
    done = deciding.confirm(request.pk, by=DIRECTOR, now=NOW)
    assert (done.proposed_by, done.decided_by, done.state) == (HOLDER, DIRECTOR, "granted")


def test_personal_data_in_the_masked_view_needs_one(home: Path) -> None:
    assert granted(home, records(home, unit="", personal=2)).state == "granted"


def test_one_person_with_both_posts_is_not_two(home: Path) -> None:
    Post.objects.create(account=Account.objects.get(username=HOLDER), role=Role.DIRECTOR)
    found = records(home, unit="", level=RESTRICTED)
    request = gathered(found)
    deciding.propose(request.pk, yes(found), by=HOLDER, now=NOW)
    with pytest.raises(StepRefused, match="second-person"):
        deciding.confirm(request.pk, by=HOLDER, now=NOW)
    assert ShareGrant.objects.count() == 0


def test_the_director_may_send_back_or_refuse(home: Path) -> None:
    found = records(home, unit="", level=RESTRICTED)
    request = gathered(found)
    deciding.propose(request.pk, yes(found), by=HOLDER, now=NOW)
    back = deciding.send_back(request.pk, why="补充依据", by=DIRECTOR, now=NOW)
    assert (back.state, back.proposed_by) == ("submitted", "")
    deciding.propose(request.pk, yes(found), by=HOLDER, now=NOW)
    done = deciding.refuse(request.pk, ground="D15", answer="商业秘密", by=DIRECTOR, now=NOW)
    assert (done.state, ShareGrant.objects.count()) == ("refused", 0)


# Opinions -------------------------------------------------------------------------------------


def test_unopened_records_of_another_unit_need_its_opinion(home: Path) -> None:
    found = records(home)
    request = gathered(found)
    with pytest.raises(StepRefused, match="opinion-open"):
        deciding.grant(request.pk, yes(found), by=HOLDER, now=NOW)
    opinions.ask_opinion(request.pk, ["BGS"], by=HOLDER, now=NOW)
    with pytest.raises(StepRefused, match="opinion-open"):
        deciding.grant(request.pk, yes(found), by=HOLDER, now=NOW)
    opinions.give_opinion(request.pk, agrees=True, text="同意", by=FORMER, now=NOW)
    assert deciding.grant(request.pk, yes(found), by=HOLDER, now=NOW).state == "granted"


def test_opened_and_own_records_need_none(home: Path) -> None:
    opened = records(home, 1, level=0, open_from=20200101)
    own = records(home, 1, start=2, unit="CZJ")
    assert granted(home, [*opened, *own]).state == "granted"


def test_no_answer_is_no_yes(home: Path) -> None:
    found = records(home)
    request = gathered(found, until=UNTIL + 60 * DAY)
    opinions.ask_opinion(request.pk, ["BGS"], by=HOLDER, now=NOW)
    opinion = request.opinions.get()
    later = NOW + 30 * DAY
    assert opinion.is_open(opinion.due_on)
    assert not opinion.is_open(opinion.due_on + DAY)
    with pytest.raises(StepRefused, match="second-person"):
        deciding.grant(request.pk, yes(found, until=UNTIL + 40 * DAY), by=HOLDER, now=later)
    opinion.refresh_from_db()
    assert opinion.agrees is None


def test_a_no_is_overruled_by_two_only(home: Path) -> None:
    found = records(home)
    request = gathered(found)
    opinions.ask_opinion(request.pk, ["BGS"], by=HOLDER, now=NOW)
    opinions.give_opinion(request.pk, agrees=False, text="不宜提供", by=FORMER, now=NOW)
    with pytest.raises(StepRefused, match="second-person"):
        deciding.grant(request.pk, yes(found), by=HOLDER, now=NOW)
    deciding.propose(request.pk, yes(found), by=HOLDER, now=NOW)
    assert deciding.confirm(request.pk, by=DIRECTOR, now=NOW).state == "granted"


def test_only_a_clerk_of_the_unit_answers_and_only_once(home: Path) -> None:
    request = gathered(records(home))
    opinions.ask_opinion(request.pk, ["BGS"], by=HOLDER, now=NOW)
    for name in (OTHER, ASKER, "du", HOLDER):
        with pytest.raises(StepRefused, match="wrong-role"):
            opinions.give_opinion(request.pk, agrees=True, text="同意", by=name, now=NOW)
    with pytest.raises(StepRefused, match="missing-evidence"):
        opinions.give_opinion(request.pk, agrees=True, text=" ", by=FORMER, now=NOW)
    opinions.give_opinion(request.pk, agrees=True, text="同意", by=FORMER, now=NOW)
    with pytest.raises(StepRefused, match="answered"):
        opinions.give_opinion(request.pk, agrees=False, text="反悔", by=FORMER, now=NOW)


def test_whoever_gave_the_opinion_does_not_decide(home: Path) -> None:
    former = Account.objects.get(username=FORMER)
    Post.objects.create(account=former, role=Role.ARCHIVIST)
    Account.objects.filter(pk=former.pk).update(clearance=2)
    found = records(home)
    request = gathered(found)
    opinions.ask_opinion(request.pk, ["BGS"], by=HOLDER, now=NOW)
    opinions.give_opinion(request.pk, agrees=True, text="同意", by=FORMER, now=NOW)
    with pytest.raises(StepRefused, match="second-person"):
        deciding.grant(request.pk, yes(found), by=FORMER, now=NOW)


def test_the_time_for_opinions_does_not_count(home: Path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.SHARE_DAYS, settings.OPINION_DAYS = 1, 2
    request = gathered(records(home))
    before = request.due_on
    opinions.ask_opinion(request.pk, ["BGS"], by=HOLDER, now=NOW)
    request.refresh_from_db()
    assert (before, request.due_on) == (date(2026, 11, 26), date(2026, 11, 30))


# More time ------------------------------------------------------------------------------------


def test_more_time_is_asked_before_the_end_and_decided(home: Path) -> None:
    request = granted(home)
    longer = UNTIL + 10 * DAY
    extending.ask_extension(request.pk, until=longer, why="未查完", by=ASKER, now=NOW)
    assert _titles(ASKER, end_of(UNTIL)) == set()  # asking gives nothing
    done = extending.extend(request.pk, by=HOLDER, now=NOW)
    assert (done.state, done.granted_until) == ("granted", longer)
    assert _titles(ASKER, end_of(UNTIL))


def test_more_time_is_not_asked_after_the_end(home: Path) -> None:
    request = granted(home)
    with pytest.raises(StepRefused, match="ended"):
        extending.ask_extension(
            request.pk, until=UNTIL + 9 * DAY, why="未查完", by=ASKER, now=end_of(UNTIL)
        )


def test_what_needed_two_needs_two_again(home: Path) -> None:
    found = records(home, unit="", level=RESTRICTED)
    request = gathered(found)
    deciding.propose(request.pk, yes(found), by=HOLDER, now=NOW)
    deciding.confirm(request.pk, by=DIRECTOR, now=NOW)
    extending.ask_extension(request.pk, until=UNTIL + DAY, why="未查完", by=ASKER, now=NOW)
    with pytest.raises(StepRefused, match="second-person"):
        extending.extend(request.pk, by=HOLDER, now=NOW)
    extending.propose_extension(request.pk, why="可以", by=HOLDER, now=NOW)
    assert extending.confirm_extension(request.pk, by=DIRECTOR, now=NOW).state == "granted"


def test_a_refused_extension_leaves_the_end_where_it_was(home: Path) -> None:
    request = granted(home)
    extending.ask_extension(request.pk, until=UNTIL + DAY, why="未查完", by=ASKER, now=NOW)
    done = extending.refuse_extension(request.pk, why="已足够", by=HOLDER, now=NOW)
    assert (done.state, done.granted_until, done.extension_until) == ("granted", UNTIL, None)


def test_the_asker_may_give_up(home: Path) -> None:
    request = granted(home)
    assert deciding.give_up(request.pk, by=ASKER, now=NOW).state == "withdrawn"
    assert _titles(ASKER) == set()


# What is left behind --------------------------------------------------------------------------


def test_a_refused_step_leaves_no_trace_but_an_audit_row(home: Path) -> None:
    found = records(home)
    request = gathered(found)
    events, acts = RequestEvent.objects.count(), AuditRow.objects.count()
    before = UseRequest.objects.filter(pk=request.pk).values().get()
    with pytest.raises(StepRefused):
        deciding.grant(request.pk, yes(found), by=HOLDER, now=NOW)
    after = UseRequest.objects.filter(pk=request.pk).values().get()
    row = AuditRow.objects.latest("number")
    assert (after, RequestEvent.objects.count()) == (before, events)
    assert AuditRow.objects.count() == acts + 1
    assert (row.act, row.by, row.outcome) == ("request_grant", HOLDER, Outcome.REFUSED)
    assert row.why == "opinion-open BGS"
    assert row.object == f"request:{request.number}"


def test_the_history_says_who_when_as_what_and_why_and_cannot_be_changed(home: Path) -> None:
    request = granted(home)
    steps = [(row.step, row.by, row.role, row.why) for row in request.events.all()]
    assert steps == [
        ("submit", ASKER, "asker", "核对防汛预案"),
        ("gather", HOLDER, "holder", ""),
        ("grant", HOLDER, "holder", "同意提供"),
    ]
    for change in (
        lambda: request.events.update(by="mallory"),
        lambda: RequestEvent.objects.all().delete(),
    ):
        with pytest.raises((DatabaseError, IntegrityError)), transaction.atomic():
            change()
    assert request.events.count() == 3


def test_every_act_of_a_grant_is_in_the_audit(home: Path) -> None:
    request = granted(home)
    deciding.withdraw(request.pk, why="用途已变", by=HOLDER, now=NOW)
    acts = AuditRow.objects.filter(object=f"share:{request.number}").values_list("act", flat=True)
    assert list(acts) == ["grant_share", "withdraw_share"]


def test_granted_records_are_put_into_the_index_anew(home: Path) -> None:
    found = records(home, unit="")
    Record.objects.update(indexed_version=1)
    granted(home, found)
    assert set(Record.objects.values_list("indexed_version", flat=True)) == {0}


def test_people_are_told_once_what_they_should_know(home: Path) -> None:
    request = gathered(records(home))
    opinions.ask_opinion(request.pk, ["BGS"], by=HOLDER, now=NOW)
    told = set(Notice.objects.values_list("account__username", "kind"))
    assert told == {
        (HOLDER, "request_submitted"), ("zhou", "request_submitted"), (FORMER, "opinion_asked"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"state": "dancing"},
        {"state": "granted"},
        {"decided_by": ASKER, "decided_at": NOW},
        {"decided_by": HOLDER},
        {"state": "refused", "decided_by": HOLDER, "decided_at": NOW},
        {"number": ""},
        {"purpose": ""},
    ],
)
def test_the_database_refuses_what_no_flow_allows(change: dict) -> None:
    request = submitted()
    with pytest.raises(IntegrityError), transaction.atomic():
        UseRequest.objects.filter(pk=request.pk).update(**change)


def test_the_database_refuses_a_grant_by_one_where_two_were_needed(home: Path) -> None:
    request = granted(home)
    with pytest.raises(IntegrityError), transaction.atomic():
        UseRequest.objects.filter(pk=request.pk).update(two_people=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        UseRequest.objects.filter(pk=request.pk).update(
            two_people=True, proposed_by=HOLDER, proposed_at=NOW
        )
