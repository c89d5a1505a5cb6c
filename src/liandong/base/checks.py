"""System checks: an address without a policy, a database of a later release."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from .addresses import addresses
from .schema import unknown_migrations


@register(Tags.urls)
def check_policies(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """liandong.E001: an address whose view does not say who may open it."""
    return [
        Error(
            f"{one.route} has no declared policy ({one.where})",
            hint="decorate its view with base.gates.open_to(policy)",
            id="liandong.E001",
        )
        for one in addresses()
        if one.policy is None
    ]


@register(Tags.database)
def check_schema(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **options: Any
) -> list[CheckMessage]:
    """liandong.E002: the database was written by a later release; `migrate` refuses it as well."""
    return [
        Error(
            f"the database was written by a later release: {' '.join(unknown)}",
            hint="run that release again, or restore the backup made before the upgrade",
            id="liandong.E002",
        )
        for alias in databases or ()
        if (unknown := unknown_migrations(MigrationExecutor(connections[alias])))
    ]
