"""Folding, tokens and places of matches."""

from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.text import (
    Folding,
    bigrams,
    code_key,
    code_prefixes,
    find_lines,
    fold,
    mark,
    matches,
    phrase_tokens,
    runs,
    snippet,
)

FOLD = Folding({"總": "总", "則": "则", "檔": "档", "號": "号"})
MIXED = st.text(alphabet="总则第一条年ab12 \n，。·〔〕-Ａ總", max_size=40)


def found(text: str, phrase: str) -> bool:
    """What the index does: the tokens of the phrase one after the other."""
    have = bigrams(fold(text)).split(" ")
    tokens, open_end = phrase_tokens(fold(phrase))
    for start in range(len(have) - len(tokens) + 1):
        part = have[start : start + len(tokens)]
        if open_end:
            rest = part[-1].removeprefix(tokens[-1])
            whole = part[-1].startswith(tokens[-1]) and not (
                tokens[-1].isascii() and rest[:1].isascii() and rest[:1].isalnum()
            )
            if part[:-1] == list(tokens[:-1]) and whole:
                return True
        elif part == list(tokens):
            return True
    return False


@given(st.text())
def test_folding_keeps_every_place_and_is_done_once(text: str) -> None:
    folded = FOLD(text)
    assert len(folded) == len(text)
    assert FOLD(folded) == folded


def test_width_case_variants_and_marks_fold() -> None:
    assert FOLD("ＡＢｃ１２　總則•—【") == "abc12 总则·-("


@given(MIXED, st.integers(0, 40), st.integers(2, 12))
def test_every_part_of_a_text_is_found(text: str, start: int, length: int) -> None:
    units = [unit for run in runs(fold(text)) for unit in run]
    one = [run for run in runs(fold(text)) if len(run) > 1]
    for run in one:
        first = start % (len(run) - 1)
        part = run[first : first + length]
        assert found(text, " ".join(part))
    assert not units or bigrams(fold(text))


def test_a_phrase_is_found_across_a_line_end_but_not_across_a_mark() -> None:
    assert found("城市管\n理办法", "管理办法")
    assert not found("城市管。理办法", "管理办法")
    assert found("国办发〔2011〕23号", "国办发[2011]23号")
    assert not found("国办发〔2011〕234号", "国办发[2011]23")
    assert found("国办发〔2011〕23号", "国办发[2011]23")


def test_words_of_letters_and_digits_are_whole() -> None:
    assert found("附件 GB/T 9704-2012 说明", "9704-2012 说明")
    assert not found("附件 97042 说明", "9704 说明")
    assert matches("fonds Z1090", ["Z109"]) == []
    assert matches("fonds Z109。", ["z109"]) == [(6, 10)]


@given(MIXED, st.text(alphabet="总则第一条ab12，", min_size=1, max_size=6))
def test_marked_pieces_join_to_the_text_and_agree_with_the_index(text: str, term: str) -> None:
    pieces = mark(text, [term])
    assert "".join(piece for piece, _ in pieces) == text
    several = sum(len(run) for run in runs(fold(term))) > 1
    if several and found(text, term):
        assert any(hit for _, hit in pieces)


def test_a_snippet_shows_the_original_around_the_match() -> None:
    text = "前" * 100 + "城市總\n則" + "后" * 100
    pieces = snippet(text, ["总则"], around=5, folding=FOLD)
    assert ("總\n則", True) in pieces
    assert pieces[0] == ("…", False)
    assert pieces[-1] == ("…", False)
    assert snippet("甲乙丙", ["丁戊"]) == [("甲乙丙", False)]


def test_parts_of_a_term_are_marked_when_the_whole_is_absent() -> None:
    pieces = mark("城市的规划与管理", ["城市规划管理"])
    assert [text for text, hit in pieces if hit] == ["城市", "规划", "管理"]


def test_lines_that_hold_a_match_are_named_also_across_a_line_end() -> None:
    lines = ["第一行", "城市管", "理办法", "", "管理"]
    assert find_lines(lines, ["管理"]) == [1, 2, 4]


def test_codes_have_one_key_in_all_common_forms() -> None:
    forms = [
        "国办发〔2011〕23号",
        "国办发[2011]第023号",
        "国办发（２０１１）23",
        "国办发2011年23号",
    ]
    assert {code_key(form) for form in forms} == {"国办发2011.23"}
    forms = ["Z109-WS·2011-Y-BGS-0001", "z109ws2011ybgs0001", "Ｚ109 WS 2011 Y BGS 1"]
    assert {code_key(form) for form in forms} == {"z109ws2011ybgs1"}
    assert code_key("Z109-WS·2011-Y-BGS-0011") != code_key("Z109-WS·2011-Y-BGS-0001")
    assert code_key("Z109-WS·2011·D30-003-005") != code_key("Z109-WS·2011·D30-0030-05")
    assert code_prefixes("Z109-WS·2011")[-1] in code_prefixes("Z109-WS·2011-Y-BGS-0001")
    assert code_key("〔〕") == ""
