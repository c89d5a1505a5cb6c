"""Certified copies (出证): what is signed, and how it stands behind the PDF for all to check.

    the PDF as it was made (the body)
    newline, then one comment line of PDF:  %liandong-certified-copy-1 <base64 of the envelope>
    startxref, its number and %%EOF once more, so that every reader finds the end it looks for

The envelope is JSON with `facts`, `signature` and `time_stamp`.  The time stamp is over the facts,
the signature over the facts and the time stamp, and the facts name the digests and the length of
the body: no byte of the file can change unseen.
`docs/tools/verify_certified_copy.py` repeats these few lines and needs only Python.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from .digests import digest_bytes
from .signatures import Signature, TimeStamp

KIND: Final = "liandong certified copy"
VERSION: Final = 1
_MARK: Final = b"\n%liandong-certified-copy-1 "
_END = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_LONGEST = 64 * 1024  # bytes of an envelope


class NotCertified(ValueError):
    """The file is no certified copy, or no longer the one that was made: `reason`.

    no-seal, torn, body-changed, facts-changed.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Certified:
    """What the seal of an unchanged file says."""

    facts: Mapping[str, Any]
    signature: Signature
    time_stamp: TimeStamp


def stamped_bytes(facts: Mapping[str, Any]) -> bytes:
    """What is stamped: a head line and the facts."""
    return f"{KIND} {VERSION}\n{_plain(facts)}".encode()


def signed_bytes(facts: Mapping[str, Any], stamp: TimeStamp) -> bytes:
    """What is signed: what is stamped, and the time stamp, which so cannot be exchanged."""
    return stamped_bytes(facts) + b"\n" + _plain(asdict(stamp)).encode()


def _plain(value: object) -> str:
    """JSON with sorted keys and without blanks."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def seal(
    body: bytes,
    facts: Mapping[str, Any],
    *,
    stamp: Callable[[bytes], TimeStamp],
    sign: Callable[[bytes], Signature],
) -> tuple[bytes, Mapping[str, Any]]:
    """The PDF with its seal, and the facts that were signed.

    `facts` are plain values; `kind`, `version` and `body` are added.  Raises ValueError for a PDF
    without a proper end.
    """
    tail = _tail(body)
    digests = digest_bytes(body)
    said = {
        **facts, "kind": KIND, "version": VERSION,
        "body": {"bytes": len(body), "sha256": digests.sha256, "sm3": digests.sm3},
    }  # fmt: skip
    made = stamp(stamped_bytes(said))
    signature = sign(signed_bytes(said, made))
    return body + _MARK + _packed(said, signature, made) + tail, said


def read_seal(content: bytes) -> Certified:
    """What an unchanged file says of itself; whose key signed is for the caller to judge.

    Raises NotCertified.
    """
    at = content.rfind(_MARK)
    if at < 0:
        raise NotCertified("no-seal")
    body, line = content[:at], content[at + len(_MARK) :].split(b"\n", 1)[0]
    envelope = _unpacked(line)
    facts = envelope["facts"]
    try:
        signature = Signature.read(envelope["signature"])
        stamp = TimeStamp.read(envelope["time_stamp"])
        whole = body + _MARK + _packed(facts, signature, stamp) + _tail(body)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise NotCertified("torn") from None
    if whole != content:
        raise NotCertified("torn")
    known = facts.get("body")
    actual = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    if not isinstance(known, dict) or any(known.get(name) != actual[name] for name in actual):
        raise NotCertified("body-changed")
    if not signature.fits(signed_bytes(facts, stamp)) or not stamp.fits(stamped_bytes(facts)):
        raise NotCertified("facts-changed")
    return Certified(facts, signature, stamp)


def _packed(facts: Mapping[str, Any], signature: Signature, stamp: TimeStamp) -> bytes:
    envelope = {
        "facts": facts,
        "signature": asdict(signature),
        "time_stamp": asdict(stamp),
    }
    return base64.b64encode(_plain(envelope).encode())


def _unpacked(line: bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(base64.b64decode(line[:_LONGEST], validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise NotCertified("torn") from None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("facts"), dict):
        raise NotCertified("torn")
    return envelope


def _tail(body: bytes) -> bytes:
    """The end of a PDF once more.  Raises ValueError."""
    found = _END.search(body[-2048:])
    if found is None:
        raise ValueError("a PDF without startxref at its end")
    return b"\nstartxref\n" + found.group(1) + b"\n%%EOF\n"
