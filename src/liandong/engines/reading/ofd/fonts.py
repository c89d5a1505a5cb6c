"""Fonts to draw OFD pages with: those of the system, found once, and those inside the file."""

import io
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("/System/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)
# File name beginnings of fonts with the Chinese characters, the better one first.
_SERIF = (
    "NotoSerifCJK-",
    "NotoSerifCJKsc",
    "SourceHanSerif",
    "simsun",
    "uming",
    "STSong",
    "FandolSong",
)
_PLAIN = (
    "NotoSansCJK-",
    "NotoSansCJKsc",
    "SourceHanSans",
    "simhei",
    "wqy-",
    "DroidSansFallback",
    "msyh",
    "PingFang",
)
_PLAIN_NAMES = ("黑", "雅黑", "hei", "sans", "arial", "helvetica", "等线", "gothic")

Face = tuple[str, int]  # file and index of the font in it


def is_serif(name: str) -> bool:
    """Whether a font of this name has serifs or brush ends (宋, 仿宋, 楷), as most documents do."""
    folded = name.lower()
    return not any(mark in folded for mark in _PLAIN_NAMES)


@lru_cache(maxsize=4)
def system_face(serif: bool) -> Face | None:
    """A font of this machine with Chinese characters; None when there is none."""
    return _asked(serif) or _searched(serif) or _searched(not serif)


@lru_cache(maxsize=64)
def at_size(face: Face, pixels: int) -> ImageFont.FreeTypeFont:
    """The font of a face in a size."""
    return ImageFont.truetype(face[0], pixels, index=face[1])


def embedded(content: bytes, pixels: int) -> ImageFont.FreeTypeFont | None:
    """The font in these bytes, or None when it cannot be used."""
    try:
        return ImageFont.truetype(io.BytesIO(content), pixels)
    except (OSError, ValueError):
        return None


def _asked(serif: bool) -> Face | None:
    """What fontconfig answers, if it knows a font with Chinese characters."""
    program = shutil.which("fc-match")
    if program is None:
        return None
    pattern = f"{'serif' if serif else 'sans'}:lang=zh-cn"
    command = [program, "-f", "%{file}\n%{index}\n%{lang}", pattern]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=10, check=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return None
    file, index, languages, *_ = [*answer.stdout.decode("utf-8", "replace").split("\n"), "", "", ""]
    if not Path(file).is_file() or "zh-cn" not in languages:
        return None
    return file, int(index) & 0xFFFF if index.isdigit() else 0


def _searched(serif: bool) -> Face | None:
    for start in _SERIF if serif else _PLAIN:
        for folder in _FOLDERS:
            for file in sorted(folder.rglob(f"{start}*")) if folder.is_dir() else []:
                if file.suffix.lower() in (".ttc", ".ttf", ".otf"):
                    return str(file), 0
    return None
