"""What is kept: fonds, classes, records with files and pages, and what happened to them.

These rows are a projection of the store: `liandong archive rebuild` makes them again from the
OCFL objects.  Only `services` writes them.
"""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

_AWAITS_OPENING = models.Q(awaits_opening=True)  # the due list reads only these


class Fonds(models.Model):
    """A fonds (全宗): the archives of one body; it names its own code template."""

    number = models.CharField(_("全宗号"), max_length=8, unique=True)
    title = models.CharField(_("全宗名称"), max_length=200)
    unit = models.ForeignKey("base.Unit", models.PROTECT, null=True, blank=True)  # 立档单位
    code_template = models.CharField(_("档号模板"), max_length=32, default="dat22_item")
    default_level = models.PositiveSmallIntegerField(_("默认可阅级别"), default=1)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class RetentionRule(models.Model):
    """One line of a fonds' approved retention schedule (保管期限表).  国家档案局令第8号 art. 12."""

    fonds = models.ForeignKey(Fonds, models.CASCADE, related_name="retention_rules")
    clause = models.CharField(_("条款"), max_length=32)
    scope = models.CharField(_("归档范围"), max_length=300)
    words = models.CharField(_("题名用词"), max_length=200, blank=True)  # |-separated; any of them
    retention = models.CharField(_("保管期限"), max_length=8)  # Y, D30, D10, …
    approval = models.CharField(_("批准文号"), max_length=100)
    order = models.PositiveIntegerField(default=0)  # the first rule that fits wins

    class Meta:
        ordering = ["fonds", "order", "id"]

    def __str__(self) -> str:
        return f"{self.clause} {self.scope}"


class ArchivalClass(models.Model):
    """The lowest class, in which item numbers run: 全宗, 门类, 年度, 保管期限, 机构（问题）.

    `last_number` and `record_count` are written in the transaction that takes a number or admits
    a record, so the holdings tree never counts rows.
    """

    fonds = models.ForeignKey(Fonds, models.PROTECT, related_name="classes")
    category = models.CharField(_("门类"), max_length=40)  # WS, or ZY·JC for deeper series
    year = models.CharField(_("年度"), max_length=4)
    retention = models.CharField(_("保管期限"), max_length=8)
    org = models.CharField(_("机构（问题）"), max_length=40, blank=True)
    last_number = models.PositiveIntegerField(default=0)
    record_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["fonds", "category", "year", "retention", "org"]
        constraints = [
            models.UniqueConstraint(
                fields=["fonds", "category", "year", "retention", "org"], name="class_once"
            )
        ]

    def __str__(self) -> str:
        return "-".join(
            part for part in (self.category, self.year, self.retention, self.org) if part
        )


class HeldNumber(models.Model):
    """An item number without a record yet: held by an item on its way in, or given back.

    A number that was given back (no holder) is the next to be taken, so that none is missing.
    """

    archival_class = models.ForeignKey(ArchivalClass, models.CASCADE, related_name="held_numbers")
    number = models.PositiveIntegerField(_("件号"))
    holder = models.UUIDField(null=True, blank=True)  # object id of the record that will have it

    class Meta:
        ordering = ["archival_class", "number"]
        constraints = [
            models.UniqueConstraint(fields=["archival_class", "number"], name="held_once")
        ]

    def __str__(self) -> str:
        return f"{self.archival_class_id}:{self.number}"


class HeldRecords(models.Manager["Record"]):
    """Records that are here; what was destroyed is asked for by `Record.every`."""

    def get_queryset(self) -> models.QuerySet["Record"]:
        """Without the destroyed ones."""
        return super().get_queryset().filter(destroyed_at__isnull=True)


