"""A visit (查档): received, identity checked, decided, handed out, passed on; then forgotten.

Of the paper of identity only its kind, its last four characters and a keyed digest are kept.
"""

import hmac
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from liandong.archive.models import Record
from liandong.archive.policies import EXAMINED_CLEAN, OPEN, RESTRICTED
from liandong.archive.services.sharing import grant_share, withdraw_share
from liandong.base.audit import record_act
from liandong.base.models import Account, Outcome, Role
from liandong.exchange.flow import VISIT_FLOW
from liandong.exchange.models import (
    Delivery,
    Forwarding,
    Verdict,
    Visit,
    VisitEvent,
    VisitRecord,
    VisitState,
)
from liandong.exchange.policies import visit_standings
from liandong.kernel import catalog
from liandong.kernel.calendars import catalogue_calendar
from liandong.kernel.flows import StepRefused
from liandong.kernel.person_numbers import Identity, recognise, veiled_name
from liandong.kernel.viewer import Viewer

from .notices import directors, tell
from .numbering import take_number
from .people import day_of, end_of, today_number, viewer_by
from .steps import chosen_role
from .weighing import within_duty

_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read for another
CODE_LENGTH = 12  # 59 bits
SESSION_HOURS = 8
MOST_RECORDS = 200  # of one visit


@dataclass(frozen=True, slots=True)
class Application:
    """What a citizen applies for."""

    name: str
    id_kind: str
    id_number: str
    phone: str
    address: str
    wanted: str
    purpose_kind: str
    purpose: str
    delivery: str
    archive: str = ""  # partner_archives; "" for this one


@dataclass(slots=True)
class Visiting:
    """A step on its way: the locked row and what the event will say."""

    visit: Visit
    viewer: Viewer
    why: str = ""
    facts: dict[str, str | int] = field(default_factory=dict)


@transaction.atomic
def receive(
    application: Application, *, now: datetime, by: str = "", at_desk: bool = False
) -> tuple[Visit, str]:
    """Take an application in; the row and the code of the receipt, which is kept nowhere.

    `by` is "" for the public form.  Raises BadNumber, and ValueError for an unknown choice.
    """
    identity = _recognised(application.id_kind, application.id_number)
    if application.delivery not in Delivery.values:
        raise ValueError(application.delivery)
    if application.archive and application.archive not in catalog.by_key(
        "partner_archives", "code"
    ):
        raise ValueError(application.archive)
    today = day_of(now)
    code = "".join(secrets.choice(_SIGNS) for _ in range(CODE_LENGTH))
    visit = Visit.objects.create(
        number=take_number("CD", today.year), code_digest=_code_digest(code), at_desk=at_desk,
        name=application.name.strip(), id_kind=identity.kind, id_last=identity.last,
        id_digest=identity.digest, phone=application.phone.strip(),
        address=application.address.strip(), archive=application.archive,
        wanted=application.wanted.strip(), purpose_kind=application.purpose_kind,
        purpose=application.purpose.strip(), delivery=application.delivery, received_at=now,
        due_on=catalogue_calendar().add_workdays(today, settings.SHARE_DAYS),
    )  # fmt: skip
    facts: dict[str, str | int] = {"at_desk": int(at_desk), "delivery": visit.delivery}
    VisitEvent.objects.create(
        visit=visit, step="receive", before="", after=visit.state, at=now, by=by, facts=facts
    )
    record_act("visit_receive", by=by, now=now, object=f"visit:{visit.number}", facts=facts)
    return visit, code


def _recognised(kind: str, number: str) -> Identity:
    key = salted_hmac("liandong.identity", "paper", algorithm="sha256").digest()
    return recognise(kind, number, key=key)


def _code_digest(code: str) -> str:
    plain = code.strip().upper().replace("-", "").replace(" ", "")
    return salted_hmac("liandong.visit", plain, algorithm="sha256").hexdigest()


def follow(number: str, code: str) -> Visit | None:
    """The visit of a receipt; a wrong code and an absent number answer alike, in like time."""
    visit = Visit.objects.filter(number=number.strip().upper()).first()
    known = visit.code_digest if visit else "0" * 64
    return visit if hmac.compare_digest(known, _code_digest(code)) and visit else None


