"""Cases, their events and evidence; who answers for what; enterprises: mandates, visits, drafts."""

from .cases import Case, CaseEvent, CaseWords, Escalation, SubTask
from .drafts import Draft, DraftPaper
from .duty import DutyClause, GridCell
from .evidence import Evidence
from .imports import CaseImport, ImportState
from .letters import Letter
from .mandates import Mandate
from .reports import Pseudonym, SentPhoto
from .ties import Tie
from .views import SavedView
from .visits import Visit, VisitItem, VisitPlan
from .words import BLOCK, WordPair

__all__ = [
    "BLOCK", "Case", "CaseEvent", "CaseImport", "CaseWords", "Draft", "DraftPaper", "DutyClause",
    "Escalation", "Evidence", "GridCell", "ImportState", "Letter", "Mandate", "Pseudonym",
    "SavedView", "SentPhoto", "SubTask", "Tie", "Visit", "VisitItem", "VisitPlan", "WordPair",
]  # fmt: skip
