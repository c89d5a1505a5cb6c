"""Hand-overs by interface of a department, with what came of them."""

from django.db.models import QuerySet

from liandong.intake.models import HandedFile, Item, Upload
from liandong.kernel.viewer import Viewer
from liandong.portal.models import Transfer


def transfers_of(viewer: Viewer) -> QuerySet[Transfer]:
    """The transfers of the department."""
    rows = Transfer.objects
    own = rows.filter(unit__code=viewer.unit) if viewer.unit else rows.none()
    return own.select_related("batch", "fonds", "unit", "mends")


def uploads_of(transfer: Transfer) -> QuerySet[Upload]:
    """Files that were uploaded for an open transfer, by path."""
    return Upload.objects.filter(session=transfer.uuid).order_by("path")


def items_of(transfer: Transfer, state: str) -> QuerySet[Item]:
    """The items of a submitted transfer, with files and findings."""
    rows = Item.objects.filter(batch=transfer.batch_id).select_related("record")
    rows = rows.filter(state=state) if state else rows
    return rows.prefetch_related("files", "findings")


def received_files(transfer: Transfer) -> QuerySet[HandedFile]:
    """Every file of a submitted transfer as it was received."""
    return HandedFile.objects.filter(batch=transfer.batch_id)
