"""Signatures of event notices (事件通知), as the receiver checks them.

The form is that of Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`,
the last one or more `version,base64` separated by blanks.  `v1` is HMAC-SHA256; `v1sm3`, ours, is
HMAC-SM3.  `webhook-key` names the generations of the secret in the same order.
Source: RFC 2104 (HMAC); GB/T 32905-2016 (SM3).
"""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from .digests import PlainSm3, new_sm3

REPLAY_S: Final = 300  # how far the clock of a notice may be from that of its receiver
VERSIONS: Final[Mapping[str, str]] = {"hmac-sha256": "v1", "hmac-sm3": "v1sm3"}
PREFIX: Final = "whsec_"
_BLOCK: Final = 64  # bytes of a block, for both digests


def sign(algorithm: str, secret: str, *, notice: str, at: int, body: bytes) -> str:
    """One signature, `version,base64`, over `notice.at.body`; `at` is in seconds since 1970.

    Raises KeyError for an unknown algorithm and ValueError for a secret that is none.
    """
    version = VERSIONS[algorithm]
    signed = b".".join((notice.encode(), str(at).encode(), body))
    return f"{version},{base64.b64encode(_mac(algorithm, secret_bytes(secret), signed)).decode()}"


def secret_text(key: bytes) -> str:
    """A secret as people and programs copy it."""
    return PREFIX + base64.b64encode(key).decode()


def secret_bytes(secret: str) -> bytes:
    """The key of a secret; raises ValueError."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("no secret of a webhook") from None


def verify(
    secrets: Sequence[str],
    *,
    notice: str,
    timestamp: str,
    signature: str,
    body: bytes,
    now: int,
) -> bool:
    """Whether one of the secrets made one of the signatures, and not longer ago than REPLAY_S."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > REPLAY_S:
        return False
    given = [one.encode() for one in signature.split()]
    made = [
        sign(algorithm, secret, notice=notice, at=int(timestamp), body=body).encode()
        for secret in secrets
        for algorithm in VERSIONS
    ]
    return any(hmac.compare_digest(one, other) for one in given for other in made)


def _mac(algorithm: str, key: bytes, content: bytes) -> bytes:
    if algorithm == "hmac-sha256":
        return hmac.new(key, content, "sha256").digest()
    return _hmac_sm3(key, content)


def _hmac_sm3(key: bytes, content: bytes) -> bytes:
    """HMAC over whatever SM3 this system has: OpenSSL's, or the plain one."""
    if not isinstance(new_sm3(), PlainSm3):
        return hmac.new(key, content, "sm3").digest()
    short = _sm3(key) if len(key) > _BLOCK else key
    padded = short.ljust(_BLOCK, b"\0")
    inner = _sm3(bytes(byte ^ 0x36 for byte in padded) + content)
    return _sm3(bytes(byte ^ 0x5C for byte in padded) + inner)


def _sm3(content: bytes) -> bytes:
    digest = new_sm3()
    digest.update(content)
    return bytes.fromhex(digest.hexdigest())
