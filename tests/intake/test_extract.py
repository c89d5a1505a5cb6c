"""The step `extract`: proposals, quarantine, and what catalogue and document say differently."""

import pytest
from pytest_django import DjangoAssertNumQueries

from benchmarks.official_documents import Document, lay_out
from liandong.intake.models import Item, Proposal, ProposalState
from liandong.intake.services.extract import (
    dates_differ,
    extract,
    numbers_differ,
    titles_differ,
)
from liandong.kernel.findings import severity_of

from .describing import NOW, make_batch, make_fonds, make_item

pytestmark = pytest.mark.django_db
TITLE = "滨州市人民政府办公室关于印发任务分工方案的通知"


def run(item: Item) -> tuple[set[str], str]:
    (done,) = extract([item], now=NOW)
    done.save()
    assert all(severity_of(finding.code) for finding in done.findings)
    return {finding.code for finding in done.findings}, done.state


def test_a_document_gives_proposals_with_their_place() -> None:
    item = make_item(make_batch(), [lay_out(Document())])
    assert run(item) == (set(), "")
    number = item.proposals.get(field="document_number")
    assert (number.value, number.page, number.state) == ("滨政办字〔2023〕15号", 1, "proposed")
    assert len(number.box) == 4
    assert number.confidence > 0.9


def test_names_that_the_tables_hold_are_proposed() -> None:
    make_fonds()
    item = make_item(make_batch(), [lay_out(Document())])
    run(item)
    assert "滨州市人民政府办公室" in item.proposals.filter(field="org").values_list(
        "value", flat=True
    )


def test_doing_it_twice_leaves_the_same_proposals() -> None:
    item = make_item(make_batch(), [lay_out(Document())])
    run(item)
    first = list(item.proposals.values_list("field", "value"))
    run(item)
    assert list(item.proposals.values_list("field", "value")) == first


def test_what_a_person_decided_is_not_proposed_again() -> None:
    item = make_item(make_batch(), [lay_out(Document())])
    run(item)
    Proposal.objects.filter(item=item, field="title").update(
        state=ProposalState.REJECTED, decided_at=NOW, decided_by="li"
    )
    run(item)
    assert list(item.proposals.filter(field="title").values_list("state", flat=True)) == [
        "rejected"
    ]


def test_a_classified_mark_quarantines_and_proposes_nothing() -> None:
    item = make_item(make_batch(), [lay_out(Document(security="机密★10年"))])
    assert run(item) == ({"SEC-MARK-IN-TEXT"}, "quarantined")
    assert not item.proposals.exists()


def test_a_mark_on_the_first_page_of_any_file_counts() -> None:
    plain, marked = lay_out(Document()), lay_out(Document(security="秘密"))
    assert run(make_item(make_batch(), [plain, marked]))[1] == "quarantined"


def test_near_misses_of_a_mark_do_not_quarantine() -> None:
    text = Document(security="商业秘密", paragraphs=("保守国家秘密，保护商业秘密。", "机密要事。"))
    assert run(make_item(make_batch(), [lay_out(text)])) == (set(), "")


def test_a_catalogue_that_says_otherwise_is_told_with_both_values() -> None:
    item = make_item(
        make_batch(), [lay_out(Document())],
        title="关于召开城市防汛工作会议的请示",
        document_number="滨政办字〔2022〕15号", document_date="20230507",
    )  # fmt: skip
    (done,) = extract([item], now=NOW)
    told = {finding.code: finding for finding in done.findings}
    assert set(told) == {"DESC-TITLE-DIFFERS", "DESC-NUMBER-DIFFERS", "DESC-DATE-DIFFERS"}
    facts = told["DESC-DATE-DIFFERS"].facts
    assert (facts["expected"], facts["actual"]) == ("20230507", "20230506")
    assert told["DESC-DATE-DIFFERS"].row == 2


def test_marks_blanks_and_reading_errors_are_no_differences() -> None:
    item = make_item(
        make_batch(), [lay_out(Document())],
        title="关于印发任务分工方案的通知",
        document_number="滨政办字[2023] 15 号", document_date="2023年5月6日",
    )  # fmt: skip
    assert run(item)[0] == set()


def test_a_file_name_is_no_catalogue() -> None:
    item = make_item(make_batch("bare"), [lay_out(Document())], row=None, title="扫描件0001")
    assert run(item)[0] == set()


@pytest.mark.parametrize(
    ("catalogue", "document", "differ"),
    [
        (TITLE, "滨州市入民政府办公室关于印发任务分工方案旳通如", False),
        (TITLE, "滨州市人民政府办公室关于印发工作要点的通知", True),
        ("", TITLE, False),
    ],
)
def test_titles_are_compared_by_their_characters(
    catalogue: str, document: str, differ: bool
) -> None:
    assert titles_differ(catalogue, document) is differ


def test_numbers_and_dates_are_compared_by_what_they_mean() -> None:
    assert not numbers_differ("滨政发〔2023〕015号", "滨政发[2023]15号")
    assert not numbers_differ("滨政办字〔2023〕15号", "滨政力宇〔2023〕15号")
    assert numbers_differ("滨政发〔2023〕15号", "滨政发〔2023〕16号")
    assert numbers_differ("滨政发〔2023〕15号", "滨财预〔2023〕15号")
    assert not dates_differ("202305", "20230506")
    assert not dates_differ("不详", "20230506")
    assert dates_differ("20230507", "20230506")


def test_the_number_of_queries_does_not_grow_with_items(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    batch = make_batch()
    items = [make_item(batch, [lay_out(Document())]) for _ in range(20)]
    with django_assert_num_queries(4):
        extract(items[:1], now=NOW)
    with django_assert_num_queries(4):
        extract(items, now=NOW)


def test_an_item_without_pages_gives_nothing() -> None:
    assert run(make_item(make_batch())) == (set(), "")
