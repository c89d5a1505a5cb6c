"""System checks: nothing starts while an address declares no policy."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from .addresses import addresses


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
