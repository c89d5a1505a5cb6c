"""A case (事项), its chain of events, and what waits for an answer within it."""

import uuid
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liandong.kernel.casework import AXES, OVER, Kind, kinds

from .mandates import ALL, live_on


class Case(models.Model):
    """Where a case stands now: a projection of its events, and the words of whoever raised it.

    Only `services` write it.  The columns in PROJECTED come from events and `liandong case verify`
    compares them; the words (`title`, `text`, `form`, the sealed contact) can be erased, events
    keep their digest.  A draft is on the requester's side and no row.
    """

    PROJECTED = (
        *AXES, "round", "kind", "outcome", "category", "severity", "lead_unit", "desk_unit",
        "asked_from", "parent", "lat", "lon", "code",
    )  # fmt: skip

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)  # chosen by the sender: once
    kind = models.CharField(_("种类"), max_length=32)  # catalog/case_kinds.csv
    channel = models.CharField(_("渠道"), max_length=12)
    state = models.CharField(_("状态"), max_length=16)
    outcome = models.CharField(_("结果"), max_length=16, blank=True)
    ledger = models.CharField(_("台账"), max_length=10, default="none")
    record = models.CharField(_("归档"), max_length=12, default="active")
    round = models.PositiveSmallIntegerField(_("轮次"), default=1)
    asked_from = models.CharField(max_length=16, blank=True)  # the state that waits for an answer

    title = models.CharField(_("标题"), max_length=120)
    text = models.TextField(_("内容"), max_length=4000)
    form = models.JSONField(default=dict)  # the other fields of the form, private ones not
    category = models.CharField(_("类别"), max_length=16, blank=True)  # local_code, or ""
    severity = models.CharField(_("紧急程度"), max_length=12, blank=True)
    address = models.CharField(_("地点"), max_length=200, blank=True)
    lat = models.FloatField(null=True, blank=True)  # WGS 84, of the thing
    lon = models.FloatField(null=True, blank=True)
    datum = models.CharField(max_length=8, blank=True)  # as it was sent: wgs84, gcj02, bd09
    grid = models.ForeignKey(
        "cases.GridCell", models.PROTECT, null=True, blank=True, related_name="cases"
    )
    level = models.PositiveSmallIntegerField(_("可阅级别"), default=1)
    public_text = models.TextField(_("公开的文字"), max_length=4000, blank=True)
    public_by = models.CharField(max_length=150, blank=True)  # who read it and let it out
    public_at = models.DateTimeField(null=True, blank=True)

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="cases",
        db_index=False,
    )  # fmt: skip
    enterprise = models.ForeignKey(
        "base.Unit", models.PROTECT, null=True, blank=True, related_name="demands", db_index=False
    )
    pseudonym = models.ForeignKey(
        "cases.Pseudonym", models.SET_NULL, null=True, blank=True, related_name="cases",
        db_index=False,
    )  # fmt: skip
    token_hash = models.CharField(max_length=64, blank=True)  # SHA-256 of the token of /r/<token>/
    contact = models.BinaryField(null=True, blank=True)  # sealed: services/sealing.py
    contact_until = models.DateField(null=True, blank=True)  # erased after this day
    originals_until = models.DateField(null=True, blank=True)  # photos as sent, likewise

    desk_unit = models.ForeignKey(
        "base.Unit", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    lead_unit = models.ForeignKey(
        "base.Unit", models.PROTECT, null=True, blank=True, related_name="led_cases",
        db_index=False,
    )  # fmt: skip
    overseer_units = models.ManyToManyField("base.Unit", related_name="+")  # of supervision
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", db_index=False
    )
    policy = models.CharField(max_length=40, blank=True)  # timer profile and its version
    calendar = models.CharField(max_length=40, blank=True)  # version of the calendar
    dues = models.JSONField(default=dict)  # ISO 8601 by code of the clocks that run now
    clock = models.CharField(max_length=8, blank=True)  # whose time runs out next
    due_at = models.DateTimeField(_("到期"), null=True, blank=True)  # of that clock
    handle_by = models.DateTimeField(_("处置到期"), null=True, blank=True)  # T5 of this round
    extended_to = models.DateTimeField(null=True, blank=True)
    tend_at = models.DateTimeField(null=True, blank=True)  # when time next brings a step
    reminded = models.JSONField(default=list)  # keys of the reminders of running clocks
    told = models.PositiveIntegerField(default=0)  # number of the last event that was told
    submitted_at = models.DateTimeField(_("提交时间"))
    changed_at = models.DateTimeField(_("更新时间"))
    over_at = models.DateTimeField(null=True, blank=True)  # closed or an exit
    last = models.PositiveIntegerField(default=0)  # number of the last event: the version
    score = models.PositiveSmallIntegerField(null=True, blank=True)  # of this round; None: no reply
    code = models.CharField(_("档号"), max_length=100, blank=True)  # once admitted

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(lat__isnull=True, lon__isnull=True)
                | Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
                name="case_place_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state="merged") | Q(parent__isnull=False), name="case_merged_into"
            ),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=1, score__lte=5),
                name="case_score_range",
            ),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="case_not_own_parent"),
            models.CheckConstraint(
                condition=Q(public_at__isnull=True, public_by="", public_text="")
                | (Q(public_at__isnull=False) & ~Q(public_by="")),
                name="case_public_paired",
            ),
        ]
        # what most cases have not is in an index of those that have it: it is small, writing the
        # others does not touch it, and no planner takes the missing value for a frequent one
        indexes = [
            models.Index(fields=["state", "due_at", "id"], name="case_by_state"),
            models.Index(fields=["state", "id"], name="case_by_state_and_key"),
            models.Index(fields=["lead_unit", "state", "id"], name="case_by_unit"),
            models.Index(fields=["lead_unit", "id"], name="case_by_unit_and_key"),
            models.Index(
                fields=["-id", "due_at"], name="case_running", condition=Q(due_at__isnull=False)
            ),
            models.Index(
                fields=["lead_unit", "-id", "due_at"], name="case_running_of_unit",
                condition=Q(due_at__isnull=False),
            ),
            models.Index(fields=["kind", "id"], name="case_by_kind"),
            models.Index(fields=["ledger", "kind", "id"], name="case_by_ledger"),
            models.Index(
                fields=["requester", "id"], name="case_by_requester",
                condition=Q(requester__isnull=False),
            ),
            models.Index(
                fields=["enterprise", "id"], name="case_by_enterprise",
                condition=Q(enterprise__isnull=False),
            ),
            models.Index(
                fields=["pseudonym"], name="case_by_pseudonym",
                condition=Q(pseudonym__isnull=False),
            ),
            models.Index(
                fields=["parent"], name="case_by_parent", condition=Q(parent__isnull=False)
            ),
            models.Index(fields=["submitted_at"], name="case_by_time"),
            models.Index(fields=["category", "-id", "outcome"], name="case_by_category"),
            models.Index(
                fields=["lat", "lon", "submitted_at"], name="case_by_place",
                condition=Q(lat__isnull=False),
            ),
            models.Index(
                fields=["token_hash"], name="case_by_token", condition=~Q(token_hash="")
            ),
            models.Index(
                fields=["tend_at"], name="case_to_tend", condition=Q(tend_at__isnull=False)
            ),
            models.Index(fields=["id"], name="case_to_tell", condition=Q(told__lt=F("last"))),
            models.Index(
                fields=["contact_until"], name="case_to_forget",
                condition=Q(contact_until__isnull=False),
            ),
            models.Index(
                fields=["originals_until"], name="case_to_shred",
                condition=Q(originals_until__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """The number that people read out: day of submission and a running number."""
        day = timezone.localtime(self.submitted_at).strftime("%Y%m%d")
        return f"{day}-{self.pk:06d}"

    @property
    def kind_of(self) -> Kind:
        """The kind as data.  Raises KeyError for one that is no longer in the catalogue."""
        return kinds()[self.kind]

    @property
    def is_public(self) -> bool:
        """Whether a person has read it and let its words out."""
        return self.public_at is not None

    # Facts of the access rule.

    @property
    def requested_by(self) -> str:
        """Account name of whoever raised it, "" without one."""
        return self.requester.username if self.requester else ""

    @property
    def firm(self) -> str:
        """Code of the enterprise that it was raised for, "" without one."""
        return self.enterprise.code if self.enterprise else ""

    @property
    def lead(self) -> str:
        """Code of the lead unit (主办单位), "" before dispatch."""
        return self.lead_unit.code if self.lead_unit else ""

    @property
    def units(self) -> frozenset[str]:
        """Codes of all units that were asked for assistance."""
        return frozenset(self.subtasks.values_list("unit__code", flat=True))

    @property
    def overseers(self) -> frozenset[str]:
        """Codes of the units of supervision that were given it; those it is about never are."""
        return frozenset(self.overseer_units.values_list("code", flat=True))

    @property
    def grid_unit(self) -> str:
        """Code of the unit of its grid cell, "" outside of every cell."""
        return self.grid.unit.code if self.grid else ""

    @property
    def chambers(self) -> frozenset[str]:
        """Codes of the chambers that may follow it by a mandate that holds today."""
        rows = live_on(timezone.localdate()).filter(enterprise=self.enterprise)
        return frozenset(
            rows.filter(scope__in=[ALL, self.kind]).values_list("chamber__code", flat=True)
            if self.enterprise_id
            else ()
        )

    @property
    def is_over(self) -> bool:
        """Whether no work is left but filing."""
        return self.state in OVER

    @property
    def running(self) -> dict[str, datetime]:
        """When each clock that runs now (none that rests) expires."""
        return {code: datetime.fromisoformat(text) for code, text in self.dues.items()}

    @property
    def cells(self) -> dict[str, Any]:
        """The columns of PROJECTED as events write them: units by code, the parent by uuid."""
        return {
            **{name: getattr(self, name) for name in self.PROJECTED},
            "lead_unit": self.lead,
            "desk_unit": self.desk_unit.code if self.desk_unit else "",
            "parent": str(self.parent.uuid) if self.parent else "",
        }


class CaseEvent(models.Model):
    """One act on a case.  Rows are only added, and each hash covers the one before.

    `sets` are the columns of Case that it changed, `facts` what it says besides; both without
    personal data.  What was written lies in CaseWords, beside the chain, which has its digest in
    `payload`: a text with a name in it can be erased and the chain stays whole.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()  # within the case, from 1
    at = models.DateTimeField()
    by = models.CharField(max_length=150)  # account name, "requester" by token, "system"
    role = models.CharField(max_length=16)  # actor of the flow
    unit = models.CharField(max_length=32, blank=True)  # code, as it was then
    axis = models.CharField(max_length=8)
    action = models.CharField(max_length=24)
    before = models.CharField(max_length=16)
    after = models.CharField(max_length=16)
    round = models.PositiveSmallIntegerField()
    sets = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    evidence = models.JSONField(default=list)  # SHA-256 of the bytes, in order
    payload = models.CharField(max_length=72, blank=True)  # digest of the words of CaseWords
    previous = models.CharField(max_length=72, blank=True)
    hash = models.CharField(max_length=72)

    class Meta:
        ordering = ["case", "number"]
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="case_event_once")]
        indexes = [
            models.Index(fields=["action", "at"], name="case_event_by_action"),
            models.Index(fields=["by", "at"], name="case_event_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}:{self.number} {self.action}"


class CaseWords(models.Model):
    """What was written at an event, beside the chain, see CaseEvent.payload."""

    event = models.OneToOneField(CaseEvent, models.PROTECT, related_name="words")
    said = models.JSONField(default=dict)  # by code of catalog/case_needs.csv
    erased_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"words of {self.event_id}"


class SubTask(models.Model):
    """What an assisting unit (协办) was asked to do; the lead unit stays responsible."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="subtasks")
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="subtasks")
    round = models.PositiveSmallIntegerField()
    text = models.TextField(max_length=1000)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=150)
    due_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=150, blank=True)
    answer = models.TextField(max_length=1000, blank=True)

    class Meta:
        ordering = ["case", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "unit"], condition=Q(answered_at__isnull=True), name="subtask_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id}:{self.unit_id}"


class Escalation(models.Model):
    """A reminder, supervision or notice (催办, 督办, 通报) that must itself be answered.

    It never moves the state of the case.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="escalations")
    level = models.CharField(max_length=12)  # catalog/case_reasons.csv, escalate
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="escalations")
    text = models.TextField(max_length=1000)
    raised_at = models.DateTimeField()
    raised_by = models.CharField(max_length=150)
    due_on = models.DateField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=150, blank=True)
    answer = models.TextField(max_length=1000, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["unit", "due_on"], name="escalation_open",
                condition=Q(answered_at__isnull=True),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.case_id} {self.level}"

    def is_late(self, today: date) -> bool:
        """Whether it waits for an answer past its day."""
        return self.answered_at is None and self.due_on < today
