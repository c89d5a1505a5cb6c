"""Grants of use for tests: rows as the service of sharing writes them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from liandong.archive.models import Record, SharedRecord, ShareGrant
from liandong.archive.services.indexing import index_records
from liandong.base.models import Account, Unit

DAY = timedelta(days=1)


def share(
    code: str,
    records: Sequence[Record],
    *,
    account: str = "",
    unit: str = "",
    whole: bool = False,
    uses: str = "look",
    begins_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> ShareGrant:
    """A grant that is live now, of these records, indexed."""
    now = timezone.now()
    grant = ShareGrant.objects.create(
        code=code,
        account=Account.objects.get(username=account) if account else None,
        unit=Unit.objects.get(code=unit) if unit else None,
        purpose="编史修志",
        uses=uses,
        whole=whole,
        begins_at=begins_at or now - DAY,
        ends_at=ends_at or now + DAY,
        granted_at=now,
        granted_by="li",
    )
    SharedRecord.objects.bulk_create(SharedRecord(grant=grant, record=one) for one in records)
    index_records([one.pk for one in records])
    return grant
