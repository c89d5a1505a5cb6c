"""Sealed files: the container in which an encrypted object keeps each of its contents.

    magic "LDSEALED" · version 1 · algorithm · log2 of the chunk size · 0 · id of the data key (16)
    · salt (16) · nonce prefix (7)                                        = 51 bytes of head
    chunk · tag (16) · chunk · tag · …                     every chunk full but, it may be, the last

Each file has a key of its own: HMAC of the object's data key over the salt.  The nonce of a chunk
is prefix ‖ number (4) ‖ 1 when it is the last, else 0; its associated data are the head, the id of
the object and the content path.  So a byte that changes, a file that ends early or goes on, chunks
in another order and a file in another place or of another object are all found, and any chunk
opens alone.  An empty content is one empty chunk.

Knows no cipher: `engines/keys` gives it.  Docs: docs/operate/encryption.md, ADR 0023.
Source: GB/T 32907-2016 (SM4); GB/T 17964-2021 and NIST SP 800-38D (GCM).
"""

import hashlib
import io
import json
import secrets
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import BinaryIO, Final, NamedTuple, Protocol, Self

from .digests import Hash, new_sm3

MAGIC = b"LDSEALED"
VERSION = 1
CHUNK_LOG = 16  # 64 KiB: one decryption for most tiles, and the full speed of the cipher
TAG = 16  # bytes
_HEAD = struct.Struct(">8sBBBB16s16s7s")
_LOGS = range(6, 25)
_MOST_CHUNKS = 1 << 32
_INFO = b"liandong sealed file 1"
_BLOCK = 64  # bytes, of SHA-256 and of SM3


class Algorithm(NamedTuple):
    """An authenticated cipher by its name in settings, and its number in the container."""

    name: str  # aes, sm4
    number: int
    key_bytes: int
    words: str  # as descriptors and pages name it


AES: Final = Algorithm("aes", 1, 32, "AES-256-GCM")
SM4: Final = Algorithm("sm4", 2, 16, "SM4-GCM")
ALGORITHMS: Final = {one.name: one for one in (AES, SM4)}


class CannotOpen(Exception):
    """A sealed content cannot be opened; `code` is a row of `catalog/findings.csv`."""

    code = ""

    def __init__(self, where: str, **facts: str) -> None:
        super().__init__(f"{self.code} {where} {facts or ''}".strip())
        self.where = where
        self.facts = facts


class KeyLost(CannotOpen):
    """The data key of an object is not in the key folder: lost, or thrown away on purpose."""

    code = "SEAL-KEY-LOST"


class MasterLost(CannotOpen):
    """The master key that wraps the data key is not there (`master`)."""

    code = "SEAL-MASTER-LOST"


class WrongKey(CannotOpen):
    """There is a key, and it is another one."""

    code = "SEAL-WRONG-KEY"


class SealBroken(CannotOpen):
    """The bytes are not what was sealed in this place (`reason`)."""

    code = "SEAL-BROKEN"


class Aead(Protocol):
    """An authenticated cipher with its key; nonces have 12 bytes, the tag is at the end."""

    def encrypt(self, nonce: bytes, data: bytes | memoryview, about: bytes, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes | memoryview, about: bytes, /) -> bytes:
        """Raises BadTag."""
        ...


class BadTag(Exception):
    """The content, the nonce, the associated data or the key is another."""


