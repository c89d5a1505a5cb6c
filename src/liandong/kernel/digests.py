"""SHA-512, SHA-256 and SM3 of the same bytes in one read.  Knows files, no package.

One thread: a helper thread for SM3, the slowest, gave 0.9 to 1.4 times the speed on an idle pair
of cores and nothing when both were busy, as they are when files come in in parallel (ADR 0010).
Source: GB/T 32905-2016 (SM3); FIPS 180-4.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

_BLOCK = 1 << 20
SM3_OF_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905 A.1


class Digests(NamedTuple):
    """What one read of a content found: digests in lower-case hex, and its size."""

    sha512: str
    sha256: str
    sm3: str
    size: int  # bytes


class Hash(Protocol):
    """What hashlib objects and the fallback have in common."""

    def update(self, content: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


def digest_file(path: Path) -> Digests:
    """Digests of a file.  Raises OSError."""
    with path.open("rb", buffering=0) as stream:
        return _digest(stream, None, os.fstat(stream.fileno()).st_size)


def digest_stream(stream: BinaryIO) -> Digests:
    """Digests of everything that is left in a stream."""
    return _digest(stream, None, _BLOCK)


def digest_bytes(content: bytes) -> Digests:
    """Digests of bytes that are in memory."""
    sm3 = new_sm3()
    sm3.update(content)
    return Digests(
        hashlib.sha512(content).hexdigest(),
        hashlib.sha256(content).hexdigest(),
        sm3.hexdigest(),
        len(content),
    )


def copy_with_digests(source: Path | BinaryIO, target: Path, *, sync: bool = False) -> Digests:
    """Copy to a new file and return the digests of what was written: one read, one write.

    Raises FileExistsError when the target is there.  After any error no target is left.  With
    `sync` the content is on the disk when this returns; its name in the folder is the caller's.
    """
    with ExitStack() as stack:
        stream = stack.enter_context(source.open("rb", 0)) if isinstance(source, Path) else source
        size = os.fstat(stream.fileno()).st_size if isinstance(source, Path) else _BLOCK
        copy = stack.enter_context(target.open("xb", buffering=0))
        try:
            digests = _digest(stream, copy, size)
            if sync:
                os.fsync(copy.fileno())
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    if isinstance(source, Path):
        shutil.copystat(source, target, follow_symlinks=True)
        target.chmod(0o644)
    return digests


def new_sm3() -> Hash:
    """A fresh SM3: of OpenSSL when it has one that passes the self-test, else our own."""
    return hashlib.new("sm3") if _has_sm3() else PlainSm3()


@cache
def _has_sm3() -> bool:
    try:
        return hashlib.new("sm3", b"abc").hexdigest() == SM3_OF_ABC
    except ValueError:
        return False


def _digest(stream: BinaryIO, copy: BinaryIO | None, size: int) -> Digests:
    sha512, sha256, sm3 = hashlib.sha512(), hashlib.sha256(), new_sm3()
    total = 0
    blocks = _blocks(stream, min(_BLOCK, max(size, 1)))
    for block in blocks:
        sha512.update(block)
        sha256.update(block)
        sm3.update(block)
        if copy is not None:
            _write(copy, block)
        total += len(block)
    return Digests(sha512.hexdigest(), sha256.hexdigest(), sm3.hexdigest(), total)


def _write(copy: BinaryIO, block: memoryview) -> None:
    written = copy.write(block)  # a raw file may take less than it was given
    while written < len(block):
        written += copy.write(block[written:])


def _blocks(stream: BinaryIO, length: int) -> Iterator[memoryview]:
    while block := stream.read(length):
        yield memoryview(block)


# SM3 without OpenSSL: some tens of kB/s, so that nothing stops where a system lacks it ------------

_MASK = 0xFFFFFFFF
_START = (
    0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E,
)  # fmt: skip


class PlainSm3:
    """SM3 in plain Python.  Source: GB/T 32905-2016, 5."""

    def __init__(self) -> None:
        self._state: tuple[int, ...] = _START
        self._rest = b""
        self._size = 0

    def update(self, content: bytes | memoryview, /) -> None:
        """Add content."""
        self._size += len(content)
        joined = self._rest + bytes(content)
        whole = len(joined) // 64 * 64
        for start in range(0, whole, 64):
            self._state = _compress(self._state, joined[start : start + 64])
        self._rest = joined[whole:]

    def hexdigest(self) -> str:
        """The digest so far, 64 hex digits."""
        pad = b"\x80" + b"\0" * ((55 - self._size) % 64) + (self._size * 8).to_bytes(8, "big")
        state = self._state
        ending = self._rest + pad
        for start in range(0, len(ending), 64):
            state = _compress(state, ending[start : start + 64])
        return "".join(f"{word:08x}" for word in state)


def _turn(word: int, by: int) -> int:
    by %= 32
    return (word << by | word >> (32 - by)) & _MASK


def _expand(block: bytes) -> list[int]:
    words = [int.from_bytes(block[at : at + 4], "big") for at in range(0, 64, 4)]
    for at in range(16, 68):
        mixed = words[at - 16] ^ words[at - 9] ^ _turn(words[at - 3], 15)
        mixed ^= _turn(mixed, 15) ^ _turn(mixed, 23)
        words.append(mixed ^ _turn(words[at - 13], 7) ^ words[at - 6])
    return words


def _compress(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    words = _expand(block)
    a, b, c, d, e, f, g, h = state
    for at in range(64):
        early = at < 16
        constant = _turn(0x79CC4519 if early else 0x7A879D8A, at)
        first = _turn((_turn(a, 12) + e + constant) & _MASK, 7)
        second = first ^ _turn(a, 12)
        ff = a ^ b ^ c if early else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if early else (e & f) | (~e & g)
        one = (ff + d + second + (words[at] ^ words[at + 4])) & _MASK
        two = (gg + h + first + words[at]) & _MASK
        a, b, c, d = one, a, _turn(b, 9), c
        e, f, g, h = two ^ _turn(two, 9) ^ _turn(two, 17), e, _turn(f, 19), g
    return tuple(old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))
