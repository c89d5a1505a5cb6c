"""Reports of strangers (随手拍): photos ahead of the text, each acknowledged for itself, and once.

Source: casework design §12 (5, 10): a pseudonym with a recovery code; an idempotency key.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from liandong.archive.services.keyring import shred_key
from liandong.base.audit import record_act
from liandong.base.people.services.throttle import forget_old, give_back, take_turn
from liandong.cases.models import Case, Evidence, Pseudonym, SentPhoto
from liandong.cases.policies import Bearer

from .opening import BadReport, Opened, Report, open_new, token_digest
from .photos import drop_photo, evidence_urn, keep_photo

MOST_PHOTOS: Final = 6
KEPT: Final = timedelta(hours=24)  # a photo whose report does not come
WINDOW: Final = timedelta(hours=1)
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)  # of the address of a case
SHORTEST_CODE: Final = 8  # characters of a recovery code
_COLUMNS: Final = ("uuid", "name", "size_bytes", "sha256", "width", "height", "image_hash")


class TooMany(Exception):
    """Too many reports or photos from this address within an hour; nothing was kept."""


class Misplaced(Exception):
    """A photo for a report that is there already or full, or under the id of another's photo."""


class PhotosMissing(Exception):
    """The report names photos that did not arrive: `uuids`; nothing was kept."""

    def __init__(self, uuids: Sequence[UUID]) -> None:
        super().__init__(" ".join(str(one) for one in uuids))
        self.uuids = list(uuids)


@dataclass(frozen=True, slots=True)
class Sent:
    """A report as a page of ours sends it."""

    report: Report
    ahead: Sequence[UUID] = ()  # photos sent before it, in order
    pseudonym: str = ""
    recovery: str = ""


def keep_ahead(
    report: UUID, photo: UUID, content: bytes, *, name: str, origin: str, now: datetime
) -> bool:
    """Keep a photo until its report comes; whether it is new.

    Raises TooMany, Misplaced, BadPhoto and OSError.
    """
    if SentPhoto.objects.filter(report=report, uuid=photo).exists():
        return False
    if Evidence.objects.filter(case__uuid=report, uuid=photo).exists():
        return False
    _check_room(report, photo)
    _count(f"photo:{origin}", settings.REPORTS_PER_HOUR * MOST_PHOTOS, now=now)
    made = keep_photo(
        content, case_uuid=report, part=Evidence.Part.BEFORE, name=name, by="", now=now, uuid=photo
    )
    facts = {column: getattr(made, column) for column in _COLUMNS}
    try:
        with transaction.atomic():
            SentPhoto.objects.create(report=report, sent_at=now, **facts)
    except IntegrityError:
        return False  # sent twice at once: the other one wrote the row
    return True


def _check_room(report: UUID, photo: UUID) -> None:
    of_another = (
        SentPhoto.objects.filter(uuid=photo).exists()
        or Evidence.objects.filter(uuid=photo).exists()
    )
    is_full = SentPhoto.objects.filter(report=report).count() >= MOST_PHOTOS
    if of_another or is_full or Case.objects.filter(uuid=report).exists():
        raise Misplaced(str(photo))


def take_in(
    sent: Sent, *, by: Bearer, origin: str, now: datetime,
    photos: Sequence[tuple[str, bytes]] = (),
) -> Opened:  # fmt: skip
    """Make a case of a report: with photos sent ahead, or with `photos` (name, bytes) of a form.

    The same uuid again gives the case that is there, with the token only to whoever has it.
    Raises TooMany, PhotosMissing, BadPhoto and BadReport; nothing is kept then.
    """
    known = Case.objects.filter(uuid=sent.report.uuid).first()
    if known is not None:
        return _known(known, sent.report.token)
    _count(f"report:{origin}", settings.REPORTS_PER_HOUR, now=now)
    alias = _proved_name(sent, now=now)
    kept: list[Evidence] = []
    try:
        for name, content in photos[:MOST_PHOTOS]:
            kept.append(_kept(sent.report.uuid, name, content, now=now))
        with transaction.atomic():
            evidence = [*_claimed(sent, now=now), *kept]
            named = sent.report
            if sent.pseudonym.strip():
                named = replace(named, pseudonym=alias or _new_name(sent, now=now))
            return open_new(named, by=by, now=now, evidence=evidence)
    except IntegrityError:  # sent twice at once: the other one is the case
        _drop(kept)
        known = Case.objects.filter(uuid=sent.report.uuid).first()
        if known is None:
            raise
        return _known(known, sent.report.token)
    except Exception:
        _drop(kept)
        raise


def _drop(photos: Sequence[Evidence]) -> None:
    for one in photos:
        drop_photo(one)


def _kept(report: UUID, name: str, content: bytes, *, now: datetime) -> Evidence:
    part = Evidence.Part.BEFORE
    return keep_photo(content, case_uuid=report, part=part, name=name, by="", now=now)


