"""What is on its way in: hand-over batches, their files and items, and every step done to them."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class BatchState(models.TextChoices):
    """Where a batch stands.  Stored states are never renamed or removed."""

    RECEIVED = "received", _("已接收")  # bytes are here, nothing looked at yet
    CHECKING = "checking", _("检测中")
    PENDING_REVIEW = "pending_review", _("待审核")  # every item has been through the machine
    ACCEPTING = "accepting", _("入库中")
    ACCEPTED = "accepted", _("已接收入库")  # every item is admitted or returned
    FAILED = "failed", _("无法处理")  # the hand-over as a whole cannot be opened


class ItemState(models.TextChoices):
    """Where an item stands.  Stored states are never renamed or removed."""

    RECEIVED = "received", _("待检测")
    HELD = "held", _("有问题")  # a blocking finding: fix and resubmit
    QUARANTINED = "quarantined", _("已隔离")  # a classified mark or a virus
    WAITING = "waiting", _("待审核")  # no blocking finding: a person decides
    ACCEPTED = "accepted", _("已通过")  # decided: will be packed and admitted
    ADMITTED = "admitted", _("已入库")
    RETURNED = "returned", _("已退回")  # sent back to the unit with a reason
    DUPLICATE = "duplicate", _("重复")  # the same content was admitted before


class Batch(models.Model):
    """A transfer batch (移交批次): what one person handed over at one time."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    name = models.CharField(_("批次名称"), max_length=300)
    kind = models.CharField(max_length=16)  # catalogue, dat93, bagit, eep, bare
    fonds = models.ForeignKey("archive.Fonds", models.PROTECT, null=True, blank=True)
    unit = models.ForeignKey("base.Unit", models.PROTECT, null=True, blank=True)
    state = models.CharField(
        _("状态"), max_length=16, choices=BatchState.choices, default=BatchState.RECEIVED
    )
    accept = models.BooleanField(default=False)  # admit what has no blocking finding, unseen
    received_at = models.DateTimeField()
    received_by = models.CharField(max_length=150)
    ended_at = models.DateTimeField(null=True, blank=True)
    content_digest = models.CharField(max_length=64)  # SHA-256 over sorted "sha256 path" lines
    repeats = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)  # same content
    mends = models.ForeignKey(  # holds the mended items of that batch
        "self", models.SET_NULL, null=True, blank=True, related_name="mended_by"
    )
    file_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    item_count = models.PositiveIntegerField(default=0)
    declared = models.JSONField(default=dict)  # counts and sender as the hand-over declares them
    checks = models.JSONField(default=list)  # results of the checks of the batch as a whole
    failure = models.CharField(max_length=40, blank=True)  # finding code when FAILED

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["content_digest"], name="batch_by_content")]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """One thing that is to become one record."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)  # becomes the OCFL id
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="items")
    key = models.CharField(max_length=500)  # within the batch: archival code, folder or file name
    row = models.PositiveIntegerField(null=True, blank=True)  # row of the catalogue, header is 1
    state = models.CharField(
        _("状态"), max_length=12, choices=ItemState.choices, default=ItemState.RECEIVED
    )
    step = models.CharField(max_length=12, blank=True)  # last step done; "" none yet
    description = models.JSONField(default=dict)  # kernel.metadata, by identifier
    code = models.CharField(max_length=100, blank=True)  # archival code once it is settled
    checks = models.JSONField(default=dict)  # {"YJ-1-7": "pass", …}
    page_count = models.PositiveIntegerField(default=0)
    blocking = models.PositiveIntegerField(default=0)  # findings by severity
    warnings = models.PositiveIntegerField(default=0)
    record = models.OneToOneField(
        "archive.Record", models.SET_NULL, null=True, blank=True, related_name="item"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=500, blank=True)  # of a return
    trouble = models.CharField(max_length=300, blank=True)  # a step that failed by our fault

    class Meta:
        ordering = ["batch", "id"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "key"], name="item_once"),
            models.CheckConstraint(
                condition=models.Q(decided_at__isnull=True, decided_by="")
                | (models.Q(decided_at__isnull=False) & ~models.Q(decided_by="")),
                name="decided_paired",
            ),
        ]
        indexes = [
            models.Index(fields=["batch", "state", "id"], name="item_by_state"),
            models.Index(fields=["code"], name="item_by_code"),
        ]

    def __str__(self) -> str:
        return self.key


class HandedFile(models.Model):
    """One file of a batch, kept as it came until its record is admitted."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="files")
    item = models.ForeignKey(Item, models.CASCADE, null=True, blank=True, related_name="files")
    path = models.CharField(max_length=1000)  # in the hand-over, NFC, `/`
    original_name = models.CharField(max_length=1500, blank=True)  # as it came, if `path` differs
    staged = models.CharField(max_length=200, blank=True)  # below the staging folder; "" when gone
    order = models.PositiveIntegerField(default=0)  # within the item: reading order
    is_content = models.BooleanField(default=True)  # False: catalogue, manifest, bag-info, …
    size_bytes = models.PositiveBigIntegerField()
    sha512 = models.CharField(max_length=128)
    sha256 = models.CharField(max_length=64)
    sm3 = models.CharField(max_length=64)
    modified_at = models.DateTimeField(null=True, blank=True)
    puid = models.CharField(max_length=40, blank=True)
    mime = models.CharField(max_length=127, blank=True)
    format_name = models.CharField(max_length=200, blank=True)
    page_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["batch", "item", "order", "path"]
        constraints = [models.UniqueConstraint(fields=["batch", "path"], name="handed_once")]
        indexes = [models.Index(fields=["sha256"], name="handed_by_sha256")]

    def __str__(self) -> str:
        return self.path


