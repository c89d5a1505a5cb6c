"""Requests and what became of them.  Only `services` writes these rows.

They are not in the OCFL store: a backup of the database keeps them.
"""

from .copies import CertifiedCopy, CopyBytes
from .loans import Condition, Loan, LoanEvent, LoanState
from .numbers import NumberSeries
from .requests import (
    Attachment,
    BasketEntry,
    Opinion,
    RequestedRecord,
    RequestEvent,
    RequestState,
    UseRequest,
    Verdict,
)
from .visits import Delivery, Forwarding, Visit, VisitEvent, VisitRecord, VisitState

__all__ = [
    "Attachment",
    "BasketEntry",
    "CertifiedCopy",
    "Condition",
    "CopyBytes",
    "Delivery",
    "Forwarding",
    "Loan",
    "LoanEvent",
    "LoanState",
    "NumberSeries",
    "Opinion",
    "RequestEvent",
    "RequestState",
    "RequestedRecord",
    "UseRequest",
    "Verdict",
    "Visit",
    "VisitEvent",
    "VisitRecord",
    "VisitState",
]
