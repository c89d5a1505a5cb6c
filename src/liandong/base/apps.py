"""The room `base` as a Django application."""

from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "liandong.base"
    label = "base"
    verbose_name = "基础"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the acts known that need two persons."""
        from .people.acts import register_acts

        register_acts()
