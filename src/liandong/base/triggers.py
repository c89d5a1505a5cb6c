"""Triggers that let rows of a table be added and never changed or removed, on both databases."""

from django.db import connection, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION liandong_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = 'rows of ' || TG_TABLE_NAME || ' are only added'; END $$
"""


def only_added(table: str) -> migrations.RunPython:
    """The step of a migration that guards `table`; undone, it lets go of it."""

    def guard(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
        for statement in guards(table, editor.connection.vendor):
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
    return [
        f"CREATE TRIGGER {table}_{act} BEFORE {act} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are only added'); END"
        for act in ("UPDATE", "DELETE")
    ]


def frees(table: str, vendor: str) -> list[str]:
    """The statements that take the guard away: for a migration undone, and for tests."""
    names = ("rows", "all") if vendor == "postgresql" else ("UPDATE", "DELETE")
    on = f" ON {table}" if vendor == "postgresql" else ""
    return [f"DROP TRIGGER IF EXISTS {table}_{name}{on}" for name in names]


def run(statements: list[str]) -> None:
    """Execute on the database of the application."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
