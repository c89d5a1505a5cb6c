"""Ask for the use of records by interface (共享利用申请): for the department, by its account.

The request goes the same way as one that a person writes.  Records that the department may not
read are asked for in words, so that the answer never tells whether they are there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from liandong.archive.queries import readable
from liandong.exchange.models import UseRequest
from liandong.exchange.services.drafting import Asked, save_draft, submit
from liandong.kernel.codes import normalise_code_text
from liandong.kernel.viewer import Viewer
from liandong.portal.models import ApiKey, Asking


@dataclass(frozen=True, slots=True)
class Wish:
    """What a department's system asks for: everything but the records, and these by code."""

    asked: Asked
    codes: Sequence[str] = ()


@transaction.atomic
def ask_for_use(
    uuid: UUID, wish: Wish, key: ApiKey, viewer: Viewer, *, today: int, by: str, now: datetime
) -> UseRequest:
    """Hand a request in for the department; the same `uuid` again finds it.

    Raises StepRefused (missing-evidence, past, too-long): then nothing is kept.
    """
    known = Asking.objects.select_related("request__grant").filter(uuid=uuid).first()
    if known is not None:
        return known.request
    rows = readable(viewer, today).filter(code__in=_written(wish.codes))
    found = dict(rows.values_list("code", "pk"))
    absent = [code for code in wish.codes if not found.keys() & _written([code])]
    words = "\n".join(filter(None, (wish.asked.wanted, "、".join(absent))))
    asked = replace(wish.asked, record_ids=tuple(found.values()), wanted=words[:2000])
    draft = save_draft(asked, by=by, now=now)
    request = submit(draft.pk, by=by, now=now)
    Asking.objects.create(uuid=uuid, request=request, key=key.code)
    return request


def _written(codes: Sequence[str]) -> set[str]:
    """The codes as they may stand in rows."""
    return {*codes, *map(normalise_code_text, codes)}
