"""What goes in and out of the API.  Every field is in the contract; unknown ones are refused."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from django.utils.dateparse import parse_datetime
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
)

from liandong.intake.models import ItemState as States
from liandong.kernel import catalog
from liandong.kernel.metadata import fields
from liandong.kernel.viewer import USES
from liandong.kernel.webhooks import VERSIONS
from liandong.portal.queries.changes import EVENTS
from liandong.portal.services.filing import DOCUMENT_FIELDS, REQUIRED

PLAIN: Final = r"^[^\x00-\x1f\x7f]*$"  # no control signs: a database or a header breaks on them
UUID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
HEX64: Final = r"^[0-9a-fA-F]{64}$"
DATE: Final = r"^[12][0-9]{3}(-?(0[1-9]|1[0-2])(-?(0[1-9]|[12][0-9]|3[01]))?)?$"

BYTES: Final[dict[str, Any]] = {  # of operations whose body is a file, for the contract
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
FILE: Final[dict[str, Any]] = {  # of operations that answer with a file
    "responses": {
        200: {
            "description": "OK",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    }
}


def _moment(text: str) -> str:
    """ISO 8601 with a zone, as RFC 3339 says."""
    found = parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ValueError("date and time with a zone, such as 2026-05-06T10:00:00+08:00")
    return text


def _whole(value: object) -> object:
    """In JSON 1.0 is the whole number 1; a text or a truth is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_of(values: list[str]) -> tuple[AfterValidator, Any]:
    """A text out of a list, in the check and in the contract."""

    def check(text: str) -> str:
        if text not in values:
            raise ValueError(" | ".join(values))
        return text

    return AfterValidator(check), Field(json_schema_extra={"enum": list(values)})


ItemState = Annotated[str, *_one_of(["", *States.values])]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PLAIN)]
Words = Annotated[str, StringConstraints(max_length=1000, pattern=PLAIN)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^([0-9a-fA-F]{64})?$")]
Moment = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(_moment),
    Field(json_schema_extra={"format": "date-time"}),
]
FileName = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f/\\:~.][^\x00-\x1f\x7f/\\]*$"
    ),
]
FilePath = Annotated[
    str, StringConstraints(min_length=1, max_length=900, pattern=r"^[^\x00-\x1f\x7f\\]+$")
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PLAIN)]
Fonds = Annotated[str, StringConstraints(pattern=r"^([A-Z0-9]{1,8})?$")]


