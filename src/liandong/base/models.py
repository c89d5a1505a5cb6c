"""Who: organisation units, accounts and the posts that accounts hold in units."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a post lets its holder do.  Roles are code: changing one is a reviewed diff."""

    CLERK = "clerk", _("兼职档案员")  # hands over and describes the records of one department
    ARCHIVIST = "archivist", _("档案馆员")  # checks, accepts, keeps and describes all holdings
    READER = "reader", _("查档人")  # reads what the rule allows


class Unit(models.Model):
    """An organisation unit (机构) in the organisation tree."""

    code = models.CharField(_("机构代码"), max_length=32, unique=True)
    name = models.CharField(_("机构名称"), max_length=200)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Account(AbstractUser):
    """A person who can sign in."""

    full_name = models.CharField(_("姓名"), max_length=100, blank=True)
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="accounts")
    clearance = models.PositiveSmallIntegerField(_("可阅密级"), default=0)  # see archive.policies

    class Meta:
        ordering = ["username"]

    def __str__(self) -> str:
        return self.full_name or self.username


class Post(models.Model):
    """One account holds one role, in a unit or (without unit) in the archives itself."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="posts")
    role = models.CharField(_("角色"), max_length=16, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "role"], name="post_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="post_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}:{self.role}"
