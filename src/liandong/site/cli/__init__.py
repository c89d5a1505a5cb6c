"""The command line `liandong <noun> <verb>`.

Django is imported only by the commands that need it: `--help` must not pay for it.
"""

import sys


def main() -> None:
    """Run the command line; the exit code is 0 fine, 1 findings, 2 wrong use."""
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    from .app import app

    try:
        app()
    except Exception as error:
        if not _is_machine_trouble(error):
            raise
        from .output import _, say

        say("✗ " + _("机器故障：{reason}").format(reason=error))
        say("  " + _("已完成的部分都在；排除后再运行同一命令即可继续"))
        sys.exit(1)


def _is_machine_trouble(error: Exception) -> bool:
    """Full disk, missing rights, a database that does not answer: no fault of the program."""
    database = sys.modules.get("django.db")  # not imported for `--help`
    return isinstance(error, OSError) or (
        database is not None and isinstance(error, database.OperationalError)
    )