class In(BaseModel):
    """A body: only what is named here, each of exactly its type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class Place(Out):
    """A field and what is wrong with it."""

    field: str = ""
    message: str = ""
    code: str = ""


class ProblemOut(BaseModel):
    """A refusal (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")
    type: str = Field(description="说明所在的地址")
    title: str = Field(description="是什么问题，按 Accept-Language 为中文或英文")
    status: int
    detail: str = ""
    where: list[Place] = Field(default_factory=list, description="哪个字段、什么问题")
    trace_id: str = Field(description="日志里查找这次请求的编号")
    offset: int = Field(0, description="仅 wrong-offset：从这里接着传")


# Transfers ----------------------------------------------------------------------------------------


class TransferIn(In):
    """A hand-over to be begun."""

    name: Name = Field(description="批次名称")
    fonds: Fonds = Field("", description="全宗号；本单位只有一个全宗时可不写")
    mends: Annotated[str, StringConstraints(pattern=f"^({UUID[1:-1]})?$")] = Field(
        "", description="补交：原移交的编号"
    )


class FileIn(In):
    """A file to be uploaded."""

    path: FilePath = Field(description="在这批里的路径，用 / 分开")
    size: Annotated[int, Field(ge=0, le=2**53), BeforeValidator(_whole)] = Field(
        description="字节数"
    )


class UploadOut(Out):
    """A file on its way up."""

    id: str
    path: str
    size: int
    offset: int = Field(description="已收到的字节数：从这里接着传")
    sha256: str = Field("", description="收全后的回执")


class ListedIn(In):
    """A file as the manifest has it; at least one digest."""

    path: FilePath
    sha256: Sha256 = ""
    sm3: Sha256 = ""


class ManifestIn(In):
    """What is handed over: every file, no other."""

    files: Annotated[list[ListedIn], Field(min_length=1, max_length=20_000)]


class TransferOut(Out):
    """A hand-over and where it stands."""

    id: str
    name: str
    fonds: str
    unit: str
    state: str = Field(
        description="open 未提交，其余同批次状态：received、checking、pending_review …"
    )
    mends: str = ""
    opened_at: datetime
    received_at: datetime | None = None
    ended_at: datetime | None = None
    failure: str = Field("", description="整批无法打开时的问题代码")
    files: int = 0
    bytes: int = 0
    items: dict[str, int] = Field(default_factory=dict, description="各状态的件数")
    to_do: int = Field(0, description="机器还要处理的件数")


class FindingOut(Out):
    """What is wrong, where, and how to mend it."""

    code: str
    severity: str
    where: str = ""
    row: int | None = None
    field: str = ""
    page: int | None = None
    message: str
    remedy: str


class ItemOut(Out):
    """One item of a hand-over."""

    id: str
    key: str
    row: int | None
    state: str
    code: str = Field(description="档号，入库后才有")
    title: str
    pages: int
    reason: str = Field(description="退回的原因")
    files: list[str]
    findings: list[FindingOut]


class ReceivedFileOut(Out):
    """A file as it was received."""

    path: str
    bytes: int
    sha256: str
    sm3: str


class ReceiptOut(Out):
    """The receipt of a hand-over."""

    transfer: str
    batch: int
    received_at: datetime
    received_by: str
    content_digest: str = Field(description="SHA-256，全部“摘要 路径”行排序后")
    files: int
    bytes: int
    listed: list[ReceivedFileOut]
    next: str = ""


# Filing -------------------------------------------------------------------------------------------


def _document_model() -> type[BaseModel]:
    """The description of a document, field by field as the catalogue has them."""
    known = fields()
    parts: dict[str, Any] = {}
    for name in DOCUMENT_FIELDS:
        one = known[name]
        said = Field(... if name in REQUIRED else "", description=one.name_zh)
        kind: Any = Annotated[
            str,
            StringConstraints(
                min_length=1 if name in REQUIRED else 0, max_length=one.max_length, pattern=PLAIN
            ),
        ]
        if one.type == "enum":
            kind = Literal[("", *one.domain)]
        elif one.type == "date":
            kind = Annotated[str, StringConstraints(pattern=DATE)]
        elif one.type == "year":
            kind = Annotated[str, StringConstraints(pattern=r"^([12][0-9]{3})?$")]
        parts[name] = (kind, said)
    made: type[BaseModel] = create_model("DocumentIn", __base__=In, **parts)
    made.__doc__ = "著录：GB/T 9704 与 DA/T 18 的项目。"
    return made


DocumentIn = _document_model()


class FiledFileIn(In):
    """A file of the document, in reading order: its bytes, or an upload sent ahead."""

    name: FileName = Field(description="文件名，不含文件夹")
    content: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]*={0,2}$")] = Field(
        "", description="内容，base64"
    )
    upload: Annotated[str, StringConstraints(pattern=f"^({UUID[1:-1]})?$")] = Field(
        "", description="先行上传的编号（见 POST /uploads），此时必须给 sha256"
    )
    sha256: Sha256 = ""
    sm3: Sha256 = ""


class ActIn(In):
    """One act of the process log."""

    act: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=PLAIN)] = Field(
        description="业务行为，如 拟稿、审核、签发"
    )
    by: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PLAIN)]
    at: Moment
    unit: Annotated[str, StringConstraints(max_length=100, pattern=PLAIN)] = ""
    opinion: Words = ""


