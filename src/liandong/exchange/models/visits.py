"""A visit (查档): a citizen asks the archive at the desk or through the public form."""

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .requests import Verdict


class VisitState(models.TextChoices):
    """Where a visit stands.  Stored states are never renamed or removed."""

    RECEIVED = "received", _("已登记")
    IDENTIFIED = "identified", _("已核验身份")
    PROPOSED = "proposed", _("待审定")
    APPROVED = "approved", _("已同意")
    FORWARDED = "forwarded", _("已转递")
    REFUSED = "refused", _("不予提供")
    CANCELLED = "cancelled", _("已撤销")
    CLOSED = "closed", _("已办结")


class Delivery(models.TextChoices):
    """How the applicant wants to have it."""

    LOOK = "look", _("到馆阅览")
    PRINT = "print", _("打印")
    COPY = "copy", _("复制件")
    CERTIFIED = "certified", _("出具证明")


class Visit(models.Model):
    """One application of a citizen.  Of the paper of identity kind, end and digest are kept."""

    number = models.CharField(_("受理编号"), max_length=16, unique=True)  # CD-2026-0001
    code_digest = models.CharField(max_length=64)  # keyed digest of the code on the receipt
    at_desk = models.BooleanField(default=False)  # False: through the public form
    name = models.CharField(_("姓名"), max_length=100)  # veiled when the retention time is over
    id_kind = models.CharField(_("证件类型"), max_length=32)  # identity_kinds
    id_last = models.CharField(max_length=4, blank=True)
    id_digest = models.CharField(max_length=64, blank=True)
    phone = models.CharField(_("联系电话"), max_length=40, blank=True)
    address = models.CharField(_("通信地址"), max_length=200, blank=True)
    archive = models.CharField(_("档案馆"), max_length=16, blank=True)  # partner_archives; "": here
    wanted = models.TextField(_("要查什么"), max_length=2000, blank=True)
    purpose_kind = models.CharField(_("目的类别"), max_length=16)
    purpose = models.CharField(_("查档用途"), max_length=300, blank=True)
    delivery = models.CharField(_("取得方式"), max_length=12, choices=Delivery.choices)
    state = models.CharField(
        _("状态"), max_length=12, choices=VisitState.choices, default=VisitState.RECEIVED
    )
    received_at = models.DateTimeField()
    due_on = models.DateField(_("答复期限"))
    identified_at = models.DateTimeField(null=True, blank=True)
    identified_by = models.CharField(max_length=150, blank=True)
    whole = models.BooleanField(_("不遮盖个人信息"), default=False)
    two_people = models.BooleanField(default=False)
    proposed_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    ground = models.CharField(max_length=8, blank=True)
    answer = models.CharField(_("答复"), max_length=1000, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    contact_removed_at = models.DateTimeField(null=True, blank=True)
    session = models.OneToOneField(  # the grant to a terminal of the reading room, while it is on
        "archive.ShareGrant", models.PROTECT, null=True, blank=True, related_name="visit"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=VisitState.values), name="visit_state_known"
            ),
            models.CheckConstraint(
                condition=Q(delivery__in=Delivery.values), name="visit_delivery_known"
            ),
            models.CheckConstraint(
                condition=Q(identified_at__isnull=True, identified_by="")
                | (Q(identified_at__isnull=False) & ~Q(identified_by="")),
                name="visit_identified_paired",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["identified", "proposed", "approved"])
                | Q(identified_at__isnull=False),
                name="visit_identified_first",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | ~Q(decided_by=""), name="visit_approved_by_someone"
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | (~Q(ground="") & ~Q(answer="")),
                name="visit_refused_with_ground",
            ),
            models.CheckConstraint(
                condition=Q(two_people=False)
                | ~Q(state="approved")
                | (~Q(proposed_by="") & ~Q(proposed_by=F("decided_by"))),
                name="visit_two_people",
            ),
            models.CheckConstraint(
                condition=Q(contact_removed_at__isnull=True)
                | Q(phone="", address="", id_last="", id_digest="", wanted="", purpose=""),
                name="visit_contact_removed",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_on"], name="visit_by_state"),
            models.Index(fields=["ended_at"], name="visit_by_end"),
        ]

    def __str__(self) -> str:
        return self.number

    def is_late(self, today: date) -> bool:
        """Whether the answer is overdue."""
        open_ = self.state in {VisitState.RECEIVED, VisitState.IDENTIFIED, VisitState.PROPOSED}
        return open_ and self.due_on < today


class VisitRecord(models.Model):
    """A record that was found for a visit, and what was decided of it."""

    visit = models.ForeignKey(Visit, models.CASCADE, related_name="records")
    record = models.ForeignKey("archive.Record", models.PROTECT, related_name="visits")
    code = models.CharField(_("档号"), max_length=100)
    verdict = models.CharField(max_length=8, choices=Verdict.choices, blank=True)

    class Meta:
        ordering = ["visit", "code"]
        constraints = [
            models.UniqueConstraint(fields=["visit", "record"], name="visited_once"),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="visited_verdict_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visit_id}:{self.code}"


class VisitEvent(models.Model):
    """One step of a visit.  Rows are only added: triggers refuse anything else."""

    visit = models.ForeignKey(Visit, models.PROTECT, related_name="events")
    step = models.CharField(max_length=32)
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    at = models.DateTimeField()
    by = models.CharField(max_length=150, blank=True)  # "" for the applicant
    why = models.CharField(max_length=1000, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.visit_id} {self.step}"


class Forwarding(models.Model):
    """A visit that was passed to another archive (转递)."""

    class Standing(models.TextChoices):
        """What the other archive said."""

        SENT = "sent", _("已发出")
        ACCEPTED = "accepted", _("对方已受理")
        ANSWERED = "answered", _("对方已答复")
        RETURNED = "returned", _("对方已退回")

    visit = models.OneToOneField(Visit, models.CASCADE, related_name="forwarding")
    archive = models.CharField(max_length=16)  # partner_archives
    note = models.CharField(max_length=500, blank=True)
    standing = models.CharField(max_length=12, choices=Standing.choices, default=Standing.SENT)
    sent_at = models.DateTimeField()
    sent_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(standing__in=["sent", "accepted", "answered", "returned"]),
                name="forwarding_standing_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.visit_id} {self.archive}"
