"""The room `base` as a Django application."""

from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "liandong.base"
    label = "base"
    verbose_name = "基础"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and the acts that need two persons."""
        from . import checks  # noqa: F401 - registers itself
        from .people.acts import register_acts

        register_acts()
