"""The words of a report are let out by a person who read them, and without anybody's data.

What a machine finds of personal data is masked whatever the person says; who is not found by it
the person takes out.  Source: casework design §8.6 (text not yet moderated is never shown).
"""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from liandong.base.audit import record_act
from liandong.cases.models import Case

from .redacting import masked
from .stepping import locked

LONGEST: Final = 4000


class NotPublic(Exception):
    """The kind of this case is not one that anybody may know of; nothing was written."""


def proposed_words(case: Case, *, now: datetime) -> str:
    """The words of the report with what identifies a person masked: what a person starts from."""
    return masked([case.text], today=timezone.localdate(now))[0]


def publish_words(case_id: int, words: str, *, by: str, now: datetime) -> str:
    """Let `words` out in place of what was written; what was let out, masked once more.

    "" lets the place out and no words.  Raises Case.DoesNotExist and NotPublic.
    """
    with transaction.atomic():
        case = locked(case_id)
        if not case.kind_of.open311:
            raise NotPublic(case.kind)
        shown = masked([words.strip()[:LONGEST]], today=timezone.localdate(now))[0]
        case.public_text, case.public_by, case.public_at = shown, by, now
        case.save(update_fields=["public_text", "public_by", "public_at"])
        record_act("publish_words", by=by, now=now, object=f"case:{case.number}")
    return shown


def withdraw_words(case_id: int, *, by: str, now: datetime) -> None:
    """Take the words back; a second time changes nothing.  Raises Case.DoesNotExist."""
    with transaction.atomic():
        case = locked(case_id)
        if case.public_at is None:
            return
        case.public_text, case.public_by, case.public_at = "", "", None
        case.save(update_fields=["public_text", "public_by", "public_at"])
        record_act("withdraw_words", by=by, now=now, object=f"case:{case.number}")
