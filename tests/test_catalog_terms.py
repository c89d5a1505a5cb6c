"""Codes that the program says are rows of the catalogue, and messages fill their places."""

import ast
import re
from pathlib import Path

import pytest

from liandong.kernel import catalog
from liandong.kernel.checks import Severity

PACKAGE = Path(__file__).parents[1] / "src" / "liandong"
CODE = re.compile(r"[A-Z]{2,}(?:-[A-Z0-9]+)+")
PLACE = re.compile(r"\{(\w+)\}")
PROPERTIES = {"authenticity", "integrity", "usability", "security"}
TABLES = ("findings", "package_findings")
FAMILIES = {code.split("-")[0] for table in TABLES for code in catalog.by_key(table, "code")}
KNOWN = {code for table in TABLES for code in catalog.by_key(table, "code")}


def _codes_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {
        text
        for text in texts
        if isinstance(text, str) and CODE.fullmatch(text) and text.split("-")[0] in FAMILIES
    }


def test_every_code_in_the_program_is_or_begins_one_of_the_catalogue() -> None:
    unknown = {
        (file.relative_to(PACKAGE).as_posix(), code)
        for file in PACKAGE.rglob("*.py")
        for code in _codes_of(file) - KNOWN
        if not any(known.startswith(code) for known in KNOWN)  # a family, such as BAG-TAG
    }
    assert {pair for pair in unknown if not _is_a_standard_name(pair[1])} == set()


def _is_a_standard_name(text: str) -> bool:
    """Names of algorithms and charsets that look like codes: SHA-512, GB-18030."""
    return text.startswith(("SHA-", "SM-", "GB-", "UTF-", "ISO-", "OCFL-", "PP-"))


@pytest.mark.parametrize("table", TABLES)
def test_a_message_has_the_same_places_in_both_languages(table: str) -> None:
    for row in catalog.rows(table):
        assert set(PLACE.findall(row["message_zh"])) == set(PLACE.findall(row["message_en"])), row
        assert row["message_zh"], row["code"]
        assert bool(row["remedy_zh"]) == bool(row["remedy_en"]), row["code"]
        assert row["remedy_zh"] or row["severity"] != Severity.BLOCK.value, row["code"]


@pytest.mark.parametrize("table", TABLES)
def test_a_finding_has_a_known_property_and_severity(table: str) -> None:
    for row in catalog.rows(table):
        assert row["property"] in PROPERTIES, row["code"]
        assert row["severity"] in {severity.value for severity in Severity}, row["code"]


def test_the_numbers_of_a_check_and_its_link_agree() -> None:
    links = {"filing": "GD", "transfer": "YJ", "preservation": "CQ"}
    for row in catalog.rows("four_property_checks"):
        assert row["code"].startswith(links[row["link"]]), row["code"]
        assert row["property"] in PROPERTIES, row["code"]
