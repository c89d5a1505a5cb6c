"""Triggers that let rows of a table be added and never changed or removed, on both databases.

SQLite makes a table anew for many changes of its shape, and its triggers are gone then: a migration
that touches a guarded table ends with `only_added` again.
"""

from collections.abc import Mapping
from typing import Final

from django.db import connection, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

UNIQUE: Final[Mapping[str, tuple[str, ...]]] = {
    "base_auditrow": ("number",),
    "base_auditseal": ("number", "first", "last"),
}
"""The unique columns of guarded tables, where they are others than `id`."""

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION liandong_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = 'rows of ' || TG_TABLE_NAME || ' are only added'; END $$
"""


def only_added(table: str) -> migrations.RunPython:
    """The step of a migration that guards `table`, also once more; undone, it lets go of it."""

    def guard(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
        vendor = editor.connection.vendor
        for statement in (*frees(table, vendor), *guards(table, vendor)):
            editor.execute(statement)

    def free(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
        for statement in frees(table, editor.connection.vendor):
            editor.execute(statement)

    return migrations.RunPython(guard, free)


def guards(table: str, vendor: str) -> list[str]:
    """The statements that guard a table."""
    if vendor == "postgresql":
        return [
            _POSTGRESQL_FUNCTION,
            f"CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION liandong_only_added()",
            f"CREATE TRIGGER {table}_all BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION liandong_only_added()",
        ]
    refuse = f"SELECT RAISE(ABORT, 'rows of {table} are only added')"
    # REPLACE removes the row in its way without asking the trigger of DELETE
    same = " OR ".join(
        f'"{name}" = NEW."{name}"' for name in ("rowid", *UNIQUE.get(table, ("id",)))
    )
    replaced = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - names of ours
    return [
        f"CREATE TRIGGER {table}_UPDATE BEFORE UPDATE ON {table} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_DELETE BEFORE DELETE ON {table} BEGIN {refuse}; END",
        f"CREATE TRIGGER {table}_INSERT BEFORE INSERT ON {table} {replaced} BEGIN {refuse}; END",
    ]


def frees(table: str, vendor: str) -> list[str]:
    """The statements that take the guard away: for a migration undone, and for tests."""
    names = ("rows", "all") if vendor == "postgresql" else ("UPDATE", "DELETE", "INSERT")
    on = f" ON {table}" if vendor == "postgresql" else ""
    return [f"DROP TRIGGER IF EXISTS {table}_{name}{on}" for name in names]


def run(statements: list[str]) -> None:
    """Execute on the database of the application."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
