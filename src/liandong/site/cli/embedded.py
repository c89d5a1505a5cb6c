"""Django for commands: set up, migrated, and with the clock of the command line."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn

import typer

from .output import _, say


def set_up() -> None:
    """Load settings and rooms; a wrong setting ends the program with code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liandong.site.settings")
    from liandong.site.knobs import BadKnob

    try:
        import django

        django.setup()
    except BadKnob as error:
        fail(str(error))
    from liandong.base.middleware import CURRENT_ORIGIN

    CURRENT_ORIGIN.set(f"os:{_os_user()}")  # who is at the terminal, for the audit


def _os_user() -> str:
    try:
        return getpass.getuser()[:32]
    except (KeyError, OSError):  # a container without a name for its user
        return str(os.getuid())


def set_up_with_database() -> None:
    """As `set_up`, and the database has every table; one of a later release ends here, code 2."""
    set_up()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from liandong.base.locks import hold
    from liandong.base.schema import unknown_migrations

    settings.HOME.mkdir(parents=True, exist_ok=True)
    for folder in (settings.STAGING, *(() if settings.REMOTE else (settings.STORE,))):
        folder.mkdir(exist_ok=True)
    executor = MigrationExecutor(connection)
    if unknown := unknown_migrations(executor):
        fail(_("数据库由更新的版本写过（{names}）：请用那个版本运行，或恢复升级前的备份").format(
            names=" ".join(unknown)
        ))  # fmt: skip
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        with hold("migrate", wait=True):
            call_command("migrate", verbosity=0, interactive=False)


def clock() -> datetime:
    """The time now, aware."""
    from django.utils import timezone

    return timezone.now()


def today() -> int:
    """Today in Asia/Shanghai as YYYYMMDD."""
    from django.utils import timezone

    return int(timezone.localtime().strftime("%Y%m%d"))


def fail(message: str) -> NoReturn:
    """Say why on stderr and end with code 2: wrong use."""
    say(f"✗ {message}")
    raise typer.Exit(2)


@contextmanager
def engines() -> Iterator[None]:
    """Engines may be used inside; workers are stopped at the end whatever happens.

    A search server that is away ends the program with code 1 and its reason.
    """
    from liandong.base.engines import close_engines
    from liandong.kernel.ports import SearchAway, SearchRefused

    try:
        yield
    except (SearchAway, SearchRefused) as error:
        say(f"✗ {error}")
        raise typer.Exit(1) from error
    finally:
        close_engines()
