"""Points, stations, and the registers of conduct."""

from .conduct import ConductHint, ConductReport, ContactRecord
from .points import PointsAccount, PointsEntry, PointsPosting, RedemptionCode
from .stations import Station, StationCheck, StationDay

__all__ = [
    "ConductHint", "ConductReport", "ContactRecord", "PointsAccount", "PointsEntry",
    "PointsPosting", "RedemptionCode", "Station", "StationCheck", "StationDay",
]  # fmt: skip
