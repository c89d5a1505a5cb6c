"""Sealed files: the container in which an encrypted object keeps each of its contents.

    magic "LDSEALED" · version 1 · algorithm · log2 of the chunk size · 0 · id of the data key (16)
    · salt (16) · nonce prefix (7)                                        = 51 bytes of head
    chunk · tag (16) · chunk · tag · …                     every chunk full but, it may be, the last

Each file has a key of its own: HMAC of the object's data key over the salt.  The nonce of a chunk
is prefix ‖ number (4) ‖ 1 when it is the last, else 0; its associated data are the head, the id of
the object and the content path.  So a byte that changes, a file that ends early or goes on, chunks
in another order and a file in another place or of another object are all found, and any chunk
opens alone.  An empty content is one empty chunk.

Knows no cipher: `engines/keys` gives it.  Docs: docs/operate/encryption.md, ADR 0140.
Source: GB/T 32907-2016 (SM4); GB/T 17964-2021 and NIST SP 800-38D (GCM).
"""

import hmac
import io
import json
import secrets
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import BinaryIO, Final, NamedTuple, Protocol, Self, TypeAlias, cast

from .digests import new_sm3
from .seekable import SizedStream

MAGIC = b"LDSEALED"
VERSION = 1
TAG = 16  # bytes
_HEAD = struct.Struct(">8sBBBB16s16s7s")
_LOGS = range(6, 25)
_MOST_CHUNKS = 1 << 32
_INFO = b"liandong sealed file 1"
_BLOCK = 64  # bytes, of SM3
_INNER, _OUTER = (bytes(one ^ pad for one in range(256)) for pad in (0x36, 0x5C))  # RFC 2104


class Algorithm(NamedTuple):
    """An authenticated cipher by its name in settings, and its number in the container."""

    name: str  # aes, sm4
    number: int
    key_bytes: int
    chunk_log: int  # of new containers: large for speed, small for reading a part
    words: str  # as descriptors and pages name it


AES: Final = Algorithm("aes", 1, 32, 17, "AES-256-GCM")
SM4: Final = Algorithm("sm4", 2, 16, 16, "SM4-GCM")
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


Buffer: TypeAlias = bytes | bytearray | memoryview


class Aead(Protocol):
    """An authenticated cipher with its key; nonces have 12 bytes, the tag is at the end."""

    def encrypt(self, nonce: bytes, data: Buffer, about: bytes, out: Buffer, /) -> None:
        """Fill `out`, which is TAG bytes longer than `data`."""
        ...

    def decrypt(self, nonce: bytes, data: Buffer, about: bytes, out: Buffer, /) -> None:
        """Fill `out`, which is TAG bytes shorter than `data`.

        Raises BadTag, and then `out` is worthless.
        """
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


def sealed_size(size: int, chunk_log: int) -> int:
    """Bytes of the container of so many bytes."""
    chunks = max(1, -(-size >> chunk_log))
    return HEAD_BYTES + size + chunks * TAG


# Writing ------------------------------------------------------------------------------------------


