"""The room `exchange` as a Django application."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "liandong.exchange"
    label = "exchange"
    verbose_name = "共享利用"
    default_auto_field = "django.db.models.BigAutoField"