@contextmanager
def visiting(
    step: str,
    visit_id: int,
    *,
    by: str,
    now: datetime,
    given: Collection[str] = (),
    why: str = "",
    role: str = "",
) -> Iterator[Visiting]:
    """One step of a visit in one transaction; `role` is "applicant" for who holds the receipt.

    Raises Visit.DoesNotExist and StepRefused, of which an audit row stays.
    """
    number = Visit.objects.values_list("number", flat=True).get(pk=visit_id)
    try:
        with transaction.atomic():
            visit = Visit.objects.select_for_update().get(pk=visit_id)
            viewer, before = viewer_by(by, now=now), visit.state
            roles = {role} if role else visit_standings(viewer)
            chosen = chosen_role(VISIT_FLOW, step, before, roles)
            visit.state = VISIT_FLOW.take(step, before, chosen, given)
            taken = Visiting(visit, viewer, why)
            yield taken
            if visit.state in VISIT_FLOW.final and visit.ended_at is None:
                visit.ended_at = now
            visit.save()
            VisitEvent.objects.create(
                visit=visit, step=step, before=before, after=visit.state, at=now, by=by,
                why=taken.why[:1000], facts=taken.facts,
            )  # fmt: skip
            record_act(
                f"visit_{step}", by=by, now=now, object=f"visit:{number}", why=taken.why,
                facts=taken.facts,
            )  # fmt: skip
    except StepRefused as refused:
        record_act(
            f"visit_{step}", by=by, now=now, object=f"visit:{number}", outcome=Outcome.REFUSED,
            why=f"{refused.reason} {refused.detail}".strip(),
        )  # fmt: skip
        raise


def identify(visit_id: int, *, number: str, by: str, now: datetime) -> Visit:
    """Note that the paper was seen and is the one that was stated.

    Raises BadNumber, and StepRefused: other-paper when it is another one.
    """
    kind = Visit.objects.values_list("id_kind", flat=True).get(pk=visit_id)
    shown = _recognised(kind, number)
    with visiting("identify", visit_id, by=by, now=now, given={"shown"}) as taken:
        visit = taken.visit
        if not hmac.compare_digest(shown.digest, visit.id_digest):
            raise StepRefused("identify", "other-paper")
        visit.identified_at, visit.identified_by = now, by
        taken.facts = {"kind": visit.id_kind}
    return visit


def records_of(record_ids: Sequence[int]) -> list[Record]:
    """These records, at most MOST_RECORDS."""
    return list(Record.objects.filter(pk__in=list(record_ids)[:MOST_RECORDS]))


def needs_two(records: Sequence[Record], *, whole: bool, now: datetime) -> bool:
    """Whether an archivist proposes and a director decides: unopened, or personal data whole."""
    today = today_number(now)
    return any(
        record.level > OPEN
        or record.open_from > today
        or record.level >= RESTRICTED
        or (whole and record.personal != EXAMINED_CLEAN)
        for record in records
    )


def approve(
    visit_id: int, record_ids: Sequence[int], *, whole: bool, answer: str, by: str, now: datetime
) -> Visit:
    """Decide that these records are shown.  Raises StepRefused: second-person, not-cleared."""
    return _rule("approve", visit_id, record_ids, whole=whole, answer=answer, by=by, now=now)


def propose(
    visit_id: int, record_ids: Sequence[int], *, whole: bool, answer: str, by: str, now: datetime
) -> Visit:
    """Put the decision before the director.  Raises StepRefused."""
    return _rule("propose", visit_id, record_ids, whole=whole, answer=answer, by=by, now=now)


def _rule(
    step: str,
    visit_id: int,
    record_ids: Sequence[int],
    *,
    whole: bool,
    answer: str,
    by: str,
    now: datetime,
) -> Visit:
    records = records_of(record_ids)
    given = ({"records"} if records else set()) | ({"reason"} if answer.strip() else set())
    with visiting(step, visit_id, by=by, now=now, given=given, why=answer) as taken:
        visit = taken.visit
        if not within_duty(taken.viewer, records, now=now):
            raise StepRefused(step, "not-cleared")
        if step == "approve" and needs_two(records, whole=whole, now=now):
            raise StepRefused(step, "second-person")
        visit.records.all().delete()
        VisitRecord.objects.bulk_create(
            [
                VisitRecord(visit=visit, record=row, code=row.code, verdict=Verdict.GRANTED)
                for row in records
            ]
        )
        visit.whole, visit.answer = whole, answer.strip()[:1000]
        if step == "approve":
            visit.decided_at, visit.decided_by, visit.two_people = now, by, False
        else:
            visit.proposed_by, visit.two_people = by, True
            _tell_directors(visit, now=now)
        taken.facts = {"records": len(records), "whole": int(whole)}
    return visit


