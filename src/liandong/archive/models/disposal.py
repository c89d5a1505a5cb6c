"""Appraisal, holds and destruction (鉴定、冻结、销毁): what is due, must stay, is gone."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .records import Fonds, Record


class HoldKind(models.TextChoices):
    """Why records are frozen."""

    LEGAL = "legal", _("诉讼仲裁")
    AUDIT = "audit", _("审计检查")
    OTHER = "other", _("其他")


class Hold(models.Model):
    """A freeze (冻结): the records that it names are not destroyed, whatever was decided."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    kind = models.CharField(_("种类"), max_length=8, choices=HoldKind.choices)
    reason = models.CharField(_("事由"), max_length=300)
    basis = models.CharField(_("依据文号"), max_length=200, blank=True)
    begins = models.PositiveIntegerField(_("自"))  # YYYYMMDD
    until = models.PositiveIntegerField(_("至"))  # YYYYMMDD, 99991231 until it is released
    placed_at = models.DateTimeField()
    placed_by = models.CharField(max_length=150)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=150, blank=True)
    release_reason = models.CharField(_("解除事由"), max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(released_at__isnull=True, released_by="", release_reason="")
                | (Q(released_at__isnull=False) & ~Q(released_by="") & ~Q(release_reason="")),
                name="hold_released_paired",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="hold_has_reason"),
            models.CheckConstraint(condition=Q(until__gte=F("begins")), name="hold_ends"),
            models.CheckConstraint(condition=Q(kind__in=HoldKind.values), name="hold_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reason}"


class HeldRecord(models.Model):
    """A record that a hold names."""

    hold = models.ForeignKey(Hold, models.CASCADE, related_name="held_records")
    record = models.ForeignKey(Record, models.CASCADE, related_name="holds")

    class Meta:
        ordering = ["hold", "record"]
        constraints = [models.UniqueConstraint(fields=["hold", "record"], name="frozen_once")]

    def __str__(self) -> str:
        return f"{self.hold_id}:{self.record_id}"


class Decision(models.TextChoices):
    """What an appraisal decides."""

    LONGER = "longer", _("延长保管")
    PERMANENT = "permanent", _("改为永久")
    DESTROY = "destroy", _("拟销毁")


class Appraisal(models.Model):
    """One decision on a record whose period has ended (价值鉴定); rows are only added.

    Its event is written into the object of the record by a job (`packed`); what is to be destroyed
    is told by the destruction list instead.
    """

    record = models.ForeignKey(Record, models.CASCADE, related_name="appraisals")
    decision = models.CharField(_("鉴定意见"), max_length=12, choices=Decision.choices)
    keep_until = models.PositiveIntegerField(_("保管至"), default=0)  # YYYYMMDD; 0: not kept
    reason = models.CharField(_("理由"), max_length=300)
    clause = models.CharField(_("依据条款"), max_length=200)
    decided_at = models.DateTimeField()
    decided_by = models.CharField(max_length=150)
    packed = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decision=Decision.DESTROY, keep_until=0)
                | Q(decision__in=[Decision.LONGER, Decision.PERMANENT], keep_until__gt=0),
                name="appraisal_keeps_or_not",
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(clause=""), name="appraisal_has_reason"
            ),
        ]
        indexes = [models.Index(fields=["packed", "id"], name="appraisal_to_pack")]

    def __str__(self) -> str:
        return f"{self.record_id} {self.decision}"


class ListState(models.TextChoices):
    """Where a destruction list stands; see archive.flow."""

    PROPOSED = "proposed", _("待审批")
    APPROVED = "approved", _("待监销人签署")
    HALF_SIGNED = "half_signed", _("待第二位监销人签署")
    SIGNED = "signed", _("待执行")
    EXECUTING = "executing", _("正在销毁")
    DONE = "done", _("已销毁")
    REFUSED = "refused", _("不予销毁")
    WITHDRAWN = "withdrawn", _("已撤回")


_DECIDED = [
    ListState.APPROVED, ListState.HALF_SIGNED, ListState.SIGNED, ListState.EXECUTING,
    ListState.DONE,
]  # fmt: skip


class DestructionList(models.Model):
    """A destruction list (销毁清册): proposed, approved, supervised by two, executed, certified.

    Who proposes does not approve, and does not supervise; the two supervisors (监销人) are two
    persons.  The database holds to it.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    number = models.CharField(_("清册编号"), max_length=32, unique=True)
    fonds = models.ForeignKey(Fonds, models.PROTECT, related_name="destruction_lists")
    reason = models.CharField(_("鉴定意见"), max_length=500)
    state = models.CharField(max_length=12, choices=ListState.choices, default=ListState.PROPOSED)
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=150)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    opinion = models.CharField(_("审批意见"), max_length=500, blank=True)
    first_at = models.DateTimeField(null=True, blank=True)
    first_by = models.CharField(_("监销人"), max_length=150, blank=True)
    second_at = models.DateTimeField(null=True, blank=True)
    second_by = models.CharField(_("监销人"), max_length=150, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    started_by = models.CharField(max_length=150, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True)  # "system" when destroyed

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ListState.values), name="destruction_state_known"
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{step}_at__isnull": True, f"{step}_by": ""})
                    | (Q(**{f"{step}_at__isnull": False}) & ~Q(**{f"{step}_by": ""})),
                    name=f"destruction_{step}_paired",
                )
                for step in ("decided", "first", "second", "started", "ended")
            ),
            models.CheckConstraint(
                condition=~Q(decided_by=F("proposed_by"))
                & ~Q(first_by=F("proposed_by"))
                & ~Q(second_by=F("proposed_by")),
                name="destruction_not_by_proposer",
            ),
            models.CheckConstraint(
                condition=Q(second_by="") | (~Q(first_by="") & ~Q(second_by=F("first_by"))),
                name="destruction_two_supervisors",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=_DECIDED) | Q(decided_at__isnull=False),
                name="destruction_approved",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=_DECIDED[2:])
                | Q(first_at__isnull=False, second_at__isnull=False),
                name="destruction_signed_twice",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=_DECIDED[3:]) | Q(started_at__isnull=False),
                name="destruction_started",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Outcome(models.TextChoices):
    """What became of a record on a destruction list."""

    WAITING = "", _("未执行")
    SHREDDED = "shredded", _("密钥销毁并删除字节")
    DELETED = "deleted", _("删除字节")
    HELD = "held", _("冻结，未销毁")


class DestructionItem(models.Model):
    """A record on a destruction list."""

    destruction = models.ForeignKey(DestructionList, models.CASCADE, related_name="items")
    record = models.ForeignKey(Record, models.PROTECT, related_name="destruction_items")
    clause = models.CharField(_("依据条款"), max_length=200)
    reason = models.CharField(_("理由"), max_length=300)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["destruction", "id"]
        constraints = [
            models.UniqueConstraint(fields=["destruction", "record"], name="listed_once"),
            models.CheckConstraint(
                condition=Q(outcome="", done_at__isnull=True)
                | (~Q(outcome="") & Q(done_at__isnull=False)),
                name="destruction_item_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.destruction_id}:{self.record_id}"
