"""The scanner of an installation without one: it never vouches for a file."""

from pathlib import Path


class NoScanner:
    """States that there is no scanner, so that the check ends with MANUAL_REVIEW."""

    def state(self) -> tuple[bool, str]:
        """Always (False, "未配置")."""
        return False, "未配置"

    def scan(self, file: Path) -> str:
        """Raises OSError: nothing was scanned, and silence must not read as clean."""
        raise OSError(f"no virus scanner is configured; not scanned: {file.name}")
