"""The room `community` as a Django application."""

from django.apps import AppConfig


class CommunityConfig(AppConfig):
    name = "liandong.community"
    label = "community"
    verbose_name = "驿站、积分与亲清"
    default_auto_field = "django.db.models.BigAutoField"
