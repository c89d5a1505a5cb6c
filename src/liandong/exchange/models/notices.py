"""Notices (提醒): what a person should know or do, shown in the application."""

from django.conf import settings
from django.db import models


class Notice(models.Model):
    """One thing that one person is told once; words are made from `kind` and `facts` when shown."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="exchange_notices"
    )
    kind = models.CharField(max_length=32)
    number = models.CharField(max_length=32)  # of the request, visit or loan
    path = models.CharField(max_length=200)  # the page to open
    facts = models.JSONField(default=dict)
    key = models.CharField(max_length=120)  # the same occasion is told once
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="notice_once")]
        indexes = [models.Index(fields=["account", "seen_at"], name="notice_by_account")]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"
