"""Who: organisation units, accounts and the posts that accounts hold in units."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a post lets its holder do.  Roles are code: changing one is a reviewed diff."""

    CLERK = "clerk", _("兼职档案员")  # hands over and describes the records of one department
    ARCHIVIST = "archivist", _("档案馆员")  # checks, accepts, keeps and describes all holdings
    DIRECTOR = "director", _("档案馆负责人")  # decides what needs a second person
    READER = "reader", _("查档人")  # reads what the rule allows
    DESK = "desk", _("受理员")  # takes in, refers, rejects and merges cases
    GRID_WORKER = "grid_worker", _("网格员")  # checks on the spot that a report is true
    DISPATCHER = "dispatcher", _("派遣员")  # sends a case to the unit that must solve it
    HANDLER = "handler", _("承办员")  # solves what the own unit leads or assists
    INSPECTOR = "inspector", _("核查员")  # sees for himself that it is solved; never of that unit
    LEADER = "leader", _("值班领导")  # adjudicates, extends, parks, supervises
    LEDGER = "ledger_officer", _("台账员")  # lists and clears what is on the ledger
    ENTERPRISE = "enterprise", _("企业经办人")  # raises and confirms the demands of one enterprise
    CHAMBER = "chamber", _("商会经办人")  # the same for members with a mandate
    STATION = "station", _("驿站人员")  # keeps the stations of the own unit, redeems points
    DISCIPLINE = "discipline", _("纪检监察员")  # handles reports on conduct, judges hints


class Officer(models.TextChoices):
    """The three separated officers (三员): an account is at most one of them, and nothing else.

    Source: catalog/roles_three_officers.csv.
    """

    SYSTEM = "sys_admin", _("系统管理员")  # runs and configures; opens accounts without rights
    SECURITY = "sec_admin", _("安全保密管理员")  # grants roles
    AUDIT = "audit_admin", _("安全审计员")  # reads and exports the audit


class UnitKind(models.TextChoices):
    """What a unit is to the city: one of its own, or one that it serves."""

    DEPARTMENT = "department", _("部门")
    ENTERPRISE = "enterprise", _("企业")
    CHAMBER = "chamber", _("商会")


class Unit(models.Model):
    """An organisation unit (机构) in the organisation tree."""

    code = models.CharField(_("机构代码"), max_length=32, unique=True)
    name = models.CharField(_("机构名称"), max_length=200)
    kind = models.CharField(
        _("性质"), max_length=12, choices=UnitKind.choices, default=UnitKind.DEPARTMENT
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    closed_at = models.DateTimeField(_("撤销时间"), null=True, blank=True)  # no account joins it

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=UnitKind.values), name="unit_kind_known"
            )
        ]
        indexes = [models.Index(fields=["kind", "code"], name="unit_by_kind")]

    def __str__(self) -> str:
        return self.name


