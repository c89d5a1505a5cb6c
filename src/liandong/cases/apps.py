"""The room `cases` as a Django application."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "liandong.cases"
    label = "cases"
    verbose_name = "闭环事项"
    default_auto_field = "django.db.models.BigAutoField"
