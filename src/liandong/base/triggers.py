"""Triggers of the database, on SQLite and PostgreSQL: rows only added, officers kept separate.

SQLite makes a table anew for many changes of its shape, and its triggers are gone then: a migration
that touches a guarded table ends with `only_added` again, one that touches accounts or posts with
`officers_apart`.
"""

from collections.abc import Mapping
from typing import Final

from django.db import connection, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

UNIQUE: Final[Mapping[str, tuple[str, ...]]] = {
    "base_auditrow": ("number",),
    "base_auditseal": ("number", "first", "last"),
    "cases_caseevent": ("id", "case_id number"),
    "community_pointsposting": ("id", "event_id case_id"),
    "community_pointsentry": ("id", "posting_id account_id"),
    "community_contactrecord": ("id", "replaces_id"),
}
"""The unique columns of guarded tables, where they are others than `id`; those that are so only
together stand in one text."""

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
        " AND ".join(f'"{name}" = NEW."{name}"' for name in names.split())
        for names in ("rowid", *UNIQUE.get(table, ("id",)))
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


def is_guarded(table: str) -> bool:
    """Whether every trigger of the guard is there and on."""
    if connection.vendor == "postgresql":
        names = {f"{table}_rows", f"{table}_all"}
        statement = (
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgenabled IN ('O', 'A')"
        )
    else:
        names = {f"{table}_{act}" for act in ("UPDATE", "DELETE", "INSERT")}
        statement = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
    with connection.cursor() as cursor:
        cursor.execute(statement, [table])
        return names <= {name for (name,) in cursor.fetchall()}


def run(statements: list[str]) -> None:
    """Execute on the database of the application."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


OFFICER_TABLES = ("base_post", "base_account")
_APART = "an officer holds no post"
_OFFICER_FUNCTIONS = """
CREATE OR REPLACE FUNCTION liandong_post_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The share lock waits for whoever is about to make this account an officer.
  PERFORM 1 FROM base_account WHERE id = NEW.account_id FOR SHARE;
  IF EXISTS (SELECT 1 FROM base_account WHERE id = NEW.account_id AND officer <> '') THEN
    RAISE EXCEPTION 'an officer holds no post' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION liandong_officer_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.officer <> '' AND EXISTS (SELECT 1 FROM base_post WHERE account_id = NEW.id) THEN
    RAISE EXCEPTION 'an officer holds no post' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$
"""


def officers_apart() -> migrations.RunPython:
    """The step of a migration after which no account is officer and holds a post."""

    return migrations.RunPython(_guard_officers, _free_officers)


def officers_free() -> migrations.RunPython:
    """The step before one that changes the shape of their tables, which SQLite makes anew.

    `officers_apart` must end the same migration.
    """
    return migrations.RunPython(_free_officers, _guard_officers)


def _guard_officers(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    vendor = editor.connection.vendor
    for statement in (*officer_frees(vendor), *officer_guards(vendor)):
        editor.execute(statement)


def _free_officers(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in officer_frees(editor.connection.vendor):
        editor.execute(statement)


def officer_guards(vendor: str) -> list[str]:
    """The statements that keep officers and posts apart."""
    if vendor == "postgresql":
        return [
            _OFFICER_FUNCTIONS,
            "CREATE TRIGGER base_post_apart BEFORE INSERT OR UPDATE ON base_post "
            "FOR EACH ROW EXECUTE FUNCTION liandong_post_apart()",
            "CREATE TRIGGER base_account_apart BEFORE INSERT OR UPDATE OF officer ON base_account "
            "FOR EACH ROW EXECUTE FUNCTION liandong_officer_apart()",
        ]
    post = "(SELECT officer FROM base_account WHERE id = NEW.account_id) <> ''"
    account = "NEW.officer <> '' AND EXISTS (SELECT 1 FROM base_post WHERE account_id = NEW.id)"
    return [
        f"CREATE TRIGGER base_{table}_apart_{act} BEFORE {act} ON base_{table} "
        f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{_APART}'); END"
        for table, when in (("post", post), ("account", account))
        for act in ("INSERT", "UPDATE")
    ]


def officer_frees(vendor: str) -> list[str]:
    """The statements that undo `officer_guards`."""
    if vendor == "postgresql":
        return [f"DROP TRIGGER IF EXISTS {table}_apart ON {table}" for table in OFFICER_TABLES]
    return [
        f"DROP TRIGGER IF EXISTS {table}_apart_{act}"
        for table in OFFICER_TABLES
        for act in ("INSERT", "UPDATE")
    ]
