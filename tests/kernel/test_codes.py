"""Archival codes and document numbers: parse and print are inverses, near misses are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel import codes
from liandong.kernel.codes import BadCode, CodeTemplate

TEMPLATES = list(codes.templates().values())
CODE = "Z109-WS·2011-Y-BGS-0001"


@pytest.mark.parametrize("shape", TEMPLATES, ids=lambda shape: shape.form)
def test_the_example_of_each_template_comes_back(shape: CodeTemplate) -> None:
    assert str(shape.parse(shape.example)) == shape.example
    assert shape.form in codes.detect(shape.example)


ORG = st.text("ABCZ09办公室", min_size=1, max_size=8)


@given(
    st.sampled_from(TEMPLATES),
    st.from_regex(r"[A-Z][0-9]{3}", fullmatch=True),
    st.integers(1000, 9999),
    st.sampled_from(["Y", "D30", "D10"]),
    ORG,
    st.integers(1, 99_999),
    st.integers(1, 9_999),
)
def test_what_is_composed_parses_to_itself(
    shape: CodeTemplate, fonds: str, year: int, term: str, org: str, number: int, volume: int
) -> None:
    code = shape.compose(
        fonds=fonds,
        category="ZY·JC",
        year=year,
        retention=term,
        org=org,
        catalogue="001",
        volume=volume,
        number=number,
    )
    assert shape.parse(str(code)) == code
    assert code.number == number
    assert codes.class_of(code) + f"-{number:0{shape.number_width}d}" == str(code)
    assert codes.normalise_code_text(str(code)) == str(code)


@pytest.mark.parametrize(
    "text",
    [
        "Z109-WS·２０１１-Y-BGS-0001",  # full-width digits
        "Z109-WS.2011-Y-BGS-0001",  # a look-alike dot
        "Z109-WS·2011-Y-BGS-0000",  # numbers begin at 1
        "Z109-WS·2011-Y-BGS-00001",  # too wide for a small number
        "Z109-WS·2011-Y-BGS-0001 ",
        "Z109-WS·2011-Y-BGS-0001\n",
        "Z109-WS·2011-Y-bgs-0001",
        "Z109-WS·2011-D0-BGS-0001",
        "Z109-WS·2011-Y--0001",
        "",
    ],
)
def test_a_near_miss_is_refused(text: str) -> None:
    with pytest.raises(BadCode):
        codes.template("dat22_item").parse(text)


@given(st.text(max_size=30))
def test_whatever_is_accepted_prints_as_it_was(text: str) -> None:
    for form in codes.detect(text):
        assert str(codes.template(form).parse(text)) == text


def test_a_missing_part_is_refused() -> None:
    with pytest.raises(BadCode):
        codes.template("dat22_item").compose(
            fonds="Z109", category="WS", year=2011, retention="Y", number=1
        )


def test_parts_say_what_a_template_needs() -> None:
    assert codes.template("dat22_item_no_org").parts == {"fonds", "category", "year", "retention"}


@pytest.mark.parametrize(
    "text",
    [
        "z109-ws.2011-y-bgs-0001",
        "Ｚ１０９－ＷＳ・２０１１－Ｙ－ＢＧＳ－０００１",
        "Z109—WS•2011–Y‐BGS−0001",
        " Z109 - WS · 2011 - Y - BGS - 0001 ",
    ],
)
def test_any_common_form_of_a_code_is_normalised(text: str) -> None:
    assert codes.normalise_code_text(text) == CODE


@given(st.text(max_size=30))
def test_normalising_is_idempotent(text: str) -> None:
    code = codes.normalise_code_text(text)
    number = codes.normalise_document_number(text)
    assert codes.normalise_code_text(code) == code
    assert codes.normalise_document_number(number) == number


def test_a_page_file_gives_code_and_page() -> None:
    code = codes.template("dat22_item").parse(CODE)
    assert codes.split_page_stem(f"{CODE}-0003", "dat22_item") == (code, 3)
    assert codes.split_page_stem("Z109-WS.2011-Y-BGS-0001-012", "dat22_item") == (code, 12)
    assert codes.split_page_stem(CODE, "dat22_item") == (code, 0)
    assert codes.split_page_stem(f"{CODE}-0000", "dat22_item") is None
    assert codes.split_page_stem("封面", "dat22_item") is None


def test_the_template_of_the_fonds_tells_a_page_from_an_item() -> None:
    stem = "X043-WS·2015-D30-0001-0003"
    page = codes.split_page_stem(stem, "dat22_item_no_org")
    item = codes.split_page_stem(stem, "dat22_item")
    assert page is not None
    assert item is not None
    assert (page[0].number, page[1]) == (1, 3)
    assert (item[0].org, item[0].number, item[1]) == ("0001", 3, 0)


@pytest.mark.parametrize(
    "text",
    [
        "滨政办字[2023] 15 号",
        "滨政办字〔2023〕15号",
        "滨政办字【2023】015号",
        "滨政办字（2023）第15号",
        "滨政办字(2023)１５號",
        "滨政办字〔2023年〕15",
    ],
)
def test_any_common_form_of_a_document_number_is_normalised(text: str) -> None:
    number = codes.normalise_document_number(text)
    assert number == "滨政办字〔2023〕15号"
    assert codes.is_document_number(number)


def test_a_year_in_brackets_elsewhere_is_no_document_number() -> None:
    assert not codes.is_document_number(codes.normalise_document_number("方案(2023)"))
