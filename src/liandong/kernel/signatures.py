"""Signatures and time stamps as they are kept and handed out: plain JSON that a stranger can check.

A signature carries its public key, so checking the arithmetic needs nothing else; whether the key
is the archive's is told by its fingerprint, which the archive publishes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from . import sm2
from .digests import digest_bytes

SM2 = "SM2-SM3"  # OID 1.2.156.10197.1.501


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature; `Signature.read(s.to_json()) == s`."""

    algorithm: str  # SM2
    public_key: str  # hex, 04 ‖ x ‖ y
    value: str  # hex, DER of SEQUENCE {r, s}

    @property
    def key_id(self) -> str:
        """Fingerprint of the public key: the first half of its SM3."""
        return fingerprint(bytes.fromhex(self.public_key))

    def to_json(self) -> dict[str, str]:
        """The fields by name, and the fingerprint for whoever reads it."""
        return {**asdict(self), "key_id": self.key_id}

    @classmethod
    def read(cls, known: Mapping[str, Any]) -> Self:
        """From JSON of a stranger.  Raises ValueError."""
        fields = {name: known.get(name) for name in ("algorithm", "public_key", "value")}
        if not all(isinstance(field, str) for field in fields.values()):
            raise ValueError("no signature")
        made = cls(**fields)  # type: ignore[arg-type]
        bytes.fromhex(made.public_key), bytes.fromhex(made.value)
        return made

    def fits(self, content: bytes) -> bool:
        """Whether this signs `content`; says nothing of whose key it is."""
        return self.algorithm == SM2 and sm2.verify(
            bytes.fromhex(self.public_key), content, bytes.fromhex(self.value)
        )


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """Who says that a digest was known at a time; `TimeStamp.read(t.to_json()) == t`."""

    at: str  # RFC 3339, UTC, seconds
    digest: str  # SM3 of what is stamped, hex
    is_trusted: bool  # False: the clock of this machine, no trusted third party
    signature: Signature

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "at": self.at,
            "digest": self.digest,
            "is_trusted": self.is_trusted,
            "signature": self.signature.to_json(),
        }

    @classmethod
    def read(cls, known: Mapping[str, Any]) -> Self:
        """From JSON of a stranger.  Raises ValueError."""
        at, digest, signed = known.get("at"), known.get("digest"), known.get("signature")
        if not (isinstance(at, str) and isinstance(digest, str) and isinstance(signed, Mapping)):
            raise ValueError("no time stamp")
        return cls(at, digest, known.get("is_trusted") is True, Signature.read(signed))

    def fits(self, content: bytes) -> bool:
        """Whether this stamps `content`."""
        same = digest_bytes(content).sm3 == self.digest
        return same and self.signature.fits(stamped(self.at, self.digest, self.is_trusted))


def fingerprint(public_key: bytes) -> str:
    """How a public key is called: the first half of its SM3, 32 hex digits."""
    return digest_bytes(public_key).sm3[:32]


def stamped(at: str, digest: str, is_trusted: bool) -> bytes:
    """The bytes that a time stamp signs."""
    source = "trusted" if is_trusted else "local clock"
    return f"liandong time stamp 1\n{at}\n{digest}\n{source}\n".encode()


def at_text(now: datetime) -> str:
    """The time as stamps write it: `2026-03-01T02:03:04Z`."""
    return now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
