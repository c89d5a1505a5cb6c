"""Mail: EML (RFC 5322) and Outlook MSG; the text and the list of attachments."""

import email
import email.message
import re
import warnings
from email.header import Header, decode_header
from pathlib import Path

import oxmsg

from liandong.kernel.ports import Unreadable

from .charset import decode
from .text import SLOW_CODECS, MarkupFile, html_lines, in_pages, read_limited

_HEADERS = (
    ("Subject", "主题"),
    ("From", "发件人"),
    ("To", "收件人"),
    ("Cc", "抄送"),
    ("Date", "日期"),
)
_MAX_PARTS = 1000
_MOST_COMPARED = 20_000_000
_MOST_HEADER = 10_000  # characters of a header that are decoded: a list of recipients
_BOUNDARY = re.compile(rb"boundary\*?[0-9*]*\s{0,9}=", re.IGNORECASE)
_ALIASES = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs"}


def open_eml(file: Path) -> MarkupFile:
    """Headers, body (plain text before HTML) and attachments of a mail; GBK headers included."""
    try:
        content = read_limited(file)
        # every line is compared with the boundary of every part around it
        if len(_BOUNDARY.findall(content)) * content.count(b"\n") > _MOST_COMPARED:
            raise Unreadable("FILE-HOSTILE", reason="邮件嵌套过多")
        message = email.message_from_bytes(content)
        lines = [f"{label}：{_header(message[name])}" for name, label in _HEADERS if message[name]]
        return MarkupFile(in_pages([*lines, *_body(message)]))
    except (ValueError, LookupError, RecursionError, AttributeError, TypeError) as error:
        raise Unreadable("FILE-DAMAGED", reason="邮件无法解析") from error


def open_msg(file: Path) -> MarkupFile:
    """Headers, body and attachments of an Outlook message."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            message = oxmsg.Message.load(str(file))
            headers = message.message_headers
            people = "; ".join(
                f"{person.name} <{person.email_address}>" for person in message.recipients
            )
            sent = message.sent_date.isoformat(" ", "minutes") if message.sent_date else ""
            top = [
                ("主题", message.subject),
                ("发件人", message.sender or headers.get("From", "")),
                ("收件人", people),
                ("日期", sent or headers.get("Date", "")),
            ]
            body = (message.body or "").splitlines() or html_lines(
                (message.html_body or "").encode()
            )
            files = [f"附件：{part.file_name}（{part.size} 字节）" for part in message.attachments]
    except Exception as error:
        raise Unreadable(
            "FILE-DAMAGED", reason=f"MSG 无法解析（{type(error).__name__}）"
        ) from error
    return MarkupFile(
        in_pages([*(f"{label}：{text}" for label, text in top if text), *body, *files])
    )


def _header(value: Header | str) -> str:
    """A header as text; encoded words, and raw bytes of old Chinese mailers."""
    parts: list[str] = []
    try:
        pieces = decode_header(value[:_MOST_HEADER] if isinstance(value, str) else value)
    except (email.errors.HeaderParseError, ValueError):
        pieces = [(str(value), None)]
    for piece, charset in pieces:
        if isinstance(piece, bytes):
            parts.append(_decoded(piece, charset if charset != "unknown-8bit" else None))
        else:
            parts.append(
                _decoded(piece.encode("ascii", "surrogateescape"), None)
                if _is_raw(piece)
                else piece
            )
    return re.sub(r"\s+", " ", "".join(parts)).strip()


def _is_raw(text: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in text)


def _decoded(content: bytes, charset: str | None) -> str:
    name = (charset or "").lower()
    name = "" if name.replace("-", "_") in SLOW_CODECS else name
    try:
        return content.decode(_ALIASES.get(name, name or "ascii"))
    except (LookupError, UnicodeError):
        return decode(content)[0]


def _body(message: email.message.Message) -> list[str]:
    plain: list[str] = []
    rich: list[str] = []
    files: list[str] = []
    for _, part in zip(range(_MAX_PARTS), message.walk(), strict=False):
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        name = part.get_filename()
        kind = part.get_content_type()
        if name or part.get_content_disposition() == "attachment":
            files.append(f"附件：{_header(name or kind)}（{len(content)} 字节）")
        elif kind == "text/plain":
            plain.extend(_decoded(content, part.get_content_charset()).splitlines())
        elif kind == "text/html":
            rich.extend(html_lines(content))
    return [*(plain or rich), *files]