class Readable(Protocol):
    """All that sealing asks of a stream."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


def seal(
    source: Readable,
    write: Callable[[memoryview], object],
    key: DataKey,
    place: Place,
    make: MakeAead,
    chunk_log: int = 0,
) -> None:
    """Write the container of everything that is left in `source`.

    `write` is given one piece after the other; a piece is good until the next one comes.  Without
    `chunk_log`, that of the algorithm.
    """
    chunk_log = chunk_log or key.algorithm.chunk_log
    head = Head(key.algorithm, chunk_log, key.id, secrets.token_bytes(16), secrets.token_bytes(7))
    written = head.to_bytes()
    aead, about = make(key.algorithm.name, _file_key(key, head.salt)), written + place.to_bytes()
    write(memoryview(written))
    size, number = 1 << chunk_log, 0
    chunk = memoryview(bytearray(size))
    held = _fill(source, chunk)
    out = memoryview(bytearray(held + TAG))
    ahead = memoryview(bytearray(size if held == size else 0))
    while True:
        following = _fill(source, ahead) if held == size else 0
        nonce = _nonce(head.prefix, number, last=not following)
        piece = out[: held + TAG]
        aead.encrypt(nonce, chunk[:held], about, piece)
        write(piece)
        if not following:
            return
        chunk, ahead, held, number = ahead, chunk, following, number + 1


def seal_bytes(
    content: bytes, key: DataKey, place: Place, make: MakeAead, chunk_log: int = 0
) -> bytes:
    """The container of bytes that are in memory."""
    out = io.BytesIO()
    seal(io.BytesIO(content), out.write, key, place, make, chunk_log)
    return out.getvalue()


def _fill(source: Readable, buffer: memoryview) -> int:
    """Fill the buffer, less only at the end: a raw stream may give less at a time."""
    filled = 0
    while filled < len(buffer) and (count := source.readinto(buffer[filled:])):
        filled += count
    return filled


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    if number >= _MOST_CHUNKS:
        raise OverflowError("more chunks than a nonce can number")
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _file_key(key: DataKey, salt: bytes) -> bytes:
    """HMAC of the data key over the salt, by the digest of the same family as the cipher."""
    if key.algorithm != SM4:
        return hmac.digest(key.secret, _INFO + salt, "sha256")[: key.algorithm.key_bytes]
    padded = key.secret.ljust(_BLOCK, b"\0")
    inner = _sm3(padded.translate(_INNER) + _INFO + salt)
    return _sm3(padded.translate(_OUTER) + inner)[: key.algorithm.key_bytes]


def _sm3(content: bytes) -> bytes:
    digest = new_sm3()
    digest.update(content)
    return bytes.fromhex(digest.hexdigest())


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


class _Reader(SizedStream):
    """The plain content; keeps the chunk of which only a part was asked for."""

    def __init__(self, stream: BinaryIO, key: DataKey, place: Place, make: MakeAead) -> None:
        self._stream = stream
        self._where = f"{place.object_id}/{place.path}"
        written = stream.read(HEAD_BYTES)
        head = Head.read(written, self._where)
        if head.key_id != key.id or head.algorithm != key.algorithm:
            raise WrongKey(self._where)
        self._about = written + place.to_bytes()
        self._aead = make(key.algorithm.name, _file_key(key, head.salt))
        self._prefix = head.prefix
        self.chunk_size = 1 << head.chunk_log
        self._chunks, self.size = self._measure()
        self._sealed = memoryview(bytearray(min(self.chunk_size, self.size) + TAG))
        self._number, self._chunk = -1, memoryview(bytearray(len(self._sealed) - TAG))
        self._keep(self._chunks - 1)

    def _measure(self) -> tuple[int, int]:
        """Number of chunks and bytes of content, by the length of the container."""
        body = self._stream.seek(0, io.SEEK_END) - HEAD_BYTES
        full = self.chunk_size + TAG
        chunks = -(-body // full)
        rest = body - (chunks - 1) * full if chunks else 0
        if rest < TAG or (rest == TAG and chunks > 1):
            raise SealBroken(self._where, reason="cut off")
        return chunks, body - chunks * TAG

    def _length(self, number: int) -> int:
        """Bytes of content in a chunk."""
        return min(self.chunk_size, self.size - number * self.chunk_size)

    def _open_chunk(self, number: int, out: memoryview) -> None:
        """Decrypt a chunk into `out`, which has its length."""
        self._stream.seek(HEAD_BYTES + number * (self.chunk_size + TAG))
        sealed = self._sealed[: len(out) + TAG]
        if _fill(cast("Readable", self._stream), sealed) != len(sealed):
            raise SealBroken(self._where, reason="cut off")
        nonce = _nonce(self._prefix, number, last=number == self._chunks - 1)
        try:
            self._aead.decrypt(nonce, sealed, self._about, out)
        except BadTag:
            raise SealBroken(self._where, reason=f"chunk {number}") from None

    def _keep(self, number: int) -> memoryview:
        """The content of a chunk; the one asked for last is not decrypted again."""
        length = self._length(number)
        if number != self._number:
            self._number = -1
            self._open_chunk(number, self._chunk[:length])
            self._number = number
        return self._chunk[:length]

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Whole chunks go straight into the buffer; a part of one ends the read, as a raw may."""
        out, filled = memoryview(buffer).cast("B"), 0
        while self.at < self.size and filled < len(out):
            number, start = divmod(self.at, self.chunk_size)
            room, length = len(out) - filled, self._length(number)
            if start == 0 and length <= room and number != self._number:
                self._open_chunk(number, out[filled : filled + length])
            else:
                piece = self._keep(number)[start : start + room]
                out[filled : filled + len(piece)] = piece
                self.at += len(piece)
                return filled + len(piece)
            self.at += length
            filled += length
        return filled

    def readall(self) -> bytes:
        """Everything from here to the end."""
        content = bytearray(max(0, self.size - self.at))
        _fill(self, memoryview(content))
        return bytes(content)

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
