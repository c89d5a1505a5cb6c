"""The command line `liandong <noun> <verb>`.

Django is imported only by the commands that need it: `--help` must not pay for it.
"""

import sys


def main() -> None:
    """Run the command line; the exit code is 0 fine, 1 findings, 2 wrong use."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    from .app import app

    app()
