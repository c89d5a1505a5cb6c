"""Recognition of Chinese text on page images; models load with the first page, not on import."""

from .models import ModelFiles, ModelsAbsent
from .recogniser import Recognised, Recogniser

__all__ = ["ModelFiles", "ModelsAbsent", "Recognised", "Recogniser"]