class Account(AbstractUser):
    """A person who can sign in.  Closed (`is_active` False) and kept: rows name it for ever.

    `is_superuser` and `is_staff` of Django give nothing here and the database refuses them.
    """

    full_name = models.CharField(_("姓名"), max_length=100, blank=True)
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="accounts")
    clearance = models.PositiveSmallIntegerField(_("可阅密级"), default=0)  # see archive.policies
    officer = models.CharField(_("三员"), max_length=16, blank=True, choices=Officer.choices)
    password_set_at = models.DateTimeField(_("密码设定时间"), null=True, blank=True)  # None: due
    password_by_other = models.BooleanField(default=False)  # the next sign-in must change it
    locked_at = models.DateTimeField(_("锁定时间"), null=True, blank=True)  # by an officer
    locked_by = models.CharField(_("锁定人"), max_length=150, blank=True)

    class Meta:
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_superuser=False, is_staff=False), name="account_no_superuser"
            ),
            models.CheckConstraint(
                condition=models.Q(locked_at__isnull=True, locked_by="")
                | (models.Q(locked_at__isnull=False) & ~models.Q(locked_by="")),
                name="account_locked_at_and_by",
            ),
            models.CheckConstraint(
                condition=models.Q(officer__in=["", *Officer.values]), name="officer_known"
            ),
            models.CheckConstraint(
                condition=models.Q(officer="") | models.Q(clearance=0), name="officer_not_cleared"
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.username

    @property
    def is_open(self) -> bool:
        """Whether its holder may sign in and act: neither closed nor locked."""
        return self.is_active and self.locked_at is None


class PasswordBefore(models.Model):
    """A password that an account had: its hash, so that it is not used again."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="passwords_before")
    password = models.CharField(max_length=128)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.account_id} {self.at}"


class Throttle(models.Model):
    """Failed sign-ins under one key: a digest of the name that was given, or an address."""

    key = models.CharField(max_length=80, unique=True)
    failures = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()  # of the first failure that counts
    until = models.DateTimeField(null=True, blank=True)  # refused until then

    def __str__(self) -> str:
        return f"{self.key} {self.failures}"


class Session(AbstractBaseSession):
    """A signed-in browser, or that of a stranger on the way in (without account).

    Written by `base.session_store`; a deleted row is an ended session.
    """

    account = models.ForeignKey(
        Account, models.CASCADE, null=True, blank=True, related_name="sessions"
    )
    started_at = models.DateTimeField(_("登录时间"), null=True, blank=True)
    seen_at = models.DateTimeField(_("最近使用"))
    origin = models.CharField(_("来源"), max_length=64, blank=True)
    device = models.CharField(_("设备"), max_length=120, blank=True)

    class Meta:
        ordering = ["-started_at"]

    @classmethod
    def get_session_store_class(cls) -> Any:
        """The store that writes these rows."""
        from .session_store import SessionStore

        return SessionStore


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


class Approval(models.Model):
    """One act that needs two persons (双人审批): who asked for it, who decided, what came of it.

    `base.approvals` is the only writer.  What was not decided by `until` can no longer be.
    """

    class Outcome(models.TextChoices):
        """Where it stands; the last four are final."""

        WAITING = "waiting", _("待审批")
        APPROVED = "approved", _("已批准待执行")  # carried out by a command, once
        DONE = "done", _("已执行")
        FAILED = "failed", _("未能执行")  # approved, but no longer possible: nothing was changed
        REFUSED = "refused", _("未获批准")
        WITHDRAWN = "withdrawn", _("已撤回")

    act = models.CharField(_("行为"), max_length=40)  # registered in base.approvals
    params = models.JSONField(default=dict)
    object = models.CharField(_("对象"), max_length=200, blank=True)  # as in AuditRow
    why = models.CharField(_("事由"), max_length=500)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("申请时间"))
    until = models.DateTimeField(_("有效期至"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("审批时间"), null=True, blank=True)
    answer = models.CharField(_("审批意见"), max_length=500, blank=True)
    outcome = models.CharField(
        _("结果"), max_length=10, choices=Outcome.choices, default=Outcome.WAITING
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(decided_by=models.F("asked_by")), name="approval_two_people"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    outcome__in=["waiting", "withdrawn"],
                    decided_by__isnull=True,
                    decided_at__isnull=True,
                )
                | models.Q(
                    outcome__in=["approved", "done", "failed", "refused"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="approval_decided_by_and_at",
            ),
        ]
        indexes = [models.Index(fields=["outcome", "until"], name="approval_waiting")]

    def __str__(self) -> str:
        return f"{self.pk} {self.act} {self.object}"


class Notice(models.Model):
    """One thing that one person is told once (提醒); its room makes the words when it is shown."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    room = models.CharField(max_length=16)  # which makes the words: base.notices.words
    kind = models.CharField(max_length=32)
    number = models.CharField(max_length=32)  # of the request, visit, loan or case
    path = models.CharField(max_length=200)  # the page to open
    facts = models.JSONField(default=dict)  # codes and dates, nothing personal
    key = models.CharField(max_length=160)  # the same occasion is told once
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)  # in a digest

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="told_person_once")]
        indexes = [
            models.Index(
                fields=["account", "id"], name="notice_unseen",
                condition=models.Q(seen_at__isnull=True),
            ),
            models.Index(fields=["number", "kind"], name="notice_by_thing"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class NoticeChoice(models.Model):
    """How a person wants to be told besides the list in the application."""

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notice_choice"
    )
    by_mail = models.BooleanField(_("电子邮件"), default=True)
    by_sms = models.BooleanField(_("短信"), default=False)
    phone = models.CharField(_("手机号码"), max_length=20, blank=True)
    hours = models.CharField(max_length=71, default="9")  # of the day, 0–23, by commas
    quiet_until = models.DateField(_("免打扰到"), null=True, blank=True)  # that day included
    digest_at = models.DateTimeField(null=True, blank=True)  # when the last digest was due

    def __str__(self) -> str:
        return f"{self.account_id} {self.hours}"


class Outcome(models.TextChoices):
    """What became of an act."""

    DONE = "done", _("完成")
    REFUSED = "refused", _("被拒绝")
    FAILED = "failed", _("失败")


class AuditRow(models.Model):
    """One act: who, as what, what, on what, why, from where, outcome.  Rows are only added.

    Triggers of the database refuse to change or remove a row; `base.audit` is the only writer and
    `kernel.audit` says how rows are chained.
    """

    number = models.PositiveBigIntegerField(primary_key=True)  # from 1, without a gap
    at = models.DateTimeField(_("时间"))
    by = models.CharField(_("何人"), max_length=150)  # account name, "system", "cli", "" stranger
    roles = models.TextField(_("身份"), blank=True)  # as held then, comma-separated
    unit = models.CharField(_("机构"), max_length=32, blank=True)
    act = models.CharField(_("行为"), max_length=40)  # catalog/audit_acts.csv
    object = models.CharField(_("对象"), max_length=200, blank=True)  # "record:<档号>", …
    outcome = models.CharField(_("结果"), max_length=8, choices=Outcome.choices)
    why = models.CharField(_("事由"), max_length=500, blank=True)
    origin = models.CharField(_("来源"), max_length=64, blank=True)  # network address
    request = models.CharField(_("请求编号"), max_length=64, blank=True)
    facts = models.TextField(blank=True)  # JSON object, keys sorted; "" for none
    cells = models.CharField(max_length=88)  # a sum of each cell: tells which one was changed
    previous = models.CharField(max_length=72)  # hash of the row before, "" for the first
    mac = models.CharField(max_length=73)  # keyed code of all that: this installation wrote it
    hash = models.CharField(max_length=72)  # of all that, "sm3:<hex>" or "sha256:<hex>"

    class Meta:
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=Outcome.values), name="audit_outcome_known"
            )
        ]
        indexes = [
            models.Index(fields=["object", "number"], name="audit_by_object"),
            models.Index(fields=["by", "number"], name="audit_by_person"),
            models.Index(fields=["act", "number"], name="audit_by_act"),
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["unit", "number"], name="audit_by_unit"),
            models.Index(fields=["request"], name="audit_by_request"),
            models.Index(
                fields=["outcome", "number"],
                condition=~models.Q(outcome=Outcome.DONE),
                name="audit_not_done",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.act} {self.object}"


