"""A database of its own on the PostgreSQL that TEST_POSTGRES names, and roles in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


def own(name: str) -> str:
    """The name that this test process uses: two workers may set up the same module at once."""
    return f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


def superuser() -> psycopg.Connection:
    """A connection of whoever TEST_POSTGRES names."""
    return psycopg.connect(os.environ["TEST_POSTGRES"], autocommit=True)


@contextmanager
def database(name: str, *, owner: str = "", template: str = "template1") -> Iterator[str]:
    """The address of a fresh database, empty or as its template is, dropped at the end."""
    named, like = sql.Identifier(name), sql.Identifier(template)
    with superuser() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(named, like))
        if owner:
            to = sql.SQL("ALTER DATABASE {} OWNER TO {}").format(named, sql.Identifier(owner))
            connection.execute(to)
    try:
        yield address(name)
    finally:
        with superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))


def address(name: str, *, role: str = "") -> str:
    """The address of a database, for another role where one is given."""
    part = urlsplit(os.environ["TEST_POSTGRES"])
    host = part.netloc.rpartition("@")[2]
    return urlunsplit(
        part._replace(netloc=f"{role}@{host}" if role else part.netloc, path=f"/{name}")
    )


@contextmanager
def roles(*names: str) -> Iterator[None]:
    """Roles that may sign in and nothing else, dropped at the end."""
    with superuser() as connection:
        for name in names:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    try:
        yield
    finally:
        with superuser() as connection:
            for name in names:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