class FilingIn(In):
    """A finished document to be filed."""

    system: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")] = Field(
        description="业务系统的标识"
    )
    document_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/-]{1,100}$")] = Field(
        description="文件在业务系统里的编号：同一系统同一编号只归档一次"
    )
    document: DocumentIn  # type: ignore[valid-type]  # made from the catalogue
    files: Annotated[list[FiledFileIn], Field(min_length=1, max_length=200)]
    process: Annotated[list[ActIn], Field(max_length=200)] = Field(
        default_factory=list, description="流程记录：谁在何时办了什么，入库后成为该件的事件"
    )
    fonds: Fonds = ""


class FilingOut(Out):
    """A filing and where it stands."""

    id: str
    system: str
    document_id: str
    state: str = Field(
        description="received、waiting、held、quarantined、accepted、admitted、returned、duplicate、failed"
    )
    code: str = Field("", description="档号，入库后才有")
    attempt: int
    filed_at: datetime
    reason: str = ""
    findings: list[FindingOut] = Field(default_factory=list)


class AheadIn(In):
    """A large file sent ahead of its document."""

    name: FileName
    size: Annotated[int, Field(ge=1, le=2**53), BeforeValidator(_whole)]


# Notices ------------------------------------------------------------------------------------------

Event = Annotated[str, *_one_of([one for one in EVENTS if one != "ping"])]
Algorithm = Annotated[str, *_one_of(list(VERSIONS))]
Url = Annotated[
    str,
    StringConstraints(max_length=500, pattern=r"^https?://[A-Za-z0-9\[][\x21-\x7e]*$"),
    Field(description="只能是 https 地址，解析出的每个地址都要允许"),
]


class SubscriptionIn(In):
    """A subscription to be made."""

    url: Url
    events: Annotated[list[Event], Field(min_length=1, max_length=20)]
    algorithm: Algorithm = "hmac-sha256"


class SubscriptionChangeIn(In):
    """What is to be changed; absent fields stay."""

    url: Url | None = None
    events: Annotated[list[Event], Field(min_length=1, max_length=20)] | None = None
    stopped: bool | None = Field(None, description="true 停止，false 恢复（并清零失败次数）")


class RotateIn(In):
    """Which secret is to be replaced."""

    replaces: Annotated[int, Field(ge=1, le=10**6), BeforeValidator(_whole)] = Field(
        description="现在的代号，即 key"
    )


class SubscriptionOut(Out):
    """A subscription."""

    id: str
    url: str
    events: list[str]
    algorithm: str
    key: str = Field(description="当前密钥的代号，即 webhook-key")
    made_at: datetime
    failures: int = Field(description="连续失败次数")
    stopped_at: datetime | None
    stopped_why: str = Field(
        description="owner 本单位停止，failures 连续失败，account 答责账号停用"
    )


class SubscriptionMadeOut(SubscriptionOut):
    """A subscription with its secret, which is shown here only."""

    secret: str


class TryOut(Out):
    """One try to deliver."""

    at: datetime
    status: int
    trouble: str
    took_ms: int


class DeliveryOut(Out):
    """A notice and its tries."""

    id: str
    event: str
    made_at: datetime
    state: str = Field(description="waiting、taken、given_up")
    next_at: datetime | None
    tries: list[TryOut]


class Page(Out):
    """What every list has besides its rows."""

    next: str = Field("", description="下一页的标记；空：已到末尾")


class TransfersOut(Page):
    """Transfers, newest first."""

    items: list[TransferOut]


class UploadsOut(Out):
    """Files of an open transfer."""

    items: list[UploadOut]


class ItemsOut(Page):
    """Items of a transfer."""

    items: list[ItemOut]


class FilingsOut(Page):
    """Filings, newest first."""

    items: list[FilingOut]


class SubscriptionsOut(Out):
    """Subscriptions, newest first."""

    items: list[SubscriptionOut]


class DeliveriesOut(Page):
    """Notices, newest first."""

    items: list[DeliveryOut]


# Records ------------------------------------------------------------------------------------------

Value = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)]
Values = Annotated[list[Value], Field(max_length=20)]


