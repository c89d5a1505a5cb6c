"""Rights of the person (个人信息权利): requests, consents, impact assessments, keyed digests.

A number by which somebody is known is never kept: only its last four characters and a keyed digest.
Source: 个人信息保护法 (2021) arts. 14-17, 44-50, 55, 56.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .privacy import PersonalHit


class RightsKind(models.TextChoices):
    """What a person may ask."""

    ACCESS = "access", _("查阅")
    COPY = "copy", _("复制")
    CORRECTION = "correction", _("更正、补充")
    DELETION = "deletion", _("删除")
    EXPLANATION = "explanation", _("解释说明")
    CONSENT = "consent", _("撤回同意")
    COMPLAINT = "complaint", _("投诉")


class RightsState(models.TextChoices):
    """Where a request stands: `archive.flow.RIGHTS_FLOW`."""

    RECEIVED = "received", _("已受理")
    IDENTIFIED = "identified", _("已核对身份")
    ANSWERED = "answered", _("已答复")
    WITHDRAWN = "withdrawn", _("已撤回")


class RightsOutcome(models.TextChoices):
    """How a request was answered."""

    GRANTED = "granted", _("满足")
    PARTLY = "partly", _("部分满足")
    RESTRICTED = "restricted", _("不删除，限于存储和保护")
    REFUSED = "refused", _("不予满足")
    NOTHING = "nothing", _("未查到")


class RightsRequest(models.Model):
    """One request of one person, online or at the desk."""

    number = models.CharField(_("编号"), max_length=16, unique=True)  # QL2026-0001
    kind = models.CharField(_("请求"), max_length=12, choices=RightsKind.choices)
    state = models.CharField(max_length=12, choices=RightsState.choices)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )  # who asked online
    taken_by = models.CharField(max_length=150, blank=True)  # who took it down at the desk
    name = models.CharField(_("姓名"), max_length=100)
    contact = models.CharField(_("联系方式"), max_length=200, blank=True)
    paper = models.CharField(_("证件种类"), max_length=40, blank=True)  # person_numbers.PAPERS
    last_four = models.CharField(max_length=4, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    about = models.CharField(_("涉及的档案"), max_length=300, blank=True)  # as the person wrote it
    words = models.TextField(_("请求内容"), max_length=2000)
    asked_at = models.DateTimeField()
    answer_until = models.PositiveIntegerField()  # YYYYMMDD
    identified_at = models.DateTimeField(null=True, blank=True)
    identified_by = models.CharField(max_length=150, blank=True)
    outcome = models.CharField(max_length=12, blank=True, choices=RightsOutcome.choices)
    answer = models.TextField(_("答复"), max_length=4000, blank=True)
    basis = models.CharField(max_length=40, blank=True)  # catalog/rights_bases.csv
    found = models.JSONField(default=list)  # [{"code","page","kind"}] told to the person
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RightsState.values), name="rights_state_known"
            ),
            models.CheckConstraint(
                condition=Q(account__isnull=False, taken_by="")
                | (Q(account__isnull=True) & ~Q(taken_by="")),
                name="rights_asked_one_way",
            ),
            models.CheckConstraint(
                condition=Q(identified_at__isnull=True, identified_by="")
                | (Q(identified_at__isnull=False) & ~Q(identified_by="")),
                name="rights_identified_paired",
            ),
            models.CheckConstraint(
                condition=~Q(state="answered")
                | (
                    Q(answered_at__isnull=False)
                    & ~Q(answered_by="")
                    & ~Q(answer="")
                    & ~Q(basis="")
                    & ~Q(outcome="")
                ),
                name="rights_answer_complete",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "answer_until", "id"], name="rights_by_state"),
            models.Index(fields=["account", "id"], name="rights_by_account"),
        ]

    def __str__(self) -> str:
        return self.number


class RightsStep(models.Model):
    """One step of a request.  Rows are only added."""

    request = models.ForeignKey(RightsRequest, models.PROTECT, related_name="steps")
    step = models.CharField(max_length=20)
    words = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.request_id} {self.step}"


class PersonKey(models.Model):
    """The keyed digest of a number at a hit, so that a person's own data can be found by it."""

    hit = models.OneToOneField(PersonalHit, models.CASCADE, related_name="person_key")
    digest = models.CharField(max_length=64)
    key = models.CharField(max_length=8)  # which key: others are computed again

    class Meta:
        ordering = ["hit"]
        indexes = [models.Index(fields=["digest"], name="person_by_digest")]

    def __str__(self) -> str:
        return f"{self.hit_id}"


class LegalBasis(models.TextChoices):
    """Why personal information may be processed.  个人信息保护法 (2021) art. 13."""

    CONSENT = "consent", _("本人同意")
    CONTRACT = "contract", _("订立、履行合同所必需")
    DUTY = "duty", _("履行法定职责或法定义务")
    EMERGENCY = "emergency", _("应对突发公共卫生事件或紧急情况")
    NEWS = "news", _("新闻报道、舆论监督")
    PUBLIC = "public", _("合理处理已公开的个人信息")
    LAW = "law", _("法律、行政法规规定的其他情形")


class ConsentRecord(models.Model):
    """One consent (同意) of one person to one purpose; withdrawn as easily as given."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    name = models.CharField(_("姓名"), max_length=100)
    last_four = models.CharField(max_length=4, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    purpose = models.CharField(_("处理目的"), max_length=300)
    basis = models.CharField(_("法律依据"), max_length=12, choices=LegalBasis.choices)
    kinds = models.CharField(_("个人信息种类"), max_length=500)
    notice = models.CharField(_("告知书版本"), max_length=100)
    given_at = models.DateTimeField(_("同意时间"))
    given_by = models.CharField(max_length=150)  # account of the person, or of the desk
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(purpose="") & ~Q(kinds="") & ~Q(notice=""), name="consent_is_informed"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by="")),
                name="consent_withdrawn_paired",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "id"], name="consent_by_account"),
            models.Index(fields=["digest"], name="consent_by_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.purpose}"


class ImpactAssessment(models.Model):
    """One impact assessment (个人信息保护影响评估); kept for three years at the least."""

    number = models.CharField(_("编号"), max_length=16, unique=True)  # PG2026-001
    title = models.CharField(_("处理活动"), max_length=200)
    purpose = models.TextField(_("目的、方式是否合法、正当、必要"), max_length=4000)
    kinds = models.CharField(_("个人信息种类"), max_length=500)
    risks = models.TextField(_("对个人权益的影响及安全风险"), max_length=4000)
    measures = models.TextField(_("保护措施是否合法、有效并与风险相适应"), max_length=4000)
    conclusion = models.TextField(_("结论"), max_length=2000)
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True, approved_by="")
                | (Q(approved_at__isnull=False) & ~Q(approved_by="") & ~Q(approved_by=F("by"))),
                name="assessment_two_persons",
            ),
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(purpose="") & ~Q(risks="") & ~Q(measures="")
                & ~Q(conclusion=""),
                name="assessment_complete",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number
