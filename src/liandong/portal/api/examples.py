"""Examples of requests to copy: one per operation, and every body fits the contract."""

import json
from collections.abc import Mapping
from typing import Any, Final

UUID: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
OTHER: Final = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
SHA256: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

BODIES: Final[Mapping[str, Any]] = {
    "begin_transfer": {"name": "2026年第二季度文书档案", "fonds": "Z109"},
    "begin_upload": {"path": "目录.xlsx", "size": 20480},
    "submit_transfer": {"files": [{"path": "目录.xlsx", "sha256": SHA256}]},
    "file_one": {
        "system": "oa",
        "document_id": "2026-000123",
        "document": {
            "title": "关于做好防汛工作的通知",
            "document_number": "临政办发〔2026〕5号",
            "author": "临江市人民政府办公室",
            "document_date": "2026-05-06",
            "main_addressee": "各区县人民政府",
            "retention_period": "30年",
        },
        "files": [{"name": "正文.txt", "content": "5YWz5LqO5YGa5aW96Ziy5rGb5bel5L2c"}],
        "process": [
            {"act": "签发", "by": "王某", "at": "2026-05-06T10:00:00+08:00", "opinion": "同意"}
        ],
    },
    "begin_large": {"name": "附图.pdf", "size": 52428800},
    "ask": {
        "purpose_kind": "duty",
        "purpose": "核对历年防汛预案",
        "legal_basis": "档案法第二十八条",
        "records": ["Z109-WS·2026-D30-BGS-0001"],
        "uses": ["look", "copy"],
        "until": "2026-12-31",
    },
    "make_subscription": {
        "url": "https://oa.example.gov.cn/archive-events",
        "events": ["item.admitted", "item.held"],
        "algorithm": "hmac-sha256",
    },
    "edit_subscription": {"stopped": False},
    "change_secret": {"replaces": 1},
}
QUERIES: Final[Mapping[str, str]] = {
    "send_package": f"?file=2026-05.zip&fonds=Z109&sha256={SHA256}",
    "list_items": "?state=held",
    "list_filings": "?system=oa&document_id=2026-000123",
    "search_records": "?q=%E9%98%B2%E6%B1%9B&year=2026",
}
FILES: Final = frozenset({"put_part", "put_large", "send_package"})
PARTS: Final[Mapping[str, str]] = {
    "{transfer_id}": UUID, "{file_id}": OTHER, "{filing_id}": UUID, "{upload_id}": OTHER,
    "{subscription_id}": UUID, "{delivery_id}": OTHER, "{code}": "Z109-WS·2026-D30-BGS-0001",
    "/shares/{number}": "/shares/LY-2026-0001", "{number}": "1", "{file_number}": "1",
}  # fmt: skip


def example_of(name: str, method: str, path: str, base: str) -> str:
    """A call of curl that does what the operation does; `$KEY` holds the key."""
    for part, value in PARTS.items():
        path = path.replace(part, value)
    lines = [f"curl -X {method} '{base}{path}{QUERIES.get(name, '')}'"]
    lines.append('-H "Authorization: Bearer $KEY"')
    if method == "POST":
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if name in FILES:
        if method == "PUT":
            lines.append("-H 'Upload-Offset: 0'")
        lines += ["-H 'Content-Type: application/octet-stream'", "--data-binary @file"]
    elif name in BODIES:
        body = json.dumps(BODIES[name], ensure_ascii=False, indent=2)
        lines += ["-H 'Content-Type: application/json'", f"-d '{body}'"]
    return " \\\n  ".join(lines)