class StepRun(models.Model):
    """One step done to one item: the PREMIS event of the pipeline.  Rows are only added."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="steps")
    step = models.CharField(max_length=12)
    tool = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    input_digest = models.CharField(max_length=64)
    outcome = models.CharField(max_length=12)  # done, findings, waits
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "step", "input_digest"], name="step_once")
        ]

    def __str__(self) -> str:
        return f"{self.item_id}:{self.step}"


class ItemFinding(models.Model):
    """A finding as it stands in the report; `item` is empty for the batch as a whole."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="findings")
    item = models.ForeignKey(Item, models.CASCADE, null=True, blank=True, related_name="findings")
    step = models.CharField(max_length=12)
    code = models.CharField(max_length=32)  # catalog/findings.csv
    severity = models.CharField(max_length=6)  # kernel.checks.Severity
    where = models.CharField(max_length=1000, blank=True)
    row = models.PositiveIntegerField(null=True, blank=True)
    column = models.CharField(max_length=100, blank=True)
    page = models.PositiveIntegerField(null=True, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["batch", "code"], name="finding_by_code")]

    def __str__(self) -> str:
        return self.code


class ItemPage(models.Model):
    """A page that was read, until its record is admitted."""

    file = models.ForeignKey(HandedFile, models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()  # from 1 within the file
    page = models.JSONField()  # kernel.pages.Page.to_json
    image = models.CharField(max_length=200, blank=True)  # below the staging folder
    look = models.CharField(max_length=256, blank=True)  # perceptual hash, for repeated pages

    class Meta:
        ordering = ["file", "number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="item_page_once")]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"


class ProposalState(models.TextChoices):
    """What a person said of a proposal."""

    PROPOSED = "proposed", _("待定")
    ACCEPTED = "accepted", _("已采纳")
    EDITED = "edited", _("已改采纳")
    REJECTED = "rejected", _("不采纳")


class Proposal(models.Model):
    """An extracted value that a person accepts, edits or rejects.  GB/T 9704-2012."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="proposals")
    field = models.CharField(max_length=40)  # official_document_fields.csv, or person/org/place
    value = models.TextField()
    page = models.PositiveIntegerField(null=True, blank=True)  # within the record
    box = models.JSONField(null=True, blank=True)  # [left, top, right, bottom]
    confidence = models.FloatField()  # 0.0 to 1.0
    method = models.CharField(max_length=40)
    state = models.CharField(
        max_length=10, choices=ProposalState.choices, default=ProposalState.PROPOSED
    )
    decided_value = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="proposed", decided_at__isnull=True, decided_by="")
                | (~models.Q(state="proposed") & models.Q(decided_at__isnull=False)),
                name="proposal_decided_paired",
            )
        ]
        indexes = [models.Index(fields=["state", "confidence"], name="proposal_queue")]

    def __str__(self) -> str:
        return f"{self.field}={self.value[:40]}"


class Upload(models.Model):
    """A file on its way up, in pieces; `session` groups the files of one hand-over."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    session = models.UUIDField(db_index=True)
    path = models.CharField(max_length=1000)
    size_bytes = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)  # once complete: the receipt
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["session", "path"], name="upload_once")]

    def __str__(self) -> str:
        return self.path
