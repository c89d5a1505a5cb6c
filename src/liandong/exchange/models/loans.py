"""Loans of paper originals (借阅实体)."""

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class LoanState(models.TextChoices):
    """Where a loan stands.  Stored states are never renamed or removed."""

    ASKED = "asked", _("待批准")
    APPROVED = "approved", _("待领取")
    LENT = "lent", _("借出")
    RETURNED = "returned", _("已归还")
    REFUSED = "refused", _("未批准")
    CANCELLED = "cancelled", _("已撤销")
    LOST = "lost", _("遗失")


class Condition(models.TextChoices):
    """How the paper came back."""

    SOUND = "sound", _("完好")
    WORN = "worn", _("轻微磨损")
    DAMAGED = "damaged", _("损坏")
    INCOMPLETE = "incomplete", _("缺页")


class Loan(models.Model):
    """One original on its way out and back."""

    number = models.CharField(_("借阅编号"), max_length=16, unique=True)  # JY-2026-0001
    record = models.ForeignKey("archive.Record", models.PROTECT, related_name="loans")
    borrower = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="loans")
    borrowed_by = models.CharField(max_length=150)  # account name of the borrower
    unit = models.CharField(max_length=32, blank=True)  # code of the borrower's department
    purpose_kind = models.CharField(max_length=16)
    purpose = models.CharField(_("借阅目的"), max_length=300)
    due_on = models.DateField(_("应还日期"))
    state = models.CharField(
        _("状态"), max_length=12, choices=LoanState.choices, default=LoanState.ASKED
    )
    asked_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.CharField(max_length=150, blank=True)
    lent_at = models.DateTimeField(null=True, blank=True)
    lent_by = models.CharField(max_length=150, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)
    taken_back_by = models.CharField(max_length=150, blank=True)
    condition = models.CharField(
        _("归还状况"), max_length=12, choices=Condition.choices, blank=True
    )
    note = models.CharField(_("说明"), max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["record"], condition=Q(state__in=["approved", "lent"]), name="loan_one_out"
            ),
            models.CheckConstraint(
                condition=Q(state__in=LoanState.values), name="loan_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("borrowed_by")), name="loan_borrower_approves_not"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "lent", "returned", "lost"])
                | (Q(approved_at__isnull=False) & ~Q(approved_by="")),
                name="loan_approved_first",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["lent", "returned", "lost"])
                | (Q(lent_at__isnull=False) & ~Q(lent_by="")),
                name="loan_lent_paired",
            ),
            models.CheckConstraint(
                condition=~Q(state="returned")
                | (Q(returned_at__isnull=False) & ~Q(taken_back_by="") & ~Q(condition="")),
                name="loan_returned_with_condition",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_on"], name="loan_by_state"),
            models.Index(fields=["borrowed_by", "id"], name="loan_by_borrower"),
        ]

    def __str__(self) -> str:
        return self.number

    def is_overdue(self, today: date) -> bool:
        """Whether it should have come back."""
        return self.state == LoanState.LENT and self.due_on < today


class LoanEvent(models.Model):
    """One step of a loan.  Rows are only added: triggers refuse anything else."""

    loan = models.ForeignKey(Loan, models.PROTECT, related_name="events")
    step = models.CharField(max_length=32)
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    why = models.CharField(max_length=500, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.step}"
