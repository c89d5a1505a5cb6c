"""Names inside packages: nothing leaves, nothing is named twice, Chinese names are decoded."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.names import BadPath, clashes, inner_path, safe_name, zip_entry_name


@pytest.mark.parametrize("text", ["a", "正文.pdf", "目录/a b/~c.txt", "data/%test", "..a/b..", "…"])
def test_an_ordinary_path_is_kept(text: str) -> None:
    assert inner_path(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        "~/a",
        "~root/a",
        "C:\\a",
        "C:/a",
        "a\\b",
        "\\\\server\\a",
        "a\0b",
        unicodedata.normalize("NFD", "é"),
        "\udce9",
        "长" * 86,
    ],
)
def test_a_path_that_could_leave_is_refused(text: str) -> None:
    with pytest.raises(BadPath):
        inner_path(text)


@given(st.text(max_size=300))
def test_a_safe_name_is_always_a_path(text: str) -> None:
    name = safe_name(text)
    assert inner_path(name) == name
    assert "/" not in name
    assert safe_name(name) == name


@pytest.mark.parametrize("text", ["CON", "nul.txt", "a:b", " a. ", "a\nb", "~", "~$a.docx"])
def test_names_that_some_system_refuses_are_changed(text: str) -> None:
    assert safe_name(text) != text


def test_a_code_is_a_safe_name() -> None:
    assert safe_name("Z109-WS·2011-Y-办公室-0001") == "Z109-WS·2011-Y-办公室-0001"


def test_names_in_a_zip_are_decoded() -> None:
    gbk = "通知.txt".encode("gb18030").decode("cp437")
    unmarked_utf8 = "通知.txt".encode().decode("cp437")
    assert zip_entry_name(gbk, 0) == "通知.txt"
    assert zip_entry_name(unmarked_utf8, 0) == "通知.txt"
    assert zip_entry_name("通知.txt", 0x800) == "通知.txt"
    assert zip_entry_name("é.txt", 0x800) == "é.txt"


def test_names_equal_after_normalisation_clash() -> None:
    composed, decomposed = "é.txt", unicodedata.normalize("NFD", "é.txt")
    assert clashes([composed, decomposed, "b"]) == [(composed, decomposed)]
    assert clashes(["A", "a"]) == []
    assert clashes(["A", "a"], fold_case=True) == [("A", "a")]
