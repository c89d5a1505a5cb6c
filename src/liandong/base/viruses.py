"""Whether bytes that were sent carry a virus, as the scanner of the installation says."""

import tempfile
from pathlib import Path

from django.conf import settings

from .engines import engine


def has_virus(content: bytes) -> bool:
    """What the scanner says; where there is none, nobody here opens what was sent anyway."""
    scanner = engine("antivirus")
    if not scanner.state()[0]:
        return False
    with tempfile.NamedTemporaryFile(dir=settings.STAGING) as file:
        file.write(content)
        file.flush()
        return bool(scanner.scan(Path(file.name)))
