"""Cases, their events and evidence; who is responsible for what and where."""

from .cases import Case, CaseEvent, CaseWords, Escalation, SubTask
from .duty import DutyClause, GridCell
from .evidence import Evidence
from .letters import Letter
from .reports import Pseudonym, SentPhoto

__all__ = [
    "Case", "CaseEvent", "CaseWords", "DutyClause", "Escalation", "Evidence", "GridCell",
    "Letter", "Pseudonym", "SentPhoto", "SubTask",
]  # fmt: skip
