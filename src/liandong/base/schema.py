"""Whether the database is of this release: an older one is migrated, a newer one is refused.

A program that works on rows of a later release could write what that release never expects, so
nothing starts.  Only the rooms are asked: libraries bring their own migrations.
"""

from collections.abc import Collection

from django.apps import apps
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


class OtherSchema(Exception):
    """The database is not of this release; `unknown` and `missing` name migrations.

    Both are `room.name`: unknown ones were applied by a later release, missing ones are to be.
    """

    def __init__(self, unknown: Collection[str], missing: Collection[str]) -> None:
        super().__init__(f"unknown: {' '.join(unknown)}; missing: {' '.join(missing)}")
        self.unknown, self.missing = unknown, missing


def unknown_migrations(executor: MigrationExecutor) -> list[str]:
    """Migrations of rooms that were applied and that this release does not have, sorted."""
    rooms = {one.label for one in apps.get_app_configs() if one.name.startswith("liandong.")}
    disk = executor.loader.disk_migrations
    replaced = {key for one in disk.values() for key in one.replaces}
    applied = set(executor.loader.applied_migrations)
    unknown = {key for key in applied - set(disk) - replaced if key[0] in rooms}
    return sorted(".".join(key) for key in unknown)


def missing_migrations(executor: MigrationExecutor) -> list[str]:
    """Migrations that this release has and that were not applied, in their order."""
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{one.app_label}.{one.name}" for one, _ in plan]


def refuse_other_schema() -> None:
    """Raise OtherSchema unless the database is of this release; one that is away is no answer."""
    try:
        executor = MigrationExecutor(connection)
    except DatabaseError:
        connection.close()
        return
    unknown, missing = unknown_migrations(executor), missing_migrations(executor)
    if unknown or missing:
        raise OtherSchema(unknown, missing)
