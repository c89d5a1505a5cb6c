"""The room `exchange` as a Django application."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "liandong.exchange"
    label = "exchange"
    verbose_name = "共享利用"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say how the notices of the room read."""
        from liandong.base.notices.words import register_words

        from .wording import notice_words

        register_words("exchange", notice_words)
