"""The room `portal` as a Django application."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "liandong.portal"
    label = "portal"
    verbose_name = "接口"
    default_auto_field = "django.db.models.BigAutoField"
