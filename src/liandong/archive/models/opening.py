"""Opening review (开放审核): periods of a fonds, plans, reviews with every decision, publications.

Decisions are only added; triggers of the database see to it.  What is settled also stands in the
OCFL object of the record, from which `liandong archive rebuild` makes these rows again.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .records import Fonds, Record


class Verdict(models.TextChoices):
    """What is said of a record: `kernel.opening.Verdict`."""

    OPEN = "open", _("开放")
    MASKED = "masked", _("遮盖后开放")
    DELAY = "delay", _("延期开放")


class Opinion(models.TextChoices):
    """What the unit said, or that it said nothing; silence is no consent."""

    OPEN = "open", _("同意开放")
    MASKED = "masked", _("同意遮盖后开放")
    DELAY = "delay", _("建议延期开放")
    SILENT = "silent", _("逾期未答复")


class OpeningState(models.TextChoices):
    """Where a review stands: what it waits for, or how it ended.  `archive.flow.OPENING_FLOW`."""

    PLANNED = "planned", _("已列入计划")
    FIRST_REVIEW = "first_review", _("待初审")
    UNIT_OPINION = "unit_opinion", _("征求意见")
    RE_REVIEW = "re_review", _("待复审")
    FINAL = "final", _("待审定")
    AUTHORITY_CONSENT = "authority_consent", _("待档案主管部门同意")
    OPENED = "opened", _("已开放")
    PARTLY = "partly", _("已遮盖开放")
    DEFERRED = "deferred", _("延期")
    WITHDRAWN = "withdrawn", _("已撤回，待确认")
    RECALLED = "recalled", _("撤回已确认")
    DROPPED = "dropped", _("移出计划")


UNDER_WAY = (
    OpeningState.PLANNED, OpeningState.FIRST_REVIEW, OpeningState.UNIT_OPINION,
    OpeningState.RE_REVIEW, OpeningState.FINAL, OpeningState.AUTHORITY_CONSENT,
)  # fmt: skip
IN_FORCE = (OpeningState.OPENED, OpeningState.PARTLY)
CURRENT = (*UNDER_WAY, *IN_FORCE, OpeningState.WITHDRAWN)  # at most one of a record


class OpeningPeriod(models.Model):
    """A class of records of one fonds that is closed for longer or shorter than usual."""

    fonds = models.ForeignKey(Fonds, models.CASCADE, related_name="opening_periods")
    category = models.CharField(_("门类"), max_length=8, blank=True)  # "": any
    words = models.CharField(_("题名用词"), max_length=200, blank=True)  # |-separated; any of them
    years = models.PositiveSmallIntegerField(_("封闭年数"))
    basis = models.CharField(_("依据或批准文号"), max_length=200)
    order = models.PositiveIntegerField(default=0)  # the first that fits wins

    class Meta:
        ordering = ["fonds", "order", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(basis=""), name="period_has_basis"),
            models.CheckConstraint(condition=Q(years__lte=200), name="period_bounded"),
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.words} {self.years}"


class UnitSuccession(models.Model):
    """Who answers for a unit that is no more; without a successor nobody is asked."""

    unit = models.OneToOneField("base.Unit", models.PROTECT, related_name="succession")
    successor = models.ForeignKey(
        "base.Unit", models.PROTECT, null=True, blank=True, related_name="succeeds"
    )
    basis = models.CharField(_("依据"), max_length=200)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)

    class Meta:
        ordering = ["unit"]
        constraints = [
            models.CheckConstraint(condition=~Q(basis=""), name="succession_has_basis"),
            models.CheckConstraint(
                condition=Q(successor__isnull=True) | ~Q(successor=F("unit")),
                name="succession_to_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id}→{self.successor_id}"


class OpeningPublication(models.Model):
    """One publication of the catalogue of opened records (公布开放目录).  档案法 (2020) art. 28."""

    number = models.CharField(_("批次"), max_length=16, unique=True)  # 2026-01
    title = models.CharField(_("标题"), max_length=200)
    note = models.CharField(_("说明"), max_length=500, blank=True)
    count = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~Q(title=""), name="publication_has_title")]

    def __str__(self) -> str:
        return self.number


class OpeningReview(models.Model):
    """One round of review of one record.  Three different persons decide.

    `verdict`, `ground` and `reason` are what was said last; who said what before stands in the
    decisions.
    """

    record = models.ForeignKey(Record, models.PROTECT, related_name="opening_reviews")
    round = models.PositiveSmallIntegerField(default=1)
    plan_year = models.PositiveSmallIntegerField(_("计划年度"))
    state = models.CharField(max_length=20, choices=OpeningState.choices)
    due = models.PositiveIntegerField()  # YYYYMMDD on which the closed period is over
    # what rules and detectors said
    proposed = models.CharField(max_length=8, blank=True)  # Verdict; "" unexamined or not yet
    suggestions = models.JSONField(default=list)  # kernel.opening.Suggestion as objects
    rules = models.CharField(max_length=40, blank=True)
    detectors = models.CharField(max_length=40, blank=True)
    # what is said
    verdict = models.CharField(max_length=8, blank=True, choices=Verdict.choices)
    ground = models.CharField(max_length=4, blank=True)  # catalog/opening_grounds.csv
    reason = models.CharField(_("理由"), max_length=500, blank=True)
    first_by = models.CharField(max_length=150, blank=True)
    second_by = models.CharField(max_length=150, blank=True)
    final_by = models.CharField(max_length=150, blank=True)
    # the unit that formed or transferred the record, or its successor
    asked_unit = models.CharField(max_length=32, blank=True)  # "": the archive decides alone
    answer_until = models.PositiveIntegerField(default=0)  # YYYYMMDD, the last day
    opinion = models.CharField(max_length=8, blank=True, choices=Opinion.choices)
    opinion_by = models.CharField(max_length=150, blank=True)
    # the archives authority, for a delay
    consent_number = models.CharField(_("同意文号"), max_length=100, blank=True)
    deferred_until = models.PositiveIntegerField(default=0)  # YYYYMMDD of the next review
    # how it ended
    open_from = models.PositiveIntegerField(default=0)  # YYYYMMDD, when opened
    closed_level = models.PositiveSmallIntegerField(default=1)  # of the record before it opened
    settled_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=150, blank=True)
    confirmed_by = models.CharField(max_length=150, blank=True)
    publication = models.ForeignKey(
        OpeningPublication, models.PROTECT, null=True, blank=True, related_name="reviews"
    )
    packed = models.BooleanField(default=True)  # False: settled, and not yet in the OCFL object
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["record", "round"], name="opening_round_once"),
            models.UniqueConstraint(
                fields=["record"], condition=Q(state__in=CURRENT), name="opening_one_current"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OpeningState.values), name="opening_state_known"
            ),
            models.CheckConstraint(
                condition=(Q(second_by="") | ~Q(second_by=F("first_by")))
                & (Q(final_by="") | (~Q(final_by=F("first_by")) & ~Q(final_by=F("second_by"))))
                & (Q(opinion_by="") | ~Q(opinion_by=F("first_by"))),
                name="opening_three_persons",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[*IN_FORCE, "deferred", "authority_consent"])
                | (~Q(first_by="") & ~Q(second_by="") & ~Q(final_by="")),
                name="opening_all_decided",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[*IN_FORCE, "deferred", "final", "re_review"])
                | Q(asked_unit="")
                | ~Q(opinion=""),
                name="opening_unit_heard",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="delay") | (~Q(ground="") & ~Q(reason="")),
                name="opening_delay_has_ground",
            ),
            models.CheckConstraint(
                condition=~Q(state="deferred")
                | (Q(verdict="delay") & ~Q(consent_number="") & Q(deferred_until__gt=0)),
                name="opening_delay_has_consent",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=IN_FORCE) | Q(open_from__gt=0), name="opening_has_day"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by="") | ~Q(confirmed_by=F("withdrawn_by")),
                name="opening_recall_two_persons",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "id"], name="opening_by_state"),
            models.Index(fields=["plan_year", "state"], name="opening_by_year"),
            models.Index(fields=["asked_unit", "state", "id"], name="opening_by_unit"),
            models.Index(fields=["packed", "id"], name="opening_to_pack"),
            models.Index(fields=["publication", "id"], name="opening_by_publication"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id}/{self.round} {self.state}"


class OpeningDecision(models.Model):
    """One step of a review: who, when, what, why, by which rules.  Rows are only added."""

    review = models.ForeignKey(OpeningReview, models.PROTECT, related_name="decisions")
    step = models.CharField(max_length=20)  # of OPENING_FLOW, plan, or undo
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20)
    verdict = models.CharField(max_length=8, blank=True)
    ground = models.CharField(max_length=4, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    rules = models.CharField(max_length=40)
    detectors = models.CharField(max_length=40, blank=True)
    given = models.JSONField(default=dict)  # consent number, unit asked, day of opening …
    overwrote = models.JSONField(default=dict)  # columns of the review as they were

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["by", "id"], name="opening_by_person")]

    def __str__(self) -> str:
        return f"{self.review_id} {self.step}"
