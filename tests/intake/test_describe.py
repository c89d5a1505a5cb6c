"""The step `describe`: fills what is empty, says from what, and never changes what was written."""

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.official_documents import Document, lay_out
from liandong.intake.models import Item, StepRun
from liandong.intake.services.describe import describe
from liandong.intake.services.extract import extract
from liandong.kernel.findings import severity_of

from .describing import NOW, make_batch, make_fonds, make_item, make_rule

pytestmark = pytest.mark.django_db


def run(item: Item) -> tuple[dict[str, str], dict[str, Any], set[str]]:
    for done in extract([item], now=NOW):
        done.save()
    (done,) = describe([item], now=NOW)
    done.save()
    codes = {finding.code for finding in done.findings}
    assert all(severity_of(code) for code in codes)
    StepRun.objects.create(
        item=item, step="describe", started_at=NOW, ended_at=NOW, outcome="done",
        input_digest=f"{item.steps.count():064}", detail=dict(done.detail),
    )  # fmt: skip
    return item.description, dict(done.detail), codes


def test_a_bare_document_describes_itself() -> None:
    fonds = make_fonds()
    make_rule(fonds, "方案|规划", "D30", "2.3")
    batch = make_batch("bare", fonds)
    item = make_item(batch, [lay_out(Document())], row=None, title="扫描件0001")
    description, detail, codes = run(item)
    assert codes == set()
    assert description["title"] == "滨州市人民政府办公室关于印发任务分工方案的通知"
    assert description["document_number"] == "滨政办字〔2023〕15号"
    assert description["author"] == "滨州市人民政府办公室"
    assert description["document_date"] == "20230506"
    assert description["filing_year"] == "2023"
    assert description["retention_period"] == "30年"
    assert description["disclosure_attribute"] == "主动公开"
    assert description["opening_status"] == "未审核"
    assert detail["class"] == "Z109-WS-2023-D30-BGS"
    assert detail["filled"]["title"]["source"] == "proposal:text-layer:position"
    assert "2.3" in detail["filled"]["retention_period"]["source"]
    assert "archival_code" not in description  # the number is taken when a person accepts


def test_what_a_person_wrote_is_kept() -> None:
    fonds = make_fonds()
    make_rule(fonds, "通知", "D10")
    written = {
        "title": "关于印发任务分工方案的通知", "author": "市府办", "document_date": "2023-05-06",
        "filing_year": "2022", "retention_period": "永久", "fonds_number": "Z109",
    }  # fmt: skip
    item = make_item(make_batch(fonds=fonds), [lay_out(Document())], **written)
    description, _, codes = run(item)
    assert {name: description[name] for name in written} == written
    assert codes == set()


def test_doing_it_again_with_other_pages_forgets_what_was_filled() -> None:
    batch = make_batch("bare", make_fonds())
    item = make_item(batch, [lay_out(Document(date="2023年5月6日"))], row=None)
    assert run(item)[0]["filing_year"] == "2023"
    row = item.files.get().pages.get()
    row.page = lay_out(Document(date="2019年1月2日"))[0].to_json()
    row.save()
    description, _, _ = run(item)
    assert (description["document_date"], description["filing_year"]) == ("20190102", "2019")


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("滨州市城市更新规划（2021—2025年）", "2021"),
        ("2021-2023年工作总结", "2023"),
        ("2021年工作总结", "2024"),
        ("关于2019至2021年经费的请示", "2024"),
    ],
)
def test_plans_belong_to_their_first_year_and_summaries_to_their_last(
    title: str, year: str
) -> None:
    batch = make_batch(fonds=make_fonds())
    item = make_item(batch, title=title, document_date="20240115", author="市府办")
    assert run(item)[0]["filing_year"] == year


def test_a_code_that_was_handed_over_says_where_the_item_belongs() -> None:
    make_fonds()
    make_fonds("X001")
    item = make_item(make_batch(), title="甲", archival_code="Z109-WS·2011-Y-BGS-0001")
    description, detail, codes = run(item)
    assert (description["fonds_number"], description["filing_year"]) == ("Z109", "2011")
    assert (description["retention_period"], description["org_or_subject"]) == ("永久", "BGS")
    assert detail["filled"]["filing_year"]["source"] == "archival_code"
    assert codes == {"DESC-NO-DATE", "DESC-NO-AUTHOR"}


def test_without_a_rule_the_longest_period_stands_and_is_told() -> None:
    fonds = make_fonds()
    make_rule(fonds, "规划", "D30")
    make_rule(fonds, "", "D10")  # a rule without words never fits by itself
    item = make_item(
        make_batch(fonds=fonds), title="关于甲的通知", document_date="2020", author="乙"
    )
    description, _, codes = run(item)
    assert description["retention_period"] == "永久"
    assert codes == {"DESC-NO-RETENTION-RULE"}


def test_the_first_rule_that_fits_wins() -> None:
    fonds = make_fonds()
    make_rule(fonds, "任免|表彰", "D30", "1")
    make_rule(fonds, "通知", "D10", "2")
    item = make_item(make_batch(fonds=fonds), title="关于表彰先进的通知", document_date="2020")
    assert run(item)[0]["retention_period"] == "30年"


def test_without_any_date_the_file_gives_the_year_and_a_warning() -> None:
    written = datetime(2017, 12, 31, 20, 0, tzinfo=UTC)  # 2018 in Shanghai
    batch = make_batch("bare", make_fonds())
    item = make_item(batch, [[]], row=None, modified_at=written)
    description, _, codes = run(item)
    assert description["filing_year"] == "2018"
    assert {"DESC-YEAR-GUESSED", "DESC-NO-DATE", "DESC-TITLE-GUESSED"} <= codes
    assert "DESC-NO-YEAR" not in codes


def test_a_year_that_nothing_gives_blocks_only_where_the_code_needs_it() -> None:
    needs, has_none = make_fonds(), make_fonds("C038", "dat13_volume_catalogue")
    assert "DESC-NO-YEAR" in run(make_item(make_batch(fonds=needs), title="甲"))[2]
    item = make_item(
        make_batch(fonds=has_none), title="甲", catalogue_number="001", volume_number="2"
    )
    assert "DESC-NO-YEAR" not in run(item)[2]


def test_an_unknown_fonds_is_opened_and_told() -> None:
    make_fonds()
    make_fonds("X001")
    assert "DESC-FONDS-GUESSED" in run(make_item(make_batch(), title="甲"))[2]
    assert "DESC-FONDS-NEW" in run(make_item(make_batch(), title="甲", fonds_number="Q999"))[2]


def test_the_only_fonds_takes_what_names_none() -> None:
    make_fonds()
    assert run(make_item(make_batch(), title="甲"))[0]["fonds_number"] == "Z109"


def test_an_unsure_proposal_fills_nothing() -> None:
    item = make_item(make_batch(fonds=make_fonds()), title="甲")
    item.proposals.create(
        field="document_number", value="滨政发〔2020〕1号", confidence=0.59, method="ocr:pattern"
    )
    (done,) = describe([item], now=NOW)
    done.save()
    assert "document_number" not in item.description
