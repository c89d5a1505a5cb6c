"""The room `intake` as a Django application."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "liandong.intake"
    label = "intake"
    verbose_name = "移交接收"
    default_auto_field = "django.db.models.BigAutoField"