def _tell_directors(visit: Visit, *, now: datetime) -> None:
    tell(
        directors(), "visit_proposed", number=visit.number,
        path=f"/exchange/visits/{visit.number}/", now=now, occasion=now.isoformat(),
    )  # fmt: skip


def confirm(visit_id: int, *, by: str, now: datetime, why: str = "") -> Visit:
    """Decide as the second person.  Raises StepRefused: second-person, not-cleared."""
    with visiting("confirm", visit_id, by=by, now=now, why=why) as taken:
        visit = taken.visit
        if visit.proposed_by == by:
            raise StepRefused("confirm", "second-person")
        records = [row.record for row in visit.records.select_related("record")]
        if not within_duty(taken.viewer, records, now=now):
            raise StepRefused("confirm", "not-cleared")
        visit.decided_at, visit.decided_by = now, by
    return visit


def send_back(visit_id: int, *, why: str, by: str, now: datetime) -> Visit:
    """Have the desk look again.  Raises StepRefused."""
    given = {"reason"} if why.strip() else set()
    with visiting("send_back", visit_id, by=by, now=now, given=given, why=why) as taken:
        taken.visit.proposed_by, taken.visit.two_people = "", False
    return taken.visit


def refuse(visit_id: int, *, ground: str, answer: str, by: str, now: datetime) -> Visit:
    """Refuse, with a ground of the law and words.  Raises StepRefused."""
    known = ground in catalog.by_key("opening_grounds", "code")
    given = ({"ground"} if known else set()) | ({"reason"} if answer.strip() else set())
    with visiting("refuse", visit_id, by=by, now=now, given=given, why=answer) as taken:
        visit = taken.visit
        visit.ground, visit.answer = ground, answer.strip()[:1000]
        visit.decided_at, visit.decided_by, visit.two_people = now, by, False
        taken.facts = {"ground": ground}
    return visit


def cancel(visit_id: int, *, now: datetime, by: str = "") -> Visit:
    """Take an application back: the applicant with the receipt, or the desk for the applicant."""
    role = "" if by else "applicant"
    with visiting("cancel", visit_id, by=by, now=now, role=role) as taken:
        pass
    return taken.visit


# Handing out --------------------------------------------------------------------------------------


def terminals() -> list[Account]:
    """Accounts that may stand in the reading room: readers without department or clearance."""
    rows = Account.objects.filter(is_active=True, officer="", unit__isnull=True, clearance=0)
    others = rows.filter(posts__role__in=[Role.CLERK, Role.ARCHIVIST, Role.DIRECTOR])
    readers = rows.filter(posts__role=Role.READER)
    return list(readers.exclude(pk__in=others.values("pk")).order_by("username").distinct())


def open_session(visit_id: int, *, terminal: str, hours: int, by: str, now: datetime) -> Visit:
    """Show the approved records on a terminal of the reading room for some hours of today.

    Watermarks name the applicant.  Raises StepRefused: no-terminal, busy.
    """
    account = next((one for one in terminals() if one.username == terminal), None)
    given = {"terminal"} if account else set()
    with visiting("open_session", visit_id, by=by, now=now, given=given) as taken:
        visit = taken.visit
        if account is None:
            raise StepRefused("open_session", "no-terminal")
        if _is_live(visit, now) or _is_taken(account, now):
            raise StepRefused("open_session", "busy")
        lasts = timedelta(hours=max(1, min(hours, SESSION_HOURS)))
        count = visit.events.filter(step="open_session").count() + 1
        visit.session = grant_share(
            f"{visit.number}-{count}", to=account,
            records=[row.record for row in visit.records.select_related("record")],
            purpose=visit.purpose or visit.number, uses=["look"], whole=visit.whole,
            begins_at=now, ends_at=min(now + lasts, end_of(day_of(now))), by=by, now=now,
            reader=f"{visit.name}（{visit.number}）",
        )  # fmt: skip
        taken.facts = {"terminal": terminal, "session": visit.session.code}
    return visit


def _is_live(visit: Visit, now: datetime) -> bool:
    grant = visit.session
    return grant is not None and grant.withdrawn_at is None and grant.ends_at > now


