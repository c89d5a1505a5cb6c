"""What a reporter leaves before and beside a case: photos sent ahead, a pseudonym."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SentPhoto(models.Model):
    """A photo that came before its report; the report takes it over, or it is erased in a day.

    The bytes lie where those of Evidence lie, already drawn anew and the original sealed.
    """

    report = models.UUIDField()  # Case.uuid to come, chosen by the sender
    uuid = models.UUIDField(unique=True)  # Evidence.uuid to come
    name = models.CharField(max_length=200)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()  # pixels
    height = models.PositiveIntegerField()
    image_hash = models.CharField(max_length=16, blank=True)  # of Evidence.image_hash
    sent_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["report"], name="sent_photo_by_report"),
            models.Index(fields=["sent_at"], name="sent_photo_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.report} {self.uuid}"


class Pseudonym(models.Model):
    """A name that a reporter chose, and the digest of the code that proves it is the same one.

    No account, no contact: with name and code a lost tracking link is made anew.
    """

    name = models.CharField(_("化名"), max_length=40, unique=True)
    code_hash = models.CharField(max_length=200)  # of Django's password hashers
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
