"""The rights of database roles on PostgreSQL: the application adds audit rows and no more."""

import re

from liandong.base.triggers import UNIQUE

ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class BadRole(ValueError):
    """Not a plain name of a database role: small letters, digits and `_`."""


def grants(*, owner: str, app: str) -> str:
    """SQL to be run once by a superuser, and again after an upgrade that made tables.

    `owner` owns the tables and migrates; `app` is whom LIANDONG_DATABASE names for web and worker.
    Raises BadRole.
    """
    for role in (owner, app):
        if not ROLE.fullmatch(role):
            raise BadRole(role)
    guarded = ", ".join(sorted(UNIQUE))
    return f"""\
-- 网页与后台作业所用的角色 {app} 对审计表只能查询和添加；表归 {owner} 所有，升级时用它。
-- 由数据库超级用户在本库中执行；每次升级增加了表之后再执行一次。可重复执行。
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {app};
REVOKE CREATE ON SCHEMA public FROM {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app};
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
    GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {app};
REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {guarded} FROM PUBLIC, {app};
GRANT SELECT, INSERT ON {guarded} TO {app};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON django_migrations FROM {app};
"""


def rights_now() -> dict[str, bool]:
    """What the role in use can do to audit rows beyond reading and adding, and if it owns them.

    Only on PostgreSQL.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege('base_auditrow', 'UPDATE, DELETE, TRUNCATE, TRIGGER'),"
            " pg_has_role(relowner, 'MEMBER'),"
            " (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
            " FROM pg_class WHERE oid = 'base_auditrow'::regclass"
        )
        change, owns, is_super = cursor.fetchone()
    return {"change": change, "owns": owns, "super": is_super}