class Record(models.Model):
    """One archival record (件): described, packed as one OCFL object, admitted.

    Of a destroyed record the row stays, with its description: `destroyed_at` hides it from
    `objects`, and its code is never given again.
    """

    object_id = models.UUIDField(unique=True, default=uuid.uuid4)  # OCFL id urn:uuid:…
    version = models.PositiveIntegerField(default=1)  # head of the OCFL object
    code = models.CharField(_("档号"), max_length=100, unique=True)
    archival_class = models.ForeignKey(ArchivalClass, models.PROTECT, related_name="records")
    fonds = models.ForeignKey(Fonds, models.PROTECT, related_name="records")
    category = models.CharField(_("门类"), max_length=40)
    year = models.CharField(_("年度"), max_length=4)
    retention = models.CharField(_("保管期限"), max_length=8)
    org = models.CharField(_("机构（问题）"), max_length=40, blank=True)
    number = models.PositiveIntegerField(_("件号"))
    title = models.TextField(_("题名"))
    document_number = models.CharField(_("文号"), max_length=100, blank=True)
    author = models.CharField(_("责任者"), max_length=300, blank=True)
    document_date = models.PositiveIntegerField(_("日期"), default=0)  # YYYYMMDD, 00 unknown parts
    description = models.JSONField(_("著录"), default=dict)  # kernel.metadata, by identifier
    # facts of the access rule (archive.policies); NOT NULL, the same names in the index
    level = models.PositiveSmallIntegerField(default=1)  # 0 open, 1 internal, 2 restricted
    open_from = models.PositiveIntegerField(default=99991231)  # YYYYMMDD
    unit = models.CharField(max_length=32, blank=True)  # code of the forming or transferring unit
    personal = models.PositiveSmallIntegerField(default=9)  # archive.policies: 9 not examined yet
    open_due = models.PositiveIntegerField(default=99991231)  # YYYYMMDD, see kernel.opening
    awaits_opening = models.BooleanField(default=True)  # closed, and in no review
    personal_revision = models.PositiveIntegerField(default=0)  # grows when what is masked changes
    page_count = models.PositiveIntegerField(_("页数"), default=0)
    file_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    looked_at = models.BooleanField(default=False)  # False: admitted without a person looking
    admitted_at = models.DateTimeField()
    admitted_by = models.CharField(max_length=150)  # username, or "system"
    encryption = models.CharField(max_length=8, blank=True)  # cipher of the object, "" plain
    retain_until = models.PositiveIntegerField(default=0)  # YYYYMMDD, see kernel.retention
    destroyed_at = models.DateTimeField(null=True, blank=True)
    destroyed_under = models.CharField(max_length=32, blank=True)  # number of the list
    indexed_version = models.PositiveIntegerField(default=0)  # version that the index holds
    verified_at = models.DateTimeField(null=True, blank=True)  # last complete fixity check
    verified_ok = models.BooleanField(null=True)
    sight = ""  # no column: how much of it whoever asked may see, set by `queries.sight`

    objects = HeldRecords()
    every = models.Manager["Record"]()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["archival_class", "number"], name="number_once"),
            models.CheckConstraint(
                condition=models.Q(verified_at__isnull=True, verified_ok__isnull=True)
                | models.Q(verified_at__isnull=False, verified_ok__isnull=False),
                name="verified_paired",
            ),
            models.CheckConstraint(
                condition=models.Q(destroyed_at__isnull=True, destroyed_under="")
                | (models.Q(destroyed_at__isnull=False) & ~models.Q(destroyed_under="")),
                name="destroyed_paired",
            ),
        ]
        indexes = [
            models.Index(fields=["archival_class", "code"], name="record_by_class"),
            models.Index(fields=["indexed_version", "id"], name="record_to_index"),
            models.Index(fields=["verified_at", "id"], name="record_to_verify"),
            models.Index(fields=["document_number"], name="record_by_docnumber"),
            models.Index(fields=["open_due", "id"], condition=_AWAITS_OPENING, name="record_due"),
            models.Index(
                # with every column of `due_counts`, which reads no row
                fields=["fonds", "open_due", "level", "destroyed_at", "awaits_opening"],
                condition=_AWAITS_OPENING,
                name="record_due_of_fonds",
            ),
            models.Index(fields=["retain_until", "code"], name="record_to_appraise"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def shares(self) -> frozenset[str]:
        """The many-valued fact of the access rule: codes of the grants that name this record."""
        return frozenset(self.shared_records.values_list("grant__code", flat=True))


class FileRole(models.TextChoices):
    """What a file is to its record."""

    ORIGINAL = "original", _("原件")
    DERIVATIVE = "derivative", _("衍生件")
    METADATA = "metadata", _("元数据")


class RecordFile(models.Model):
    """One file in the current version of a record's OCFL object."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="files")
    role = models.CharField(max_length=12, choices=FileRole.choices)
    path = models.CharField(max_length=500)  # logical path in the object, e.g. original/a.pdf
    content_path = models.CharField(max_length=520)  # in the object, e.g. v1/content/original/a.pdf
    order = models.PositiveIntegerField(default=0)  # originals: reading order
    size_bytes = models.PositiveBigIntegerField()
    puid = models.CharField(max_length=40, blank=True)
    mime = models.CharField(max_length=127, blank=True)
    sha512 = models.CharField(max_length=128)
    sha256 = models.CharField(max_length=64, blank=True)
    sm3 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["record", "role", "order", "path"]
        constraints = [models.UniqueConstraint(fields=["record", "path"], name="path_once")]
        indexes = [models.Index(fields=["sha512"], name="file_by_sha512")]

    def __str__(self) -> str:
        return self.path


class RecordPage(models.Model):
    """One page of a record, numbered through all its originals."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()  # from 1 within the record
    file = models.CharField(max_length=500)  # logical path of the original it comes from
    number_in_file = models.PositiveIntegerField()
    image = models.CharField(max_length=500, blank=True)  # logical path of the page image, or ""
    width = models.PositiveIntegerField(default=0)  # pixels of the image the boxes refer to
    height = models.PositiveIntegerField(default=0)
    dpi = models.PositiveIntegerField(default=0)
    method = models.CharField(max_length=12)  # kernel.pages.Method
    confidence = models.FloatField(default=1.0)  # 0.0 to 1.0, weighted by characters
    text = models.TextField(blank=True)  # lines joined by \n
    lines = models.JSONField(default=list)  # [{"text","box":[l,t,r,b],"confidence",…}]
    corrected_lines = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["record", "number"]
        constraints = [models.UniqueConstraint(fields=["record", "number"], name="page_once")]

    def __str__(self) -> str:
        return f"{self.record_id}/{self.number}"


class LineCorrection(models.Model):
    """One correction of one recognised line; rows are only added."""

    page = models.ForeignKey(RecordPage, models.CASCADE, related_name="corrections")
    line = models.PositiveIntegerField()  # index in `RecordPage.lines`, from 0
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    packed = models.BooleanField(default=False)  # already in a version of the OCFL object

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["packed", "page"], name="correction_to_pack")]

    def __str__(self) -> str:
        return f"{self.page_id}:{self.line}"


class PreservationEvent(models.Model):
    """Something that happened to a record: a PREMIS event.  Rows are only added."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)  # PREMIS event type: ingestion, fixity check, …
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    tool = models.CharField(max_length=200, blank=True)  # name and version
    outcome = models.CharField(max_length=20)  # success, failure, warning
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.outcome}"


class FixityRun(models.Model):
    """One run of `archive verify`: whole, sample or scheduled; resumable by `last_record`."""

    kind = models.CharField(max_length=12)  # all, sample, scheduled
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    by = models.CharField(max_length=150)
    checked = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    last_record = models.PositiveBigIntegerField(default=0)
    failures = models.JSONField(default=list)  # [{"code","where","finding"}]

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d}"
