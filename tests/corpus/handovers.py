"""Hand-overs made by code: a folder per case, and the batch that receives it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from liandong.archive.models import Fonds
from liandong.intake.models import Batch
from liandong.intake.services.receive import incoming_files, receive

from .contents import pdf, xlsx

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
HEADERS = ["档号", "题名", "文号", "责任者", "日期", "密级", "保管期限", "页数", "备注"]


def code(number: int) -> str:
    """An archival code of one class."""
    return f"Z109-WS·2011-Y-BGS-{number:04d}"


def row(number: int, **changes: object) -> list[object]:
    """A faultless row of a catalogue; `changes` by header."""
    values: dict[str, object] = {
        "档号": code(number), "题名": f"关于第{number}号工作的通知",
        "文号": f"滨政办字〔2011〕{number}号", "责任者": "滨州市人民政府办公室",
        "日期": "20110506", "密级": "", "保管期限": "永久", "页数": 1, "备注": "",
    }  # fmt: skip
    return [{**values, **changes}[header] for header in HEADERS]


def catalogued(
    rows: list[list[object]], files: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """A hand-over with 目录.xlsx; without `files` each row has a PDF by its code."""
    if files is None:
        files = {f"{one[0]}.pdf": pdf(1, text=str(one[0])[-4:]) for one in rows if one[0]}
    return {"目录.xlsx": xlsx([HEADERS, *rows]), **files}


def lay_out(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write the files below the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def hand_over(
    root: Path, files: Mapping[str, bytes], *, fonds: Fonds | None = None, **declared: Any
) -> Batch:
    """Receive these files; a single .zip is handed over as a file."""
    lay_out(root, files)
    only = next(iter(files))
    source = root / only if len(files) == 1 and only.endswith(".zip") else root
    batch = receive(incoming_files(source), name="测试", by="wang", now=NOW, fonds=fonds)
    if declared:
        batch.declared = {**batch.declared, **declared}
        batch.save(update_fields=["declared"])
    return batch
