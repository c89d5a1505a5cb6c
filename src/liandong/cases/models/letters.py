"""Letters to requesters who left an address: what is still to be sent, never the address itself."""

from django.db import models


class Letter(models.Model):
    """One thing that a requester without an account is to be told by mail or message (告知).

    Words are made and the address is opened when it is sent; both stand nowhere else.
    """

    case = models.ForeignKey("cases.Case", models.CASCADE, related_name="letters")
    code = models.CharField(max_length=24)  # catalog/case_notices.csv
    key = models.CharField(max_length=80)  # the same fact is told once
    made_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True, blank=True)  # None: sent or given up
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=40, blank=True)  # why it was not sent

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["case", "key"], name="letter_once")]
        indexes = [
            models.Index(
                fields=["next_at"], name="letter_due", condition=models.Q(next_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.code}"
