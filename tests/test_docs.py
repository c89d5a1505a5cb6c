"""Pages of documentation: links lead somewhere, generated pages are fresh, words are careful."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from liandong.kernel import catalog
from liandong.site.access_matrix import page as access_matrix_page
from liandong.site.case_flows import page as case_flows_page
from liandong.site.settings_page import settings_page

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CONFORMITY = re.compile(r"符合\s*《?(?:DA|GB|档案|OCFL|RFC|BagIt|PREMIS)")
CONFORMITY_EN = re.compile(
    r"\b(?:conforms?|compliant|complies) (?:to|with) (?:DA|GB)", re.IGNORECASE
)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _heading_id(text: str) -> str:
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_of_a_page_leads_to_a_file_and_heading(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, heading = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", other.read_text("utf-8"), re.MULTILINE)
            assert heading in {_heading_id(text) for text in headings}, target


def test_the_page_of_roles_and_addresses_is_fresh() -> None:
    page = ROOT / "docs" / "operate" / "access-matrix.md"
    assert page.read_text("utf-8") == access_matrix_page(), (
        "run: .venv/bin/python -m liandong.site.access_matrix docs/operate/access-matrix.md"
    )


def test_the_page_of_settings_is_fresh() -> None:
    page = ROOT / "docs" / "operate" / "settings.md"
    assert page.read_text("utf-8") == settings_page(), (
        "run: .venv/bin/python -m liandong.site.settings_page docs/operate/settings.md"
    )


def test_the_page_of_case_flows_is_fresh() -> None:
    page = ROOT / "docs" / "operate" / "case-flows.md"
    assert page.read_text("utf-8") == case_flows_page(), (
        "run: .venv/bin/python -m liandong.site.case_flows docs/operate/case-flows.md"
    )


def test_every_table_of_the_catalogue_is_described() -> None:
    text = (ROOT / "docs" / "catalogue.md").read_text("utf-8")
    missing = [name for name in catalog.names() if f"`{name}.csv`" not in text]
    assert missing == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text("utf-8")
    decisions = [file.name for file in sorted(folder.glob("[0-9]*.md"))]
    assert decisions
    assert [name for name in decisions if f"({name})" not in index] == []


def _rows_of_standards() -> list[list[str]]:
    text = (ROOT / "docs" / "standards.md").read_text("utf-8")
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line] for line in lines]
    return [row for row in rows if len(row) == 4 and row[0] != "条款"]


def test_every_file_that_the_page_of_standards_names_exists() -> None:
    rows = _rows_of_standards()
    assert len(rows) > 20
    for _clause, _rule, files, tests in rows:
        for name in re.findall(r"`([^`]+)`", files):
            assert (ROOT / "src" / "liandong" / name).exists(), name
        named = re.findall(r"`([^`]+)`", tests)
        assert named, (files, tests)
        for name in named:
            assert (ROOT / "tests" / name).exists(), name


def test_every_module_that_names_a_standard_is_on_the_page_of_standards() -> None:
    page = (ROOT / "docs" / "standards.md").read_text("utf-8")
    source = re.compile(r"Source: (?:DA/T|GB/T|国家档案局令|档案法|保守国家秘密法|OCFL|RFC)")
    folder = ROOT / "src" / "liandong"
    missing = [
        name
        for file in sorted(folder.rglob("*.py"))
        if source.search(file.read_text("utf-8"))
        and f"`{(name := file.relative_to(folder).as_posix())}`" not in page
        and f"`{name.rsplit('/', 1)[0]}`" not in page
    ]
    assert missing == []


def _sentences_for_people() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        yield _name(page), page.read_text("utf-8")
    for template in (ROOT / "src").rglob("*.html"):
        yield template.name, template.read_text("utf-8")
    for catalogue in (ROOT / "src").rglob("*.po"):
        yield catalogue.name, catalogue.read_text("utf-8")
    for table in (ROOT / "src" / "liandong" / "catalog").glob("*.csv"):
        with table.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                told = [row[name] for name in row if name.startswith(("message", "remedy"))]
                yield table.name, "\n".join(told)


def test_nothing_told_to_people_claims_conformity_with_a_standard() -> None:
    for name, text in _sentences_for_people():
        for pattern in (CONFORMITY, CONFORMITY_EN):
            assert not pattern.search(text), (name, pattern.search(text))


def test_the_first_page_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "make run" in text
    assert "make test" in text
