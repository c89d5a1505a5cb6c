"""The English catalogue is complete: every Chinese string of code and pages has its English one."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.utils.translation.template import templatize

import liandong

SOURCE = Path(liandong.__file__).parent
CATALOGUE = SOURCE / "base" / "locale" / "en" / "LC_MESSAGES" / "django.po"
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
# What `templatize` leaves of a template is calls between junk, so a pattern reads it.
IN_TEMPLATE = re.compile(r"""\b(?:_|gettext)\((?:u?'((?:[^'\\]|\\.)*)'|u?"((?:[^"\\]|\\.)*)")""")


def _of_code(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        first = node.args[0]
        if name in MARKS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _of_template(file: Path) -> Iterator[str]:
    for single, double in IN_TEMPLATE.findall(
        templatize(file.read_text("utf-8"), origin=str(file))
    ):
        yield ast.literal_eval(f"'{single}'" if single else f'"{double}"')


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def test_every_string_of_the_code_is_in_the_catalogue(catalogue: polib.POFile) -> None:
    known = {entry.msgid for entry in catalogue}
    used = {text for file in SOURCE.rglob("*.py") for text in _of_code(file)}
    assert sorted(used - known) == []


def test_every_string_of_the_pages_is_in_the_catalogue(catalogue: polib.POFile) -> None:
    known = {entry.msgid for entry in catalogue}
    used = {text for file in SOURCE.rglob("*.html") for text in _of_template(file)}
    assert {"第 %(number)s 页", "跳到正文", "操作"} <= used  # the pattern finds each kind of tag
    assert sorted(used - known) == []


def test_nothing_is_fuzzy_empty_or_left_over(catalogue: polib.POFile) -> None:
    unfinished = [entry.msgid for entry in catalogue if not entry.translated() or entry.fuzzy]
    assert unfinished == []
    assert [entry.msgid for entry in catalogue.obsolete_entries()] == []


def _places(text: str) -> set[str]:
    """The places to be filled in a message, of either kind."""
    named = {name for _, name, _, _ in string.Formatter().parse(text) if name}
    return named | set(re.findall(r"%\(\w+\)[sd]", text))


def test_both_languages_have_the_same_places(catalogue: polib.POFile) -> None:
    uneven = [
        (entry.msgid, text)
        for entry in catalogue
        for text in (entry.msgstr_plural or {0: entry.msgstr}).values()
        if _places(text) != _places(entry.msgid)
    ]
    assert uneven == []


def test_the_catalogue_names_no_file_of_anyones_machine(catalogue: polib.POFile) -> None:
    assert [entry.occurrences for entry in catalogue if entry.occurrences] == []