MakeAead = Callable[[str, bytes], Aead]  # name of the algorithm, key


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one object; its secret is never printed."""

    id: bytes  # 16 bytes, random: tells this key from any other of the object
    algorithm: Algorithm
    secret: bytes = field(repr=False)

    @classmethod
    def new(cls, algorithm: Algorithm) -> Self:
        """A fresh random key."""
        size = algorithm.key_bytes
        return cls(secrets.token_bytes(16), algorithm, secrets.token_bytes(size))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed content belongs; it opens nowhere else."""

    object_id: str  # OCFL id
    path: str  # content path, e.g. v1/content/original/0001.sealed

    def to_bytes(self) -> bytes:
        """As associated data."""
        return f"{self.object_id}\n{self.path}".encode()


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a container."""

    algorithm: Algorithm
    chunk_log: int
    key_id: bytes
    salt: bytes
    prefix: bytes

    def to_bytes(self) -> bytes:
        """51 bytes."""
        return _HEAD.pack(MAGIC, VERSION, self.algorithm.number, self.chunk_log, 0,
                          self.key_id, self.salt, self.prefix)  # fmt: skip

    @classmethod
    def read(cls, content: bytes, where: str) -> Self:
        """Raises SealBroken."""
        if len(content) != HEAD_BYTES:
            raise SealBroken(where, reason="shorter than its head")
        magic, version, number, log, zero, key_id, salt, prefix = _HEAD.unpack(content)
        known = {one.number: one for one in ALGORITHMS.values()}
        if magic != MAGIC or version != VERSION or number not in known or log not in _LOGS or zero:
            raise SealBroken(where, reason="no sealed file of a kind that is known")
        return cls(known[number], log, key_id, salt, prefix)


HEAD_BYTES: Final = _HEAD.size


def sealed_size(size: int, chunk_log: int = CHUNK_LOG) -> int:
    """Bytes of the container of so many bytes."""
    chunks = max(1, -(-size >> chunk_log))
    return HEAD_BYTES + size + chunks * TAG


# Writing ------------------------------------------------------------------------------------------


class Readable(Protocol):
    """All that sealing asks of a stream."""

    def read(self, size: int, /) -> bytes: ...


def seal(
    source: Readable,
    key: DataKey,
    place: Place,
    make: MakeAead,
    chunk_log: int = CHUNK_LOG,
) -> Iterator[bytes]:
    """The pieces of the container of everything that is left in `source`."""
    head = Head(key.algorithm, chunk_log, key.id, secrets.token_bytes(16), secrets.token_bytes(7))
    written = head.to_bytes()
    aead, about = make(key.algorithm.name, _file_key(key, head.salt)), written + place.to_bytes()
    yield written
    size, number = 1 << chunk_log, 0
    chunk = _read_full(source, size)
    while True:
        following = _read_full(source, size) if len(chunk) == size else b""
        yield aead.encrypt(_nonce(head.prefix, number, last=not following), chunk, about)
        if not following:
            return
        chunk, number = following, number + 1


def _read_full(source: Readable, size: int) -> bytes:
    """So many bytes, fewer only at the end: a raw stream may give less at a time."""
    piece = source.read(size)
    if len(piece) in {0, size}:
        return piece
    pieces = [piece]
    missing = size - len(piece)
    while missing and (piece := source.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    if number >= _MOST_CHUNKS:
        raise OverflowError("more chunks than a nonce can number")
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _file_key(key: DataKey, salt: bytes) -> bytes:
    """HMAC of the data key over the salt, by the digest of the same family as the cipher."""
    fresh: Callable[[], Hash] = new_sm3 if key.algorithm == SM4 else hashlib.sha256
    padded = key.secret.ljust(_BLOCK, b"\0")
    inner = _digest(fresh(), bytes(one ^ 0x36 for one in padded) + _INFO + salt)
    return _digest(fresh(), bytes(one ^ 0x5C for one in padded) + inner)[: key.algorithm.key_bytes]


def _digest(hash_: Hash, content: bytes) -> bytes:
    hash_.update(content)
    return bytes.fromhex(hash_.hexdigest())


# Reading ------------------------------------------------------------------------------------------


def open_sealed(stream: BinaryIO, key: DataKey, place: Place, make: MakeAead) -> io.BufferedReader:
    """The content as a seekable stream; it takes the stream over and closes it.

    The last chunk is opened at once, so that a wrong key and a cut end are found here.
    Raises WrongKey and SealBroken, the latter also while reading: nothing false is ever given.
    """
    try:
        raw = _Reader(stream, key, place, make)
    except BaseException:
        stream.close()
        raise
    return io.BufferedReader(raw, raw.chunk_size)


class _Reader(io.RawIOBase):
    """The plain content; keeps the chunk that was opened last."""

    def __init__(self, stream: BinaryIO, key: DataKey, place: Place, make: MakeAead) -> None:
        self._stream = stream
        self._where = f"{place.object_id}/{place.path}"
        written = _read_full(stream, HEAD_BYTES)
        head = Head.read(written, self._where)
        if head.key_id != key.id or head.algorithm != key.algorithm:
            raise WrongKey(self._where)
        self._about = written + place.to_bytes()
        self._aead = make(key.algorithm.name, _file_key(key, head.salt))
        self._prefix = head.prefix
        self.chunk_size = 1 << head.chunk_log
        self._chunks, self.size = self._measure()
        self._at = 0
        self._number, self._chunk = -1, b""
        self._open_chunk(self._chunks - 1)

    def _measure(self) -> tuple[int, int]:
        """Number of chunks and bytes of content, by the length of the container."""
        body = self._stream.seek(0, io.SEEK_END) - HEAD_BYTES
        full = self.chunk_size + TAG
        chunks = -(-body // full)
        rest = body - (chunks - 1) * full if chunks else 0
        if rest < TAG or (rest == TAG and chunks > 1):
            raise SealBroken(self._where, reason="cut off")
        return chunks, body - chunks * TAG

    def _open_chunk(self, number: int) -> bytes:
        if number == self._number:
            return self._chunk
        self._stream.seek(HEAD_BYTES + number * (self.chunk_size + TAG))
        sealed = _read_full(self._stream, self.chunk_size + TAG)
        nonce = _nonce(self._prefix, number, last=number == self._chunks - 1)
        try:
            self._chunk = self._aead.decrypt(nonce, sealed, self._about)
        except BadTag:
            raise SealBroken(self._where, reason=f"chunk {number}") from None
        self._number = number
        return self._chunk

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError(f"before the beginning: {offset}")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """At most to the end of one chunk; 0 at the end."""
        if self._at >= self.size or not len(buffer):
            return 0
        number, start = divmod(self._at, self.chunk_size)
        piece = memoryview(self._open_chunk(number))[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        """Everything from here to the end."""
        pieces = []
        while self._at < self.size:
            number, start = divmod(self._at, self.chunk_size)
            pieces.append(self._open_chunk(number)[start:])
            self._at += len(pieces[-1])
        return b"".join(pieces)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


# Wrapped keys -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """The data key of an object as it is kept: encrypted with a master key."""

    object_id: str
    key_id: str  # hex of DataKey.id
    algorithm: str  # name in ALGORITHMS
    master: str  # id of the master key
    wrapped: str  # hex
    made_at: str  # RFC 3339

    def to_bytes(self) -> bytes:
        """As a small file."""
        return json.dumps(asdict(self), sort_keys=True, indent=1).encode() + b"\n"

    @classmethod
    def read(cls, content: bytes, where: str) -> Self:
        """Raises KeyLost for what is no wrapped key."""
        try:
            return cls(**json.loads(content))
        except (ValueError, TypeError) as error:
            raise KeyLost(where, reason=type(error).__name__) from None

    def about(self) -> bytes:
        """What the wrapping binds beside the key: it unwraps for this object only."""
        return f"liandong data key 1\n{self.object_id}\n{self.key_id}\n{self.algorithm}".encode()

    def opened(self, secret: bytes) -> DataKey:
        """The data key, once unwrapped."""
        return DataKey(bytes.fromhex(self.key_id), ALGORITHMS[self.algorithm], secret)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """What may be told of a master key."""

    id: str
    algorithm: str  # name in ALGORITHMS
    made_at: str  # RFC 3339
    state: str  # current: wraps new data keys; former: still opens; destroyed
