"""Contact data under a key of its own: erased by throwing the key away, backups included.

Source: 个人信息保护法 arts. 19, 47 (kept no longer than needed; erased).
"""

import io
import json
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from liandong.archive.services.keyring import ensure_keys, key_of, shred_key
from liandong.base.audit import record_act
from liandong.base.engines import engine
from liandong.cases.models import Case
from liandong.kernel.sealed import AES, Place, open_sealed, seal_bytes

PATH = "contact.json"


def contact_urn(case: Case) -> str:
    """Under which name the key of the contact data is kept."""
    return f"urn:liandong:case:{case.uuid}:contact"


def seal_contact(case: Case, contact: Mapping[str, str], *, now: datetime) -> None:
    """Put contact data on the case, sealed; the caller saves.  Raises CannotOpen and OSError."""
    urn = contact_urn(case)
    key = ensure_keys([urn], AES, now=now)[urn]
    plain = json.dumps(dict(contact), ensure_ascii=False).encode()
    case.contact = seal_bytes(plain, key, Place(urn, PATH), engine("cipher").aead)


def contact_of(case: Case) -> dict[str, str]:
    """The contact data; empty when there is none or it was erased.  Raises CannotOpen."""
    if case.contact is None:
        return {}
    urn = contact_urn(case)
    stream = io.BytesIO(bytes(case.contact))
    with open_sealed(stream, key_of(urn), Place(urn, PATH), engine("cipher").aead) as plain:
        found: dict[str, str] = json.loads(plain.read())
    return found


def erase_contact(case: Case, *, by: str, now: datetime) -> None:
    """Throw contact data and its key away, for good.

    The key goes first: cut short in between, the next run finds a row that opens no more.
    """
    shred_key(contact_urn(case))
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(contact=None, contact_until=None)
        record_act("erase_contact", by=by, now=now, object=f"case:{case.number}")