class AuditSeal(models.Model):
    """A range of audit rows, sealed (封存): what they hash to, signed, and the seal before.

    Rows are only added; `base.audit.seals` is the only writer, and also writes them as files.
    """

    number = models.PositiveBigIntegerField(primary_key=True)  # from 1, without a gap
    day = models.DateField(_("日期"))  # of sealing, Asia/Shanghai
    at = models.DateTimeField(_("时间"))
    first = models.PositiveBigIntegerField(unique=True)  # audit rows, both inclusive
    last = models.PositiveBigIntegerField(unique=True)
    last_hash = models.CharField(max_length=72)  # of the last row
    root = models.CharField(max_length=72)  # of the tree over the hashes of the rows
    faults = models.PositiveIntegerField(default=0)  # found in these rows when they were sealed
    previous = models.CharField(max_length=72)  # hash of the seal before, "" for the first
    mac = models.CharField(max_length=73)
    hash = models.CharField(max_length=72)
    signature = models.TextField(blank=True)  # JSON of kernel.signatures.Signature; "" unsigned

    class Meta:
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last__gte=models.F("first")), name="seal_of_some_rows"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.first}–{self.last}"


class AuditCheck(models.Model):
    """One check of the whole chain: how far it is, and what it found."""

    by = models.CharField(_("由谁"), max_length=150)
    started_at = models.DateTimeField(_("开始"))
    beat_at = models.DateTimeField()  # when it last told how far it is
    ended_at = models.DateTimeField(null=True, blank=True)
    total = models.PositiveBigIntegerField(default=0)  # rows to check
    checked = models.PositiveBigIntegerField(default=0)
    faults = models.PositiveIntegerField(default=0)
    found = models.JSONField(default=list)  # the first faults, as `kernel.verify_audit` tells them

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.pk} {self.checked}/{self.total}"
