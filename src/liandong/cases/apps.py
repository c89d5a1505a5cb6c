"""The room `cases` as a Django application."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "liandong.cases"
    label = "cases"
    verbose_name = "闭环事项"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say how the notices of the room read."""
        from liandong.base.notices.words import register_words

        from .wording import notice_words

        register_words("cases", notice_words)
