"""Jobs of cases: thin, each calls one service."""

from django.utils import timezone
from django_tasks import task

from liandong.base.locks import Busy, hold

from .services import filing
from .services.import_files import go_on
from .services.letters import send_letters
from .services.proposing import propose_plates
from .services.reading_words import read_blocks
from .services.reporting import forget_unclaimed
from .services.tending import tend_due


@task()
def tidy_reports() -> int:
    """Erase photos whose report did not come within a day; how many."""
    return forget_unclaimed(now=timezone.now())


@task()
def tend_cases() -> dict[str, int]:
    """Take the steps that time brings, tell who should know, send letters; how many of each."""
    done = tend_due(now=timezone.now())
    return {**done, "letters": send_letters(now=timezone.now())}


@task()
def find_plates(evidence_id: int) -> int:
    """Propose number plates of a photo for covering; how many."""
    return propose_plates(evidence_id, now=timezone.now())


@task()
def file_case(case_id: int) -> str:
    """Take the filing of one case as far as it goes now."""
    return filing.go_on(case_id, now=timezone.now())


@task()
def file_due_cases() -> dict[str, int]:
    """Hand over what is due and write down what was admitted; one process at a time."""
    try:
        with hold("case-filing"):
            return filing.file_due(now=timezone.now())
    except Busy:
        return {}


@task()
def import_files() -> int:
    """Import files of other systems that were started; how many ended."""
    return go_on(clock=timezone.now)


@task()
def read_words() -> int:
    """Read full blocks of cases into the index of their words; how many blocks."""
    try:
        with hold("case-words"):
            return read_blocks()
    except Busy:
        return 0
