"""Points (积分) by double entry: accounts, postings, and two entries for each that moves points."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class PointsAccount(models.Model):
    """Whose points these are: an account's, a pseudonym's, or the house's own two.

    `balance` is the sum of the entries, kept so that no two redemptions can spend the same points;
    the database refuses a negative one.  An erased pseudonym leaves its entries without an owner.
    """

    class House(models.TextChoices):
        """Where points come from and go to."""

        ISSUED = "issued", _("发放")
        REDEEMED = "redeemed", _("兑换")

    house = models.CharField(max_length=8, choices=House.choices, blank=True)
    holder = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="points"
    )
    pseudonym = models.OneToOneField(
        "cases.Pseudonym", models.SET_NULL, null=True, blank=True, related_name="points"
    )
    balance = models.IntegerField(_("余额"), default=0)  # 0 for ever in those of the house
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]  # and no other order: nobody is ranked
        constraints = [
            models.CheckConstraint(condition=Q(balance__gte=0), name="points_never_negative"),
            models.CheckConstraint(
                condition=Q(holder__isnull=True) | Q(pseudonym__isnull=True),
                name="points_one_owner",
            ),
            models.CheckConstraint(
                condition=Q(house="")
                | Q(holder__isnull=True, pseudonym__isnull=True, balance=0),
                name="points_house_owns_itself",
            ),
            models.UniqueConstraint(
                fields=["house"], condition=~Q(house=""), name="points_house_once"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.house or f"points {self.pk}"


class PointsPosting(models.Model):
    """One act on points, explained: why, by which rule, for which event.  Rows are only added.

    A posting that moves nothing (0) says why an event gave nothing, so that it is asked once.
    """

    class Act(models.TextChoices):
        """What it does."""

        CREDIT = "credit", _("奖励")
        TAKE_BACK = "take_back", _("冲回")
        REDEEM = "redeem", _("兑换")

    act = models.CharField(max_length=10, choices=Act.choices)
    points = models.PositiveIntegerField()
    why = models.CharField(max_length=16)  # wording.WHY_WORDS
    event = models.ForeignKey(
        "cases.CaseEvent", models.PROTECT, null=True, blank=True, related_name="postings"
    )
    case = models.ForeignKey(
        "cases.Case", models.PROTECT, null=True, blank=True, related_name="postings"
    )  # whose reporter: of the event, or merged into that
    version = models.CharField(max_length=16, blank=True)  # of the rules
    goods = models.CharField(max_length=32, blank=True)  # catalog/points_goods.csv
    station = models.ForeignKey(
        "community.Station", models.PROTECT, null=True, blank=True, related_name="postings"
    )
    at = models.DateTimeField()
    by = models.CharField(max_length=150)  # account of the station, or "system"

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["event", "case"], condition=Q(event__isnull=False),
                name="posting_once_for_event",
            ),
            models.CheckConstraint(
                condition=Q(act="redeem", event__isnull=True, station__isnull=False, points__gt=0)
                | Q(act__in=["credit", "take_back"], event__isnull=False, case__isnull=False,
                    station__isnull=True),
                name="posting_has_its_cause",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.pk} {self.act} {self.points}"

    @property
    def receipt(self) -> str:
        """The number on the receipt of a redemption: DH-00000042."""
        return f"DH-{self.pk:08d}"


class PointsEntry(models.Model):
    """One side of a posting.  Rows are only added; the two of a posting add up to zero."""

    posting = models.ForeignKey(PointsPosting, models.PROTECT, related_name="entries")
    account = models.ForeignKey(PointsAccount, models.PROTECT, related_name="entries")
    points = models.IntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["posting", "account"], name="entry_once"),
            models.CheckConstraint(condition=~Q(points=0), name="entry_moves_something"),
        ]

    def __str__(self) -> str:
        return f"{self.posting_id} {self.account_id} {self.points:+d}"


class RedemptionCode(models.Model):
    """The code that a rider shows at a station: once, for some minutes; its digest is kept."""

    account = models.OneToOneField(PointsAccount, models.CASCADE, related_name="code")
    digest = models.CharField(max_length=64, unique=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id} {self.until}"
