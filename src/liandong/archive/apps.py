"""The room `archive` as a Django application."""

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    name = "liandong.archive"
    label = "archive"
    verbose_name = "档案"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the acts known that need two persons."""
        from .services.key_acts import register_acts

        register_acts()