class Question(In):
    """What is searched for."""

    model_config = ConfigDict(extra="ignore", strict=False)
    q: Annotated[str, StringConstraints(max_length=500, pattern=PLAIN)] = Field(
        "", description="检索词，语法同网页"
    )
    year: Values = Field(default_factory=list, description="年度，可多个")
    fonds: Values = Field(default_factory=list, description="全宗号，可多个")
    category: Values = Field(default_factory=list, description="门类，可多个")
    retention: Values = Field(default_factory=list, description="保管期限，可多个")
    author: Values = Field(default_factory=list, description="责任者，可多个")
    date: Annotated[str, StringConstraints(max_length=40, pattern=PLAIN)] = Field(
        "", description="日期或范围，如 2026、2025..2026"
    )
    order: Annotated[str, *_one_of(["relevance", "newest", "oldest"])] = "relevance"


class BriefOut(Out):
    """A record in a few words."""

    code: str = Field(description="档号")
    title: str
    document_number: str
    author: str
    date: int = Field(description="YYYYMMDD，不明的部分为 00，全不明为 0")
    year: str
    sight: str = Field(description="whole 全文，masked 遮盖了个人信息")


class HitOut(BriefOut):
    """A record found."""

    snippet: str
    page: int = Field(description="命中的页，0 在著录里")


class FacetOut(Out):
    """A value of a facet with its exact count."""

    value: str
    label: str
    count: int


class FoundOut(Page):
    """The answer to a question."""

    count: int
    hits: list[HitOut]
    facets: dict[str, list[FacetOut]]


class KeptFileOut(Out):
    """A file of a record; in the masked view without name and digests."""

    id: int
    role: str
    path: str
    bytes: int
    mime: str
    puid: str
    sha256: str
    sm3: str


class EventOut(Out):
    """Something that happened to a record."""

    kind: str
    at: datetime
    outcome: str


class RecordOut(BriefOut):
    """A record."""

    fonds: str
    category: str
    retention: str
    pages: int
    withheld: bool = Field(description="个人信息尚未审查，文字暂不给")
    admitted_at: datetime
    description: dict[str, str]
    files: list[KeptFileOut]
    events: list[EventOut]


class PageOut(Out):
    """A page with its text."""

    number: int
    method: str
    confidence: float
    withheld: bool
    text: str


class PagesOut(Page):
    """Pages in order."""

    items: list[PageOut]


# Sharing ------------------------------------------------------------------------------------------

Purpose = Annotated[str, *_one_of([row["code"] for row in catalog.rows("use_purposes")])]
Use = Annotated[str, *_one_of(list(USES))]


class ShareIn(In):
    """A request for the use of records."""

    purpose_kind: Purpose = Field(description="目的类别，见目录表 use_purposes")
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=PLAIN)]
    legal_basis: Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=PLAIN)]
    records: Annotated[list[Code], Field(max_length=200)] = Field(
        default_factory=list, description="档号"
    )
    wanted: Words = Field("", description="要什么档案，用文字说明；与 records 至少写一样")
    uses: Annotated[list[Use], Field(min_length=1, max_length=4)] = Field(
        description="利用方式：look 查看、print 打印、copy 复制、data 取用数据"
    )
    whole: bool = Field(False, description="是否要不遮盖个人信息的全文")
    until: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] = Field(
        description="用到哪一天"
    )


class SharedRecordOut(Out):
    """A record of a request and what was decided of it."""

    code: str
    title: str = Field(description="可阅读时才有")
    verdict: str = Field(description="granted 提供，refused 不提供，空 未定")


class ShareBriefOut(Out):
    """A request and its grant."""

    number: str
    state: str = Field(
        description="submitted、proposed、granted、refused、cancelled、withdrawn、ended …"
    )
    submitted_at: datetime | None
    due_on: str = Field(description="答复期限")
    uses: list[str] = Field(description="授权的利用方式")
    whole: bool
    begins_at: datetime | None
    ends_at: datetime | None
    withdrawn_at: datetime | None


class ShareOut(ShareBriefOut):
    """A request with its records and the answer."""

    answer: str
    ground: str = Field(description="不予提供的依据代码")
    records: list[SharedRecordOut]


class SharesOut(Page):
    """Requests, newest first."""

    items: list[ShareBriefOut]
