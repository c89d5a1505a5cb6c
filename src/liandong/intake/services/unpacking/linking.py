"""Link the files of a hand-over to the rows of its catalogue (挂接).

In this order: the path that the row names; the archival code in the name of a file or of a folder
above it; the title as a name; the row's running number as the beginning of a name.  The last two
are guesses and say so.  A file that belongs to no row becomes an item of its own and is held.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import PurePosixPath

from liandong.intake.models import HandedFile
from liandong.kernel.codes import BadCode, normalise_code_text, template, templates
from liandong.kernel.metadata import retention_code
from liandong.kernel.packages.packet import DAT46_FILE

from .bare import drafts_of_files, natural
from .draft import Draft, folder_of
from .tables import FILE_COLUMN, Table

_PAGE = re.compile(r"(?P<code>.+?)[-(]0*(?P<page>[0-9]{1,5})\)?")
_NOT_CONTENT = ("metadata/", "derivative/")  # of our own exports: written anew at admission


def link(
    table: Table,
    files: Sequence[HandedFile],
    root: str,
    catalogue: str,
    *,
    template: str,
    fonds: str,
) -> list[Draft]:
    """One draft per row, in the order of the catalogue, then the files that no row has.

    `template` and `fonds` are those of the batch's fonds, "" when it has none.
    """
    drafts = [_draft(row, values, template, fonds) for row, values in table.rows]
    _tell_repeated_codes(drafts)
    left = _Left(files)
    _link_by_path(table, drafts, left, root, folder_of(catalogue))
    _link_by_code(drafts, left)
    _link_by_name(drafts, left, _title_of, "CAT-LINKED-BY-TITLE")
    _link_by_name(drafts, left, _number_of, "CAT-LINKED-BY-NUMBER")
    for draft in drafts:
        _finish(draft, table)
    return drafts + _strays(left, root, template, drafts)


# Rows ---------------------------------------------------------------------------------------------


def _draft(row: int, values: Mapping[str, str], form: str, fonds: str) -> Draft:
    description = {name: text for name, text in values.items() if name != FILE_COLUMN}
    draft = Draft(key="", row=row, description=description)
    written = description.get("archival_code", "")
    if written:
        code = _as_printed(written, form)
        if code != written:
            draft.find("CAT-CODE-SIGNS", column="档号", written=written[:100], read=code[:100])
            description["archival_code"] = code
    elif composed := _composed(description, form, fonds):
        description["archival_code"] = composed
    draft.key = description.get("archival_code") or f"第 {row} 行"
    return draft


def _as_printed(text: str, form: str) -> str:
    """The code with look-alike signs put right, when that makes it a code; else as written."""
    shapes = [template(form)] if form else list(templates().values())
    plain = normalise_code_text(text)
    for shape in shapes:
        for candidate in (text, plain):
            try:
                return str(shape.parse(candidate))
            except BadCode:
                continue
    return text


def _composed(values: Mapping[str, str], form: str, fonds: str) -> str:
    """The code of the parts in their own columns, "" when parts are missing."""
    if not form or not values.get("item_number", "").isdecimal():
        return ""
    year = values.get("filing_year", "")
    try:
        return str(
            template(form).compose(
                fonds=values.get("fonds_number") or fonds,
                number=int(values["item_number"]),
                category=values.get("archival_category", "WS"),
                year=int(year) if year.isdecimal() else 0,
                retention=retention_code(values.get("retention_period", "")),
                org=values.get("org_or_subject", ""),
                catalogue=values.get("catalogue_number", ""),
                volume=_whole(values.get("volume_number", "")),
            )
        )
    except BadCode:
        return ""


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _tell_repeated_codes(drafts: Sequence[Draft]) -> None:
    rows: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if code := draft.description.get("archival_code"):
            rows[code].append(draft)
    for code, same in rows.items():
        if len(same) > 1:
            numbers = [str(draft.row) for draft in same]
            for draft in same:
                others = "、".join(row for row in numbers if row != str(draft.row))[:200]
                draft.find("CAT-DUPLICATE-CODE", column="档号", code=code, rows=others)


def _finish(draft: Draft, table: Table) -> None:
    if not draft.files:
        column = table.headers.get("archival_code", "档号")
        code = draft.description.get("archival_code", "")
        draft.find("CAT-ROW-NO-FILE", column=column, code=code)
    draft.files.sort(key=lambda file: natural(file.path))


# Files --------------------------------------------------------------------------------------------


class _Left:
    """The files that no row has yet."""

    def __init__(self, files: Sequence[HandedFile]) -> None:
        self.files = {id(file): file for file in files}

    def give(self, draft: Draft, files: Iterable[HandedFile]) -> None:
        for file in files:
            if self.files.pop(id(file), None) is not None:
                draft.files.append(file)

    def __iter__(self) -> Iterator[HandedFile]:
        return iter(list(self.files.values()))  # a copy: `give` takes away


def _link_by_path(table: Table, drafts: Sequence[Draft], left: _Left, root: str, base: str) -> None:
    if FILE_COLUMN not in table.headers:
        return
    places: dict[str, list[HandedFile]] = defaultdict(list)
    for file in left:
        for name in _names_for(file.path, root, base):
            places[name].append(file)
    for draft, (_, values) in zip(drafts, table.rows, strict=True):
        for text in re.split(r"[;；\n|]", values.get(FILE_COLUMN, "")):
            wanted = _plain_path(text)
            if not wanted:
                continue
            if wanted not in places:
                draft.find("CAT-PATH-NOT-FOUND", column=table.headers[FILE_COLUMN],
                           path=text.strip()[:200])  # fmt: skip
            left.give(draft, places.get(wanted, []))


def _names_for(path: str, root: str, base: str) -> set[str]:
    """Everything by which a catalogue may mean this file: its path, its folders, its name."""
    below = {path, path.removeprefix(root), path.removeprefix(f"{base}/" if base else "")}
    names = below | {PurePosixPath(path).name, PurePosixPath(path).stem}
    for one in below:
        names |= {str(folder) for folder in PurePosixPath(one).parents if str(folder) != "."}
    return {name.casefold() for name in names}


def _plain_path(text: str) -> str:
    plain = text.strip().replace("\\", "/").removeprefix("./").strip("/")
    return re.sub(r"^[A-Za-z]:/", "", plain).casefold()


def _link_by_code(drafts: Sequence[Draft], left: _Left) -> None:
    known: dict[str, Draft] = {}
    for draft in drafts:
        if code := draft.description.get("archival_code"):
            known.setdefault(normalise_code_text(code), draft)
    if not known:
        return
    lengths = sorted({len(code) for code in known}, reverse=True)

    @cache
    def code_of(name: str) -> str:
        return _code_in(name, known, lengths)

    for file in left:
        place = PurePosixPath(file.path)
        names = (place.stem, *(folder.name for folder in place.parents))
        if code := next(filter(None, map(code_of, names)), ""):
            left.give(known[code], [file])
    for draft in known.values():
        _set_exported_apart(draft)


def _code_in(name: str, known: Mapping[str, Draft], lengths: Sequence[int]) -> str:
    """The code that a name is, or begins with before a page number or a title; "" if none."""
    text = normalise_code_text(name)
    if text in known:
        return text
    page = _PAGE.fullmatch(text)
    if page and page["code"] in known:
        return page["code"]
    for length in lengths:
        if text[:length] in known and not text[length : length + 1].isalnum():
            return text[:length]
        if text[:length] in known and not text[length].isascii():
            return text[:length]
    return ""


def _set_exported_apart(draft: Draft) -> None:
    """In a folder that we exported, metadata and derivatives are no originals."""
    marks = {file.path.removesuffix(DAT46_FILE) for file in draft.files
             if file.path.endswith(f"/{DAT46_FILE}")}  # fmt: skip
    for mark in marks:
        apart = [
            file
            for file in draft.files
            if file.path.startswith(mark) and file.path.removeprefix(mark).startswith(_NOT_CONTENT)
        ]
        draft.companions += apart
        draft.files = [file for file in draft.files if file not in apart]


def _title_of(draft: Draft) -> str:
    return _plain_title(draft.description.get("title", ""))


def _plain_title(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _number_of(draft: Draft) -> str:
    for name in ("sequence_number", "item_number"):
        text = draft.description.get(name, "")
        if text.isdecimal():
            return str(int(text))
    return ""


def _link_by_name(
    drafts: Sequence[Draft], left: _Left, name_of: Callable[[Draft], str], code: str
) -> None:
    """Guess by title or by running number; only where one row and one file or folder fit."""
    waiting: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if not draft.files and not draft.companions and (name := name_of(draft)):
            waiting[name].append(draft)
    units: dict[str, list[HandedFile]] = defaultdict(list)
    is_number = code == "CAT-LINKED-BY-NUMBER"
    for unit in drafts_of_files(left, "") if waiting else []:
        name = _unit_name(unit.key, is_number=is_number)
        if name in waiting:
            units[name] += unit.files
    for name, files in units.items():
        if len(waiting[name]) == 1:
            draft = waiting[name][0]
            left.give(draft, files)
            draft.find(code, files[0].path)


def _unit_name(key: str, *, is_number: bool) -> str:
    stem = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", PurePosixPath(key).name)
    if not is_number:
        return _plain_title(stem)
    found = re.match(r"(?:第)?0*([1-9][0-9]{0,5})(?![0-9])", stem)
    return found[1] if found else ""


def _strays(left: _Left, root: str, form: str, drafts: Sequence[Draft]) -> list[Draft]:
    """Files that no row has: each is an item of its own, held, nothing is thrown away."""
    strays = drafts_of_files(left, root)
    listed = {normalise_code_text(draft.key) for draft in drafts}
    for draft in strays:
        name = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", PurePosixPath(draft.key).name)
        text = normalise_code_text(name)
        page = _PAGE.fullmatch(text)
        candidates = [text, page["code"]] if page else [text]
        code = next((one for one in candidates if one not in listed and _is_code(one, form)), "")
        if code:
            draft.find("CAT-UNKNOWN-CODE", draft.key, code=code)
        else:
            draft.find("CAT-FILE-NOT-LISTED", draft.key)
    return strays


def _is_code(text: str, form: str) -> bool:
    for shape in [template(form)] if form else templates().values():
        try:
            shape.parse(text)
        except BadCode:
            continue
        return True
    return False