def _known(case: Case, token: str) -> Opened:
    holds = bool(token) and constant_time_compare(token_digest(token), case.token_hash)
    return Opened(case, token if holds else "", is_fresh=False)


def _count(key: str, most: int, *, now: datetime) -> None:
    if not take_turn(key, most, now=now, within=WINDOW):
        raise TooMany(key)


def may_ask(origin: str, *, now: datetime) -> bool:
    """Whether this address may ask once more what was reported nearby; counts the question."""
    return take_turn(
        f"near:{origin}", settings.REPORTS_PER_HOUR * MOST_PHOTOS, now=now, within=WINDOW
    )


def _claimed(sent: Sent, *, now: datetime) -> list[Evidence]:
    """The photos sent ahead as evidence; their rows go as the report comes."""
    if not sent.ahead:
        return []
    rows = SentPhoto.objects.select_for_update().filter(report=sent.report.uuid)
    by_uuid = {one.uuid: one for one in rows}
    wanted = list(dict.fromkeys(sent.ahead))
    if missing := [one for one in wanted if one not in by_uuid]:
        raise PhotosMissing(missing)
    made = [
        Evidence(
            **{column: getattr(by_uuid[one], column) for column in _COLUMNS},
            part=Evidence.Part.BEFORE, mime="image/jpeg", added_by="",
            added_at=by_uuid[one].sent_at,
        )
        for one in wanted
    ]  # fmt: skip
    SentPhoto.objects.filter(uuid__in=wanted).delete()
    return made


def forget_unclaimed(*, now: datetime) -> int:
    """Erase photos whose report did not come within a day, and counts of old; how many photos."""
    forget_old(now=now)
    rows = list(SentPhoto.objects.filter(sent_at__lt=now - KEPT))
    for one in rows:
        drop_photo(Evidence(uuid=one.uuid))
        one.delete()
    reports = {one.report for one in rows}
    taken = set(Case.objects.filter(uuid__in=reports).values_list("uuid", flat=True))
    waiting = set(SentPhoto.objects.filter(report__in=reports).values_list("report", flat=True))
    for report in reports - taken - waiting:
        shred_key(evidence_urn(report))
    return len(rows)


# Pseudonym and recovery ---------------------------------------------------------------------------


def _proved_name(sent: Sent, *, now: datetime) -> Pseudonym | None:
    """The pseudonym if it is known and proved, None for a new one or none.  Raises BadReport.

    Outside of the transaction of the report, which undoes its own writes: a guess must count.
    """
    name, code = sent.pseudonym.strip(), sent.recovery.strip()
    if not name:
        return None
    longest = Pseudonym._meta.get_field("name").max_length or 0
    if len(name) > longest or len(code) < SHORTEST_CODE:
        raise BadReport([("pseudonym", "too-short")])
    known = Pseudonym.objects.filter(name=name).first()
    if known is not None and not _is_proved(known, code, now=now):
        raise BadReport([("pseudonym", "taken")])
    return known


def _new_name(sent: Sent, *, now: datetime) -> Pseudonym:
    code = make_password(sent.recovery.strip())
    try:
        with transaction.atomic():
            return Pseudonym.objects.create(
                name=sent.pseudonym.strip(), code_hash=code, made_at=now
            )
    except IntegrityError:
        raise BadReport([("pseudonym", "taken")]) from None


def _is_proved(known: Pseudonym, code: str, *, now: datetime) -> bool:
    key = _key("alias", known.name)
    if not take_turn(key, settings.LOCK_FAILURES, now=now):
        return False
    is_right = check_password(code, known.code_hash)
    if is_right:
        give_back(key)
    return is_right


def _key(kind: str, text: str) -> str:
    return f"{kind}:{salted_hmac('liandong.reports', text, algorithm='sha256').hexdigest()}"


def link_by_code(case: Case | None, code: str, *, origin: str, now: datetime) -> str:
    """The token of a case for whoever knows its code, "" for nobody else.

    The code is the token itself, or the recovery code of the pseudonym: then the link is made
    anew and the old one ends.  Raises TooMany.
    """
    code = code.strip()
    _count(f"code:{origin}", settings.ADDRESS_FAILURES, now=now)
    if case is None or not code or not case.token_hash:
        return ""
    if constant_time_compare(token_digest(code), case.token_hash):
        return code
    if case.pseudonym is None or not _is_proved(case.pseudonym, code, now=now):
        return ""
    token = secrets.token_urlsafe(18)
    Case.objects.filter(pk=case.pk).update(token_hash=token_digest(token))
    record_act("renew_case_link", by="", now=now, object=f"case:{case.number}")
    return token


def prove_pseudonym(name: str, code: str, *, origin: str, now: datetime) -> Pseudonym | None:
    """The pseudonym of this name for whoever knows its recovery code, None for nobody else.

    Raises TooMany.
    """
    _count(f"code:{origin}", settings.ADDRESS_FAILURES, now=now)
    known = Pseudonym.objects.filter(name=name.strip()).first()
    return known if known is not None and _is_proved(known, code.strip(), now=now) else None
