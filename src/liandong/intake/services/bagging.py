"""A bag made in this house, handed over at the same door as everybody's.

What an office files by interface and what a case becomes are one item with its description, its
files and everything that was done to it before; each act is a business entity and whoever acted an
agent.  Source: DA/T 46-2009, 业务实体 and 机构人员实体; RFC 8493 (BagIt).
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from django.conf import settings
from django.utils import timezone

from liandong.kernel.metadata import Agent, Event
from liandong.kernel.packages import bagit
from liandong.kernel.packages.packet import PackedFile, PackedItem

FOLDER: Final = "filing-"  # in the staging folder, while a bag is made
DRIVE: Final = "liandong.intake.tasks.drive_batch"


@dataclass(frozen=True, slots=True)
class Act:
    """What was done before the hand-over, as the system that hands over logged it."""

    act: str
    by: str
    at: datetime
    unit: str = ""
    opinion: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The system that hands over, and what it calls the thing."""

    system: str
    number: str
    organisation: str


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder of its own on the disk of the staging folder, gone afterwards."""
    settings.STAGING.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(dir=settings.STAGING, prefix=FOLDER))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_bag(
    folder: Path, description: Mapping[str, str], files: Sequence[PackedFile],
    acts: Sequence[Act], origin: Origin, *, now: datetime,
) -> Path:  # fmt: skip
    """Make `folder` a bag of one item.  Raises BadPath, FileExistsError and OSError."""
    events, agents = _entities(acts, origin, now)
    item = PackedItem(dict(description), tuple(files), "", None, events, agents)
    day = timezone.localdate(now)
    bagit.write(folder, [item], bagged_on=day, organisation=origin.organisation)
    return folder


def process_of(acts: Sequence[Act], tool: str) -> list[dict[str, str]]:
    """The acts for `receive(process=…)`: they become events of the record."""
    rows = [
        {
            "act": one.act, "at": one.at.isoformat(), "by": one.by, "tool": tool,
            "unit": one.unit, "opinion": one.opinion,
        }
        for one in acts
    ]  # fmt: skip
    return [{name: text for name, text in row.items() if text} for row in rows]


def _entities(
    acts: Sequence[Act], origin: Origin, now: datetime
) -> tuple[tuple[Event, ...], tuple[Agent, ...]]:
    """The process for the metadata of the bag; the last event is the filing itself."""
    people = list(dict.fromkeys((one.by, one.unit) for one in acts))
    agents = [
        Agent(f"agent-{at}", name, "person", position=unit)
        for at, (name, unit) in enumerate(people)
    ]
    number = {person: agent.identifier for person, agent in zip(people, agents, strict=True)}
    events = [
        Event(f"event-{at}", one.act, one.at.isoformat(), number[one.by, one.unit],
              "success", one.opinion)
        for at, one in enumerate(acts)
    ]  # fmt: skip
    system = Agent("system", origin.system, "software")
    said = f"{origin.system}:{origin.number}"
    events.append(Event("event-filing", "归档", now.isoformat(), "system", "success", said))
    return tuple(events), (*agents, system)
