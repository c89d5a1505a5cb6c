"""Drafts of items from files without a catalogue: proposed titles, folders of page images."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from liandong.intake.models import HandedFile

from .draft import Draft, folder_of

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".jp2", ".bmp", ".jpf"})
_NUMBERED = re.compile(r"(?:.*?[^0-9])?([0-9]{1,5})$")  # 001, 图像_001, Z109-…-0001-003


def natural(path: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which `2.jpg` comes before `10.jpg`; digits before other signs."""
    parts = re.split(r"([0-9]+)", path)
    return tuple((0, int(p), "") if p.isdecimal() and p.isascii() else (1, 0, p)
                 for p in parts if p)  # fmt: skip


def drafts_of_files(files: Iterable[HandedFile], root: str) -> list[Draft]:
    """One draft per folder of numbered page images, one per other file; in natural order."""
    folders: dict[str, list[HandedFile]] = defaultdict(list)
    for file in files:
        folders[folder_of(file.path)].append(file)
    drafts: list[Draft] = []
    for folder in sorted(folders, key=natural):
        members = sorted(folders[folder], key=lambda file: natural(file.path))
        if folder and is_page_folder(members):
            drafts.append(_draft(folder, folder.removeprefix(root), members))
            continue
        drafts += [_draft(one.path, one.path.removeprefix(root), [one]) for one in members]
    return drafts


def is_page_folder(files: Sequence[HandedFile]) -> bool:
    """Whether these files of one folder are the numbered page images of one item."""
    stems = [PurePosixPath(file.path) for file in files]
    if not all(stem.suffix.lower() in IMAGE_SUFFIXES for stem in stems):
        return False
    numbers = [found[1] for stem in stems if (found := _NUMBERED.match(stem.stem))]
    if len(numbers) != len(files) or len(set(map(int, numbers))) != len(numbers):
        return False
    heads = {stem.stem[: -len(number)] for stem, number in zip(stems, numbers, strict=True)}
    return len(heads) == 1


def _draft(key: str, path: str, files: list[HandedFile]) -> Draft:
    return Draft(key=key, description={"title": proposed_title(path)}, files=files)


def proposed_title(path: str) -> str:
    """A title made of a file or folder name: without suffix and leading numbers."""
    name = PurePosixPath(path).name
    stem = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", name)
    return (re.sub(r"^[0-9]{1,4}[\s.、_-]+(?=\S)", "", stem).strip() or name)[:500]
