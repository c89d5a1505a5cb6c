"""Recognition of Chinese text on page images; models are loaded on the first page, never on import."""

from .models import ModelFiles, ModelsAbsent
from .recogniser import Recognised, Recogniser

__all__ = ["ModelFiles", "ModelsAbsent", "Recognised", "Recogniser"]
