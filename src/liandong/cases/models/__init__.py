"""Cases, their events and evidence; who is responsible for what and where."""

from .cases import Case, CaseEvent, CaseWords, Escalation, SubTask
from .duty import DutyClause, GridCell
from .evidence import Evidence
from .reports import Pseudonym, SentPhoto
from .views import SavedView

__all__ = [
    "Case", "CaseEvent", "CaseWords", "DutyClause", "Escalation", "Evidence", "GridCell",
    "Pseudonym", "SavedView", "SentPhoto", "SubTask",
]  # fmt: skip
