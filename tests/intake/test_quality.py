"""Quality findings of page images, by the limits of the catalogue."""

import pytest

from liandong.intake.models import HandedFile, ItemPage
from liandong.intake.services.quality import page_findings, repeated_pages
from liandong.kernel.catalog import rows
from liandong.kernel.findings import severity_of

GOOD = {"ink": 0.05, "skew": 0.1, "sharpness": 0.6, "dark_border": 0.0, "cut_lines": 0, "dpi": 300}
FILE = HandedFile(path="甲/1.tif")


def shown(number: int = 1, look: str = "", text: str = "字", **measures: float) -> ItemPage:
    lines = [{"text": text, "box": [0, 0, 1, 1], "confidence": 1.0}]
    page = {"measures": {**GOOD, **measures}, "lines": lines, "method": "ocr"}
    return ItemPage(number=number, look=look, page=page)


def codes(*pages: ItemPage) -> list[tuple[str, int | None]]:
    return [(finding.code, finding.page) for finding in page_findings(FILE, pages)]


def test_a_good_page_has_no_findings() -> None:
    assert codes(shown()) == []


@pytest.mark.parametrize(
    ("measure", "bad", "good", "code"),
    [
        ("skew", 1.01, 1.0, "PAGE-SKEWED"),
        ("sharpness", 0.24, 0.25, "PAGE-BLURRED"),
        ("dark_border", 0.31, 0.3, "PAGE-CROPPED"),
        ("cut_lines", 3, 2, "PAGE-CROPPED"),
        ("dpi", 199, 200, "PAGE-DPI"),
        ("paper_mm", 1301, 1300, "PAGE-DPI"),
    ],
)
def test_a_measure_beyond_its_limit_is_a_finding(
    measure: str, bad: float, good: float, code: str
) -> None:
    assert codes(shown(**{measure: bad})) == [(code, 1)]
    assert codes(shown(**{measure: good})) == []


def test_a_blank_page_is_only_blank() -> None:
    assert codes(shown(text="", ink=0.0, sharpness=0.0)) == [("PAGE-BLANK", 1)]
    assert codes(shown(text="— 1 —", ink=0.0001)) == []


def test_an_unknown_resolution_is_no_fault() -> None:
    assert codes(shown(dpi=0)) == []


def test_one_fault_is_told_once() -> None:
    assert codes(shown(dark_border=0.9, cut_lines=9)) == [("PAGE-CROPPED", 1)]


def test_a_page_without_measures_has_no_findings() -> None:
    assert codes(ItemPage(number=1, page={"lines": [], "method": "markup"})) == []


def test_pages_of_one_look_are_repeated() -> None:
    look, near, far = "f" * 64, "e" + "f" * 63, "0" * 64
    pages = [shown(1, look), shown(2, far), shown(3, near), shown(4, ""), shown(5, "")]
    (finding,) = page_findings(FILE, pages)
    assert (finding.code, finding.page, finding.facts["other"]) == ("PAGE-DUPLICATE", 3, "1")


def test_pages_repeat_between_the_files_of_an_item_too() -> None:
    other = HandedFile(path="甲/2.tif")
    (finding,) = repeated_pages([(FILE, shown(1, "ff")), (other, shown(1, "ff"))])
    assert (finding.where, finding.facts["other"]) == ("甲/2.tif", "甲/1.tif 1")


def test_every_finding_of_the_table_has_its_words() -> None:
    assert all(severity_of(row["finding"]) for row in rows("page_measures") if row["finding"])
