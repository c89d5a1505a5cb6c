"""Descriptions: headers are matched, values checked, XML comes back as it went."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.metadata import (
    Agent,
    Event,
    FileFact,
    Metadata,
    check_value,
    dat46_xml,
    fields,
    match_headers,
    premis_xml,
    read_dat46_xml,
    retention_code,
)
from liandong.kernel.xml import BrokenXml, read_tree


def test_common_headers_are_matched() -> None:
    headers = [
        "序号",
        "档号*",
        "文件题名（必填）",
        " 文 号",
        "责任者",
        "日期",
        "密级",
        None,
        "页数",
        "备注",
    ]
    assert match_headers(headers) == {
        0: "sequence_number",
        1: "archival_code",
        2: "title",
        3: "document_number",
        4: "author",
        5: "document_date",
        6: "security_class",
        8: "page_count",
        9: "annotation",
    }


def test_of_two_columns_for_one_field_the_first_wins() -> None:
    assert match_headers(["题名", "标题"]) == {0: "title"}


def test_every_alias_means_its_own_field() -> None:
    for one in fields().values():
        for alias in one.aliases:
            assert match_headers([alias]) == {0: one.identifier}


@pytest.mark.parametrize(
    ("identifier", "text", "fault"),
    [
        ("title", "通知", ""),
        ("title", " ", "META-MISSING"),
        ("title", "长" * 501, "META-TOO-LONG"),
        ("page_count", "12", ""),
        ("page_count", "１２", "META-NOT-A-NUMBER"),
        ("page_count", "十二", "META-NOT-A-NUMBER"),
        ("page_count", "", ""),
        ("filing_year", "2011", ""),
        ("filing_year", "11", "META-NOT-A-NUMBER"),
        ("document_date", "2011年5月", ""),
        ("document_date", "五月", "META-NOT-A-DATE"),
        ("opening_status", "开放", ""),
        ("opening_status", "也许", "META-NOT-IN-LIST"),
        ("security_class", "机密★10年", ""),
        ("security_class", "绝对", "META-NOT-IN-LIST"),
        ("retention_period", "定期30年", ""),
        ("retention_period", "D30", ""),
        ("retention_period", "很久", "META-NOT-IN-LIST"),
        ("archival_code", "Z109-WS·2011-Y-BGS-0001", ""),
        ("archival_code", "Z109-WS·2011-Y-BGS-0000", "META-BAD-CODE"),
    ],
)
def test_a_value_has_its_fault(identifier: str, text: str, fault: str) -> None:
    assert [code for code, _ in check_value(identifier, text)] == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("永久", "Y"),
        ("y", "Y"),
        ("30年", "D30"),
        ("30", "D30"),
        ("定期10年", "D10"),
        ("d15", "D15"),
        ("长期", "LONG"),
        ("15", ""),
        ("", ""),
    ],
)
def test_retention_is_read_and_never_guessed(text: str, code: str) -> None:
    assert retention_code(text) == code


VALUE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1)


@given(st.dictionaries(st.sampled_from(sorted(fields())), VALUE.filter(str.strip)))
def test_a_description_comes_back_from_dat46(description: dict[str, str]) -> None:
    clean = {
        key: kept
        for key, text in description.items()
        if (kept := text.translate({0xFFFE: None, 0xFFFF: None}).strip())
    }
    assert read_dat46_xml(dat46_xml(description)).description == clean


def _metadata() -> Metadata:
    return Metadata(
        {"title": "通知", "opening_opinion": "同意开放"},
        (FileFact("original/正文.pdf", "original", 12, "a" * 128, "b" * 64, "c" * 64, "fmt/276"),),
        (Event("e1", "归档", "2011-06-01T08:00:00+08:00", "a1", "success", "说明", "依据"),),
        (Agent("a1", "李明", "person", "", "档案员"), Agent("s", "联动", "software", "", "0.1")),
    )


def test_files_events_and_agents_come_back_from_dat46() -> None:
    one = _metadata()
    content = dat46_xml(one.description, one.files, one.events, one.agents)
    assert read_dat46_xml(content) == one
    assert content == dat46_xml(one.description, one.files, one.events, one.agents)


def test_a_foreign_root_is_broken() -> None:
    with pytest.raises(BrokenXml):
        read_dat46_xml(b"<a/>")


def test_premis_names_files_events_and_agents() -> None:
    one = _metadata()
    root = read_tree(premis_xml("urn:uuid:1", one.files, one.events, one.agents))
    assert root.namespace == "http://www.loc.gov/premis/v3"
    assert [child.name for child in root.children] == [
        "object",
        "object",
        "event",
        "agent",
        "agent",
    ]
    text = {element.name: element.text for element in root.walk()}
    assert text["formatRegistryKey"] == "fmt/276"
    assert text["eventOutcome"] == "success"
    digests = [e.text for e in root.walk() if e.name == "messageDigestAlgorithm"]
    assert digests == ["SHA-512", "SHA-256", "SM3"]
