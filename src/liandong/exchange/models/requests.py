"""A request of use (利用申请), its records, opinions, papers and history."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from liandong.exchange.flow import HAS_GRANT


class RequestState(models.TextChoices):
    """Where a request stands.  Stored states are never renamed or removed."""

    DRAFT = "draft", _("草稿")
    SUBMITTED = "submitted", _("待办理")
    PROPOSED = "proposed", _("待审定")  # an archivist proposes, a director decides
    GRANTED = "granted", _("已授权")
    REFUSED = "refused", _("不予提供")
    CANCELLED = "cancelled", _("已撤销")
    EXTENDING = "extending", _("申请延期")
    EXTENSION_PROPOSED = "extension_proposed", _("延期待审定")
    WITHDRAWN = "withdrawn", _("已收回")


class Verdict(models.TextChoices):
    """What was decided of one record."""

    NONE = "", _("未定")
    GRANTED = "granted", _("提供")
    REFUSED = "refused", _("不提供")


def _pair(at: str, by: str) -> Q:
    """Both are set or neither."""
    return Q((f"{at}__isnull", True), (by, "")) | (Q((f"{at}__isnull", False)) & ~Q((by, "")))


class UseRequest(models.Model):
    """One request: who wants to use what, for what, how, and until when."""

    number = models.CharField(_("编号"), max_length=16, blank=True)  # LY-2026-0001; "" for a draft
    asker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="use_requests")
    asked_by = models.CharField(max_length=150)  # account name of the asker
    asker_unit = models.CharField(max_length=32, blank=True)  # code, as when it was drafted
    for_unit = models.BooleanField(_("供本单位使用"), default=False)
    purpose_kind = models.CharField(_("目的类别"), max_length=16, blank=True)  # use_purposes
    purpose = models.CharField(_("利用目的"), max_length=300, blank=True)
    legal_basis = models.CharField(_("依据"), max_length=300, blank=True)
    wanted = models.TextField(_("要什么档案"), max_length=2000, blank=True)
    query = models.CharField(_("检索条件"), max_length=500, blank=True)
    uses = models.CharField(_("利用方式"), max_length=32, blank=True)  # kernel.viewer.USES, commas
    whole = models.BooleanField(_("不遮盖个人信息"), default=False)
    until = models.DateField(_("用到"), null=True, blank=True)
    state = models.CharField(
        _("状态"), max_length=20, choices=RequestState.choices, default=RequestState.DRAFT
    )
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    due_on = models.DateField(_("答复期限"), null=True, blank=True)
    proposed_at = models.DateTimeField(null=True, blank=True)
    proposed_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    two_people = models.BooleanField(default=False)  # the decision needed a second person
    granted_uses = models.CharField(max_length=32, blank=True)
    granted_whole = models.BooleanField(default=False)
    granted_until = models.DateField(null=True, blank=True)
    ground = models.CharField(max_length=8, blank=True)  # opening_grounds, of a refusal
    answer = models.CharField(_("答复"), max_length=1000, blank=True)  # words to the asker
    extension_until = models.DateField(null=True, blank=True)  # asked for
    extension_reason = models.CharField(max_length=300, blank=True)
    extension_proposed_by = models.CharField(max_length=150, blank=True)
    grant = models.OneToOneField(
        "archive.ShareGrant", models.PROTECT, null=True, blank=True, related_name="request"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["number"], condition=~Q(number=""), name="request_number_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values), name="request_state_known"
            ),
            models.CheckConstraint(
                condition=Q(number="", submitted_at__isnull=True, state__in=["draft", "cancelled"])
                | (~Q(number="") & ~Q(state="draft") & Q(submitted_at__isnull=False)),
                name="request_numbered_when_submitted",
            ),
            models.CheckConstraint(
                condition=Q(state="draft")
                | Q(number="")
                | (~Q(purpose="") & ~Q(legal_basis="") & ~Q(uses="") & Q(until__isnull=False)),
                name="request_complete_when_submitted",
            ),
            models.CheckConstraint(
                condition=_pair("proposed_at", "proposed_by"), name="request_proposed_paired"
            ),
            models.CheckConstraint(
                condition=_pair("decided_at", "decided_by"), name="request_decided_paired"
            ),
            models.CheckConstraint(
                condition=(Q(state__in=HAS_GRANT) & Q(grant__isnull=False) & ~Q(decided_by=""))
                | (~Q(state__in=HAS_GRANT) & Q(grant__isnull=True)),
                name="request_grant_only_by_decision",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused")
                | (~Q(ground="") & ~Q(answer="") & ~Q(decided_by="")),
                name="request_refused_with_ground",
            ),
            models.CheckConstraint(
                condition=~Q(decided_by=F("asked_by")) & ~Q(proposed_by=F("asked_by")),
                name="request_asker_decides_nothing",
            ),
            models.CheckConstraint(
                condition=Q(two_people=False)
                | ~Q(state__in=HAS_GRANT)
                | (~Q(proposed_by="") & ~Q(proposed_by=F("decided_by"))),
                name="request_two_people",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["state", "due_on"], name="request_by_state"),
            models.Index(fields=["asked_by", "id"], name="request_by_asker"),
            models.Index(fields=["asker_unit", "id"], name="request_by_unit"),
        ]

    def __str__(self) -> str:
        return self.number or f"draft {self.pk}"

    @property
    def asked_units(self) -> frozenset[str]:
        """The many-valued fact of the rule: codes of the units whose opinion was asked."""
        return frozenset(self.opinions.values_list("unit__code", flat=True))

    def standing(self, now: datetime) -> str:
        """The state as a person sees it: a grant that has run out says so by the clock alone."""
        over = self.grant is not None and self.grant.ends_at <= now
        return "ended" if over and self.state == RequestState.GRANTED else self.state

    def time_left(self, now: datetime) -> timedelta | None:
        """How long the grant still lasts; None without a live one."""
        if self.grant is None or self.grant.withdrawn_at or self.grant.ends_at <= now:
            return None
        return self.grant.ends_at - now

    def is_late(self, today: date) -> bool:
        """Whether the answer is overdue."""
        open_ = self.state in {RequestState.SUBMITTED, RequestState.PROPOSED}
        return open_ and self.due_on is not None and self.due_on < today


class RequestedRecord(models.Model):
    """A record that a request is about, and what was decided of it."""

    request = models.ForeignKey(UseRequest, models.CASCADE, related_name="records")
    record = models.ForeignKey("archive.Record", models.PROTECT, related_name="requested")
    code = models.CharField(_("档号"), max_length=100)  # as it was then
    named = models.BooleanField(default=False)  # by the asker; else found by the archivist
    verdict = models.CharField(max_length=8, choices=Verdict.choices, blank=True)
    ground = models.CharField(max_length=8, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["request", "code"]
        constraints = [
            models.UniqueConstraint(fields=["request", "record"], name="requested_once"),
            models.CheckConstraint(
                condition=Q(verdict__in=Verdict.values), name="requested_verdict_known"
            ),
            models.CheckConstraint(
                condition=~Q(verdict="refused") | ~Q(ground=""), name="requested_refused_ground"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}:{self.code}"


class Opinion(models.Model):
    """What the forming unit says to a request; asked once a unit."""

    request = models.ForeignKey(UseRequest, models.CASCADE, related_name="opinions")
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="opinions_asked")
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=150)
    due_on = models.DateField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=150, blank=True)
    agrees = models.BooleanField(null=True, blank=True)  # None: no answer, which is not a yes
    text = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["request", "unit"]
        constraints = [
            models.UniqueConstraint(fields=["request", "unit"], name="opinion_once"),
            models.CheckConstraint(
                condition=_pair("answered_at", "answered_by"), name="opinion_answered_paired"
            ),
            models.CheckConstraint(
                condition=Q(agrees__isnull=True, answered_at__isnull=True)
                | Q(agrees__isnull=False, answered_at__isnull=False),
                name="opinion_agrees_when_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}:{self.unit_id}"

    def is_open(self, today: date) -> bool:
        """Whether its time still runs without an answer."""
        return self.answered_at is None and self.due_on >= today


class RequestEvent(models.Model):
    """One step of a request.  Rows are only added: triggers refuse anything else."""

    request = models.ForeignKey(UseRequest, models.PROTECT, related_name="events")
    step = models.CharField(max_length=32)
    before = models.CharField(max_length=20)
    after = models.CharField(max_length=20)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    role = models.CharField(max_length=12)  # standing towards the request, see flow
    why = models.CharField(max_length=1000, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.request_id} {self.step}"


class Attachment(models.Model):
    """A paper handed in with a request: bytes of a stranger, never opened, only given back."""

    request = models.ForeignKey(UseRequest, models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=200)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class BasketEntry(models.Model):
    """A record that a person has set aside (查档篮); kept on the server, without expiry."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="basket")
    record = models.ForeignKey("archive.Record", models.CASCADE, related_name="baskets")
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["account", "record"], name="basket_once")]

    def __str__(self) -> str:
        return f"{self.account_id}:{self.record_id}"
