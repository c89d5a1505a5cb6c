"""De-identified and anonymous are two things; only the second may become open data."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.privacy.anonymity import (
    Mode,
    Refusal,
    Table,
    UnknownColumn,
    anonymise,
    deidentify,
    pseudonym,
    refusals,
    smallest_group,
)
from liandong.kernel.privacy.generalising import ANY, age, category, month, place

TODAY = date(2026, 11, 26)
COLUMNS = ("姓名", "区县", "年龄", "日期", "类别", "备注")
QUASI = {"区县": "place", "年龄": "age", "日期": "month", "类别": "category"}


def register(count: int = 60) -> list[dict[str, str]]:
    """Requests of people of two counties."""
    return [
        {
            "姓名": f"张建{'国华军民文'[at % 5]}",
            "区县": ("山东省滨州市滨城区彭李街道", "山东省滨州市惠民县石庙镇")[at % 2],
            "年龄": str(20 + at % 50),
            "日期": f"2023-{1 + at % 12:02}-{1 + at % 28:02}",
            "类别": ("环境·噪声", "环境·油烟", "道路·路灯")[at % 3],
            "备注": ("已办结", "转办")[at % 2],
        }
        for at in range(count)
    ]


def open_table() -> Table:
    """An anonymous table of the register."""
    return anonymise(COLUMNS, register(), quasi=QUASI, today=TODAY)


def test_an_anonymous_table_has_groups_of_at_least_five_and_no_names() -> None:
    table = open_table()
    assert table.rows
    assert "姓名" not in table.columns
    assert min(Counter(tuple(row[name] for name in QUASI) for row in table.rows).values()) >= 5


def test_the_report_tells_what_was_done() -> None:
    report = open_table().report
    assert (report.k_before, report.k_wanted) == (1, 5)
    assert report.k_after >= 5
    assert report.rows_before == report.rows_after + report.rows_suppressed == 60
    assert report.columns_dropped == ("姓名",)
    assert any(report.rungs.values())


def test_rows_whose_group_stays_small_are_left_out() -> None:
    rows = [*register(), {**register(1)[0], "区县": "西藏自治区", "年龄": "99"}]
    table = anonymise(COLUMNS, rows, quasi=QUASI, today=TODAY)
    assert table.report.rows_suppressed >= 1
    assert all(row["区县"] != "西藏自治区" for row in table.rows)


def test_a_column_in_which_a_number_of_a_person_is_found_is_dropped() -> None:
    rows = register()
    rows[7]["备注"] = "请回电13812345678"
    table = anonymise(COLUMNS, rows, quasi=QUASI, today=TODAY)
    assert "备注" in table.report.columns_dropped


def test_a_column_with_its_own_value_in_every_row_is_dropped() -> None:
    rows = [{**row, "工单": f"GD{at:05}"} for at, row in enumerate(register())]
    table = anonymise((*COLUMNS, "工单"), rows, quasi=QUASI, today=TODAY)
    assert "工单" in table.report.columns_dropped


def test_the_gate_lets_an_anonymous_table_pass() -> None:
    assert refusals(open_table(), today=TODAY) == []


def test_the_gate_refuses_deidentified_rows() -> None:
    table = deidentify(COLUMNS, register(), key=b"k" * 32, people=["姓名"], today=TODAY)
    codes = {code for code, _ in refusals(table, today=TODAY)}
    assert {Refusal.NOT_ANONYMISED, Refusal.NO_QUASI} <= codes


def test_the_gate_counts_groups_itself() -> None:
    table = open_table()
    forged = Table(table.columns, table.rows[:3], replace(table.report, rows_after=3))
    assert Refusal.GROUP_TOO_SMALL in {code for code, _ in refusals(forged, today=TODAY)}


def test_the_gate_reads_the_cells_itself() -> None:
    table = open_table()
    rows = ({**table.rows[0], "备注": "联系人：李海燕"}, *table.rows[1:])
    forged = replace(table, rows=rows)
    assert (Refusal.PERSONAL_LEFT, "备注") in refusals(forged, today=TODAY)


def test_the_gate_refuses_a_report_of_other_rows() -> None:
    table = open_table()
    forged = replace(table, rows=(*table.rows, *table.rows))
    assert Refusal.REPORT_WRONG in {code for code, _ in refusals(forged, today=TODAY)}


def test_less_than_five_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        anonymise(COLUMNS, register(), quasi=QUASI, k=4, today=TODAY)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownColumn, match="没有"):
        anonymise(COLUMNS, register(), quasi={"没有": "drop"}, today=TODAY)


def test_one_person_has_one_pseudonym_and_another_key_gives_another() -> None:
    assert pseudonym("11010519491231002x", b"a") == pseudonym(" 11010519491231002X", b"a")
    assert pseudonym("张三", b"a") != pseudonym("张三", b"b")
    assert "张三" not in pseudonym("张三", b"a")


def test_deidentified_rows_say_that_they_are_personal_still() -> None:
    rows = [{**row, "备注": "电话13812345678"} for row in register(3)]
    table = deidentify(COLUMNS, rows, key=b"k", people=["姓名"], today=TODAY)
    assert table.report.mode == Mode.DEIDENTIFIED
    assert table.rows[0]["备注"] == "电话138****5678"
    assert table.report.cells_masked == 3


def test_deidentifying_needs_a_key() -> None:
    with pytest.raises(ValueError, match="key"):
        deidentify(COLUMNS, register(), key=b"", people=["姓名"], today=TODAY)


@pytest.mark.parametrize(
    ("text", "rungs"),
    [
        ("山东省滨州市滨城区彭李街道黄河五路1号",
         ("山东省滨州市滨城区彭李街道", "山东省滨州市滨城区", "山东省滨州市", "山东省", ANY)),
        ("滨州市惠民县", ("滨州市惠民县", "滨州市惠民县", "滨州市", ANY, ANY)),
        ("不详", (ANY, ANY, ANY, ANY, ANY)),
    ],
)  # fmt: skip
def test_a_place_climbs_to_its_province(text: str, rungs: tuple[str, ...]) -> None:
    assert tuple(place(text, rung) for rung in range(1, 6)) == rungs


def test_an_age_becomes_a_band_and_the_oldest_are_one() -> None:
    assert [age("37岁", rung, today=TODAY) for rung in range(5)] == [
        "37岁", "35-39", "30-39", "20-39", ANY,
    ]  # fmt: skip
    assert age("1930-01-05", 1, today=TODAY) == "90+"
    assert age("1989-12-01", 1, today=TODAY) == "35-39"
    assert age("不详", 1, today=TODAY) == ANY


def test_a_date_becomes_its_month_and_a_category_its_head() -> None:
    assert [month("2023年5月6日", rung) for rung in range(1, 4)] == ["2023-05", "2023", ANY]
    assert [category("环境·噪声·夜间", rung) for rung in range(1, 4)] == ["环境·噪声", "环境", ANY]


ROWS = st.lists(
    st.fixed_dictionaries({
        "区县": st.sampled_from(["滨州市滨城区", "滨州市惠民县", "济南市历下区", ""]),
        "年龄": st.integers(0, 99).map(str),
        "事项": st.sampled_from(["咨询", "投诉"]),
    }),
    max_size=60,
)  # fmt: skip


@given(ROWS, st.integers(5, 9))
def test_whatever_the_rows_are_every_group_has_k(rows: list[dict[str, str]], k: int) -> None:
    quasi = {"区县": "place", "年龄": "age"}
    table = anonymise(("区县", "年龄", "事项"), rows, quasi=quasi, k=k, today=TODAY)
    assert smallest_group(table.rows, quasi) >= k or not table.rows
    assert table.report.rows_suppressed + len(table.rows) == len(rows)
    refused = {code for code, _ in refusals(table, k=k, today=TODAY)}
    assert refused <= {Refusal.ROWS_TOLD_APART}
