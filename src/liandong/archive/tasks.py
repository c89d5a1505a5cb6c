"""Jobs of the archive: thin, each calls one service."""

from django.utils import timezone
from django_tasks import task

from liandong.base.engines import engine

from .models import Record
from .services import appraising, correcting, destroying, indexing, verifying
from .services.jobs import PACK_AFTER
from .services.opening import proposing, settling, steps


@task()
def index_stale_records() -> int:
    """Put records that changed into the index; how many."""
    return indexing.index_stale()


@task()
def pack_corrections_of(record_id: int) -> bool:
    """Write the corrections of a record into its object, once nobody works on it any more."""
    now = timezone.now()
    if not correcting.is_resting(record_id, now=now):
        pack_corrections_of.using(run_after=now + PACK_AFTER).enqueue(record_id)
        return False
    record = Record.objects.get(pk=record_id)
    correcting.pack_corrections(record, by="system", now=now)
    return True


@task()
def verify_scheduled() -> int:
    """Check the fixity of the records that are due; how many failed."""
    return verifying.verify(kind="scheduled", by="system", now=timezone.now()).run.failed


@task()
def verify_sample(count: int, by: str) -> int:
    """Check the fixity of some records chosen by chance; how many failed."""
    return verifying.verify(kind="sample", sample=count, by=by, now=timezone.now()).run.failed


@task()
def sweep_store() -> int:
    """Remove what interrupted writes left in the stores; how many."""
    return engine("blobs").sweep() + engine("evidence").sweep()


@task()
def pack_opening_of(record_id: int) -> None:
    """Write the settled opening reviews of a record into its object."""
    settling.pack_opening(Record.objects.get(pk=record_id), now=timezone.now())


@task()
def propose_openings() -> int:
    """Say what rules and detectors say of the records of the plan; how many."""
    return proposing.propose_planned(now=timezone.now())


@task()
def follow_openings() -> int:
    """What became of opening reviews by the clock, and what a lost job left behind; how many."""
    now = timezone.now()
    done = steps.lapse_overdue(now=now) + settling.pack_waiting(now=now)
    return done + proposing.propose_planned(now=now)


@task()
def keep_appraisals() -> int:
    """Write decisions of appraisal into the objects of their records; how many."""
    return appraising.keep_appraisals()


@task()
def destroy_list(list_id: int) -> int:
    """Destroy what is on a list that was started, and certify it; how many records are gone."""
    today = int(timezone.localtime().strftime("%Y%m%d"))
    return destroying.destroy_list(list_id, clock=timezone.now, today=today)