def _is_taken(account: Account, now: datetime) -> bool:
    return account.grants.filter(ends_at__gt=now, withdrawn_at__isnull=True).exists()


def end_session(visit_id: int, *, by: str, now: datetime) -> Visit:
    """End the session on the terminal at once.  Raises StepRefused: wrong-state without one."""
    with visiting("end_session", visit_id, by=by, now=now) as taken:
        visit = taken.visit
        if not _is_live(visit, now):
            raise StepRefused("end_session", "wrong-state")
        withdraw_share(visit.session_id or 0, by=by, now=now, why=visit.number)
    return visit


def deliver(
    visit_id: int, *, delivery: str, pages: int, note: str, by: str, now: datetime
) -> Visit:
    """Note what was handed out: how, and how many pages.  Raises StepRefused."""
    given = {"delivery"} if delivery in Delivery.values else set()
    with visiting("deliver", visit_id, by=by, now=now, given=given, why=note) as taken:
        taken.facts = {"delivery": delivery, "pages": pages}
    return taken.visit


def close(visit_id: int, *, by: str, now: datetime, why: str = "") -> Visit:
    """End the visit; a session that is still on ends with it.  Raises StepRefused."""
    with visiting("close", visit_id, by=by, now=now, why=why) as taken:
        if _is_live(taken.visit, now):
            withdraw_share(taken.visit.session_id or 0, by=by, now=now, why=taken.visit.number)
    return taken.visit


# Passing on ---------------------------------------------------------------------------------------


def forward(visit_id: int, *, archive: str, note: str, by: str, now: datetime) -> Visit:
    """Pass the application to another archive (转递).  Raises StepRefused."""
    given = {"archive"} if archive in catalog.by_key("partner_archives", "code") else set()
    with visiting("forward", visit_id, by=by, now=now, given=given, why=note) as taken:
        Forwarding.objects.create(
            visit=taken.visit, archive=archive, note=note.strip()[:500], sent_at=now, sent_by=by,
            changed_at=now,
        )  # fmt: skip
        taken.facts = {"archive": archive}
    return taken.visit


def note_forwarding(visit_id: int, *, standing: str, note: str, by: str, now: datetime) -> Visit:
    """Note what the other archive said; an answer or a return ends the visit here."""
    ends = standing in {Forwarding.Standing.ANSWERED, Forwarding.Standing.RETURNED}
    step = "end_forwarding" if ends else "note_forwarding"
    given = {"standing"} if standing in Forwarding.Standing.values else set()
    with visiting(step, visit_id, by=by, now=now, given=given, why=note) as taken:
        row = Forwarding.objects.select_for_update().get(visit=taken.visit)
        row.standing, row.changed_at = standing, now
        row.save(update_fields=["standing", "changed_at"])
        taken.facts = {"standing": standing}
    return taken.visit


# Forgetting ---------------------------------------------------------------------------------------


def remove_contacts(*, now: datetime, by: str = "system", limit: int = 1000) -> int:
    """Remove what names the applicants of visits that ended long enough ago; how many.

    The name keeps its first character, what was wanted and why goes as well; number, kind, dates
    and decision stay for the statistics.  Safe to repeat.
    """
    before = now - timedelta(days=settings.CONTACT_DAYS)
    old = Visit.objects.filter(ended_at__lte=before, contact_removed_at__isnull=True)
    count = 0
    for pk in old.order_by("pk").values_list("pk", flat=True)[:limit]:
        count += _forget(pk, by=by, now=now)
    return count


@transaction.atomic
def _forget(visit_id: int, *, by: str, now: datetime) -> bool:
    visit = Visit.objects.select_for_update().get(pk=visit_id)
    if visit.contact_removed_at is not None or visit.state not in VISIT_FLOW.final:
        return False
    visit.name = veiled_name(visit.name)
    visit.phone = visit.address = visit.id_last = visit.id_digest = ""
    visit.wanted = visit.purpose = ""
    visit.contact_removed_at = now
    visit.save()
    VisitEvent.objects.create(
        visit=visit, step="remove_contact", before=visit.state, after=visit.state, at=now, by=by
    )
    record_act("visit_remove_contact", by=by, now=now, object=f"visit:{visit.number}")
    return True


def is_undecided(visit: Visit) -> bool:
    """Whether the applicant still waits for the answer."""
    return visit.state in {VisitState.RECEIVED, VisitState.IDENTIFIED, VisitState.PROPOSED}
