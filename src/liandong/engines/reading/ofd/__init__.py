"""OFD files (GB/T 33190-2016): text with places, a picture of the page, signatures present."""

from .file import OfdFile
from .structure import Signature, signatures_of

__all__ = ["OfdFile", "Signature", "signatures_of"]
