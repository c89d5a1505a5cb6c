"""Step `read`: page text with places, page images, and quality findings.  DA/T 31-2017.

Pages are saved as they finish, a few at a time, so that a step cut short goes on at the first
page that is missing.  Files are opened only in compute workers: one that kills its reader ends as
a finding.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from liandong.base.engines import engine
from liandong.base.rows import update_rows
from liandong.intake.models import HandedFile, Item, ItemPage
from liandong.kernel.checks import Finding
from liandong.kernel.pages import Page
from liandong.kernel.ports import Outcome, Unreadable, WorkerLost

from .pagework import CountJob, ReadJob, count_pages, read_pages
from .quality import page_findings, repeated_pages
from .steps import Done, is_machine_trouble

PAGES_PER_JOB = 8  # opening a file again is cheap beside reading eight pages
PAGES_MAX = 20_000  # per file; beyond it the original is kept and the rest is not read
IMAGES_MAX = 2_000  # pages of a file; thicker ones give text alone: an image is most of the work
SAVE_EVERY = 32  # pages per transaction


def read(items: Sequence[Item], *, now: datetime) -> list[Done]:
    """Read every page of the items' files that is not read yet."""
    files = [
        file
        for file in HandedFile.objects.filter(item__in=items, is_content=True).order_by("id")
        if not _is_told_not_to(items, file)
    ]
    findings: dict[int, list[Finding]] = defaultdict(list)
    _count(files, findings)
    _read(files, findings)
    return _dones(items, files, findings)


def _is_told_not_to(items: Sequence[Item], file: HandedFile) -> bool:
    item = next(item for item in items if item.pk == file.item_id)
    return not item.batch.declared.get("read", True)


def count_missing(files: Sequence[HandedFile]) -> dict[int, Finding]:
    """Count the pages of files that have no count yet; what cannot be opened, by file id."""
    findings: dict[int, list[Finding]] = defaultdict(list)
    _count(files, findings)
    return {file_id: found[0] for file_id, found in findings.items()}


def _count(files: Sequence[HandedFile], findings: dict[int, list[Finding]]) -> None:
    by_id = {file.pk: file for file in files}
    jobs = [
        CountJob(file.pk, settings.STAGING / file.staged, file.puid)
        for file in files
        if not file.page_count
    ]
    counted = []
    for outcome in engine("compute").map(count_pages, jobs):
        file = by_id[outcome.job.file_id]
        if outcome.error is not None:
            findings[file.pk].append(_finding(file, outcome.error))
            continue
        pages = outcome.get()
        if pages > PAGES_MAX:
            facts = {"reason": f"{pages} > {PAGES_MAX}"}
            findings[file.pk].append(Finding("FILE-TOO-LARGE", file.path, facts=facts))
        elif pages > IMAGES_MAX:
            facts = {"reason": f"{pages} 页，超过 {IMAGES_MAX} 页，只取文字，不制作页图"}
            findings[file.pk].append(Finding("FILE-TOO-LARGE", file.path, facts=facts))
        file.page_count = min(pages, PAGES_MAX)
        counted.append(file)
    update_rows(counted, ["page_count"])


def _finding(file: HandedFile, error: Exception, page: int | None = None) -> Finding:
    match error:
        case Unreadable(code=code, facts=facts):
            return Finding(code, file.path, page=page, facts=facts)
        case WorkerLost():
            return Finding("FILE-KILLS-READER", file.path, page=page)
        case _ if is_machine_trouble(error):
            raise error
        case _:
            facts = {"step": "read", "error": f"{type(error).__name__}: {error}"[:200]}
            return Finding("STEP-FAILED", file.path, page=page, facts=facts)


def _read(files: Sequence[HandedFile], findings: dict[int, list[Finding]]) -> None:
    by_id = {file.pk: file for file in files}
    waiting: list[ItemPage] = []
    for outcome in engine("compute").map(read_pages, _jobs(files, findings)):
        file = by_id[outcome.job.file_id]
        if outcome.error is None:
            waiting += _rows(file, outcome.get())
        else:
            findings[file.pk] += [
                found
                for found in _read_alone(file, outcome, waiting)
                if found not in findings[file.pk]
            ]
        if len(waiting) >= SAVE_EVERY:
            _save(waiting)
            waiting = []
    _save(waiting)


def _read_alone(
    file: HandedFile, outcome: Outcome[ReadJob, Sequence[Page]], waiting: list[ItemPage]
) -> Iterator[Finding]:
    """One bad page costs only itself: read the pages of a failed job one by one."""
    job = outcome.job
    if len(job.numbers) == 1:
        yield _finding(file, outcome.error or WorkerLost(), job.numbers[0])
        return
    alone = [
        ReadJob(job.file_id, job.path, job.puid, (number,), job.images) for number in job.numbers
    ]
    for single in engine("compute").map(read_pages, alone):
        if single.error is None:
            waiting += _rows(file, single.get())
        else:
            yield _finding(file, single.error, single.job.numbers[0])


def _jobs(files: Sequence[HandedFile], findings: dict[int, list[Finding]]) -> Iterator[ReadJob]:
    done: dict[int, set[int]] = defaultdict(set)
    for file_id, number in ItemPage.objects.filter(file__in=files).values_list("file", "number"):
        done[file_id].add(number)
    for file in files:
        if findings[file.pk] and not file.page_count:
            continue
        todo = [n for n in range(1, file.page_count + 1) if n not in done[file.pk]]
        path = settings.STAGING / file.staged
        images = images_of(file) if file.page_count <= IMAGES_MAX else None
        for start in range(0, len(todo), PAGES_PER_JOB):
            numbers = tuple(todo[start : start + PAGES_PER_JOB])
            yield ReadJob(file.pk, path, file.puid, numbers, images)


def images_of(file: HandedFile) -> Path:
    """The folder of the page images of a staged file."""
    return (settings.STAGING / file.staged).parent / "pages" / str(file.pk)


def _rows(file: HandedFile, pages: Sequence[Page]) -> list[ItemPage]:
    folder = images_of(file).relative_to(settings.STAGING).as_posix()
    return [
        ItemPage(
            file=file,
            number=page.number,
            page=page.to_json(),
            image=f"{folder}/{page.image}" if page.image else "",
            look=page.look,
        )
        for page in pages
    ]


@transaction.atomic
def _save(rows: list[ItemPage]) -> None:
    ItemPage.objects.bulk_create(rows, ignore_conflicts=True)


def _dones(
    items: Sequence[Item], files: Sequence[HandedFile], findings: dict[int, list[Finding]]
) -> list[Done]:
    pages: dict[int, list[ItemPage]] = defaultdict(list)
    for row in ItemPage.objects.filter(file__in=files).order_by("file", "number"):
        pages[row.file_id].append(row)
    dones = []
    for item in items:
        own = [file for file in files if file.item_id == item.pk]
        found = [one for file in own for one in findings[file.pk]]
        found += [one for file in own for one in page_findings(file, pages[file.pk])]
        if len(own) > 1:  # page images in a folder: one page a file
            shown = [(file, row) for file in own for row in pages[file.pk]]
            found += [one for one in repeated_pages(shown) if one not in found]
        count = sum(len(pages[file.pk]) for file in own)
        dones.append(Done(tuple(found), {"pages": count}, save=_set_pages(item, count)))
    return dones


def _set_pages(item: Item, count: int) -> Callable[[], None]:
    def save() -> None:
        item.page_count = count

    return save
