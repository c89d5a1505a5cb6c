"""What other systems do here: keys, kept answers, transfers, filings, event notices."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class ApiKey(models.Model):
    """An interface key (接口密钥): a system of a department acts by it, an account answers.

    Its secret is shown once; only a digest is kept.  Rotation makes a new key of the same line.
    """

    code = models.CharField(_("编号"), max_length=16, unique=True)  # the public part of the key
    line = models.CharField(max_length=16, db_index=True)  # code of the first key of its line
    name = models.CharField(_("用途"), max_length=100)
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="api_keys")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="api_keys")
    scopes = models.CharField(_("权限"), max_length=200)  # portal.policies.SCOPES, comma-separated
    networks = models.CharField(_("来源网段"), max_length=400, blank=True)  # comma-separated
    digest = models.CharField(max_length=64)  # SHA-256 of the secret, hex
    per_minute = models.PositiveIntegerField(_("每分钟次数"))
    issued_at = models.DateTimeField(_("签发"))
    issued_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField(_("到期"))
    revoked_at = models.DateTimeField(_("停用"), null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True)
    last_used_at = models.DateTimeField(_("最近使用"), null=True, blank=True)
    last_origin = models.CharField(max_length=64, blank=True)
    ready_at = models.BigIntegerField(default=0)  # of the rate limit: µs since 1970

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="key_ends"),
            models.CheckConstraint(condition=~Q(scopes=""), name="key_has_scope"),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_by="")),
                name="key_revoked_paired",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class KeptAnswer(models.Model):
    """The answer to a POST, kept for a day so that a repetition gets it again (幂等)."""

    line = models.CharField(max_length=16)  # of the key
    token = models.CharField(max_length=64)  # the header Idempotency-Key
    request = models.CharField(max_length=64)  # SHA-256 of method, address and body
    status = models.PositiveSmallIntegerField(default=0)  # 0: still at work
    body = models.TextField(blank=True)
    location = models.CharField(max_length=300, blank=True)
    begun_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["line", "token"], name="answer_once")]
        indexes = [models.Index(fields=["begun_at"], name="answer_by_time")]

    def __str__(self) -> str:
        return f"{self.line}:{self.token}"


class Transfer(models.Model):
    """A hand-over by interface (接口移交): files are gathered, then received as one batch."""

    uuid = models.UUIDField(unique=True)  # also the upload session and the id of its batch
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="transfers")
    name = models.CharField(max_length=300)
    fonds = models.ForeignKey("archive.Fonds", models.PROTECT, null=True, blank=True)
    mends = models.ForeignKey("self", models.PROTECT, null=True, blank=True)
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=150)  # account that answers for the key
    key = models.CharField(max_length=16)  # code of the key
    batch = models.ForeignKey(
        "intake.Batch", models.PROTECT, null=True, blank=True, related_name="transfers"
    )

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["unit", "id"], name="transfer_by_unit")]

    def __str__(self) -> str:
        return self.name


class Filing(models.Model):
    """A finished document that a system of a department filed (归档), with what came of it."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="filings")
    system = models.CharField(max_length=40)  # the sending system, as it names itself
    document = models.CharField(max_length=100)  # id of the document in that system
    digest = models.CharField(max_length=64)  # SHA-256 of everything that was sent
    attempt = models.PositiveIntegerField(default=1)  # sent again after it was held or returned
    batch = models.ForeignKey(
        "intake.Batch", models.PROTECT, null=True, blank=True, related_name="filings"
    )
    filed_at = models.DateTimeField()
    filed_by = models.CharField(max_length=150)
    key = models.CharField(max_length=16)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "system", "document"], name="filed_once")
        ]

    def __str__(self) -> str:
        return f"{self.system}:{self.document}"


class Asking(models.Model):
    """A request of use that came by interface: the same call again finds it."""

    uuid = models.UUIDField(unique=True)  # made of key and idempotency token
    request = models.OneToOneField("exchange.UseRequest", models.CASCADE, related_name="asking")
    key = models.CharField(max_length=16)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.uuid)


class Subscription(models.Model):
    """Where event notices (事件通知) of a department go.  Its secret is derived, never stored."""

    uuid = models.UUIDField(unique=True)
    unit = models.ForeignKey("base.Unit", models.PROTECT, related_name="subscriptions")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="subscriptions"
    )
    url = models.CharField(max_length=500)
    events = models.CharField(max_length=400)  # portal.events, comma-separated
    algorithm = models.CharField(max_length=12)  # kernel.webhooks.VERSIONS
    generation = models.PositiveIntegerField(default=1)  # of the secret
    rotated_at = models.DateTimeField(null=True, blank=True)  # the one before signs for a day more
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150)
    failures = models.PositiveIntegerField(default=0)  # in a row
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_why = models.CharField(max_length=12, blank=True)  # owner, failures, account

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, stopped_why="")
                | (Q(stopped_at__isnull=False) & ~Q(stopped_why="")),
                name="stopped_paired",
            )
        ]

    def __str__(self) -> str:
        return self.url


class Told(models.Model):
    """The state of a thing that subscribers were told last: every change is told once."""

    kind = models.CharField(max_length=12)  # batch, item, filing, share, case
    thing = models.PositiveBigIntegerField()  # primary key
    state = models.CharField(max_length=16)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["kind", "thing"], name="told_once")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.thing}={self.state}"


class Delivery(models.Model):
    """One notice on its way to one subscriber, sent until it is taken or given up."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)  # the header webhook-id
    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    body = models.TextField()  # exactly what is signed and sent
    made_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)  # None: taken or given up
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(taken_at__isnull=True) | Q(next_at__isnull=True), name="taken_is_over"
            )
        ]
        indexes = [models.Index(fields=["next_at"], name="delivery_due")]

    def __str__(self) -> str:
        return f"{self.event} {self.uuid}"


class Attempt(models.Model):
    """One try to deliver a notice.  Rows are only added."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(default=0)  # of HTTP; 0: no answer
    trouble = models.CharField(max_length=100, blank=True)  # why there was no answer
    took_ms = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.status}"
