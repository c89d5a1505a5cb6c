"""A report by e-mail: what was written, its pictures by the one door of photos, who sent it sealed.

The same message again is the same case.  What is not taken (a paper, a picture too many, a broken
one) is named in the text, so that the desk can ask for it.  Source: RFC 5322, RFC 2045.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final
from uuid import UUID, uuid5

from liandong.base.audit import record_act
from liandong.cases.models import Case, Evidence
from liandong.cases.policies import Bearer

from .opening import TITLE_LENGTH, BadReport, Opened, Report, open_case
from .photos import BadPhoto, drop_photo, keep_photo
from .reporting import MOST_PHOTOS

KIND: Final = "snap_report"
LARGEST_BYTES: Final = 40 * 1024 * 1024
MOST_PARTS: Final = 200
LONGEST: Final = 4000
_MOST_COMPARED: Final = 20_000_000  # the parser compares every line with every boundary around it
_BOUNDARY: Final = re.compile(rb"boundary\*?[0-9*]*\s{0,9}=", re.IGNORECASE)
_QUOTED: Final = re.compile(
    r"^\s*(>|-{3,}\s*(原始邮件|Original Message|Forwarded message)"
    r"|在.{0,80}写道[:：]|On .{0,80} wrote:)",
    re.IGNORECASE,
)  # where the words of somebody else begin
_SPACE: Final = UUID("5b7d1d1e-0f3c-4c2f-9d0a-6d61696c0001")


class BadMail(Exception):
    """A message that makes no case: `code` is too-large, hostile, broken, automatic or empty."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Mail:
    """What a message says.  `photos` are name and bytes, `left` names of what is not taken."""

    uuid: UUID
    subject: str
    text: str
    name: str
    address: str
    photos: list[tuple[str, bytes]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def read_mail(content: bytes) -> Mail:
    """The message as a report.  Raises BadMail."""
    if len(content) > LARGEST_BYTES:
        raise BadMail("too-large")
    if len(_BOUNDARY.findall(content)) * content.count(b"\n") > _MOST_COMPARED:
        raise BadMail("hostile")
    try:
        message = message_from_bytes(content, policy=policy.default)
        return _read(message, content)
    except BadMail:
        raise
    except (ValueError, LookupError, RecursionError, AttributeError, TypeError) as error:
        raise BadMail("broken") from error


def _read(message: EmailMessage, content: bytes) -> Mail:
    if str(message.get("Auto-Submitted", "no")).strip().lower() != "no":
        raise BadMail("automatic")  # an answer of a machine: nobody reports anything
    name, address = parseaddr(str(message.get("From", "")))
    if not address:
        raise BadMail("broken")
    known = str(message.get("Message-ID", "")).strip() or hashlib.sha256(content).hexdigest()
    mail = Mail(
        uuid5(_SPACE, known), _line(str(message.get("Subject", ""))), _own_words(message),
        _line(name)[:60], _line(address)[:200],
    )  # fmt: skip
    for part in _attached(message):
        label = _line(part.get_filename() or part.get_content_type())
        body = part.get_content() if part.get_content_maintype() == "image" else None
        if isinstance(body, bytes) and len(mail.photos) < MOST_PHOTOS:
            mail.photos.append((label, body))
        else:
            mail.left.append(label)
    if not mail.subject and not mail.text and not mail.photos:
        raise BadMail("empty")
    return mail


def _attached(message: EmailMessage) -> Iterator[EmailMessage]:
    for _, part in zip(range(MOST_PARTS), message.walk(), strict=False):
        if isinstance(part, EmailMessage) and not part.is_multipart():
            is_file = part.get_content_disposition() == "attachment" or part.get_filename()
            if is_file or part.get_content_maintype() not in {"text", "multipart"}:
                yield part


def _own_words(message: EmailMessage) -> str:
    """The body up to where another message is quoted; plain text before HTML."""
    part = message.get_body(("plain",))
    if part is None:
        return ""
    kept: list[str] = []
    for line in str(part.get_content()).replace("\0", "").splitlines():
        if _QUOTED.match(line[:200]):
            break
        kept.append(line.rstrip())
    return "\n".join(kept).strip()[:LONGEST]


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\0", "")).strip()


def take_mail(content: bytes, *, now: datetime) -> Opened:
    """Make a case of a message; the case that is there when it came before.

    Raises BadMail, BadReport and OSError; nothing is kept then.
    """
    mail = read_mail(content)
    known = Case.objects.filter(uuid=mail.uuid).first()
    if known is not None:
        return Opened(known, "", is_fresh=False)
    left = list(mail.left)
    kept: list[Evidence] = []
    try:
        for name, picture in mail.photos:
            try:
                kept.append(keep_photo(
                    picture, case_uuid=mail.uuid, part=Evidence.Part.BEFORE, name=name, by="",
                    now=now,
                ))  # fmt: skip
            except BadPhoto:
                left.append(name)
        opened = open_case(_report(mail, left), by=Bearer(), now=now, evidence=kept)
    except Exception:
        for one in kept:
            drop_photo(one)
        raise
    record_act("take_mail", by="", now=now, object=f"case:{opened.case.number}")
    return opened


def _report(mail: Mail, left: list[str]) -> Report:
    words = "\n".join(filter(None, [mail.subject[:TITLE_LENGTH], mail.text]))
    if left:
        words = words[: LONGEST - 400] + "\n（未收附件：" + "、".join(left)[:300] + "）"
    if not words.strip():
        raise BadReport([("text", "missing")])
    contact = {"email": mail.address, "name": mail.name}
    return Report(
        KIND, "mail", {"text": words[:LONGEST]}, uuid=mail.uuid,
        contact={name: text for name, text in contact.items() if text},
    )  # fmt: skip
