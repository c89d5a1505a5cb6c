"""The container of sealed files: what went in comes out, and nothing else ever does."""

import hashlib
import hmac
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.engines.keys.cipher import OpensslCipher
from liandong.kernel.sealed import (
    AES,
    HEAD_BYTES,
    SM4,
    TAG,
    Algorithm,
    CannotOpen,
    DataKey,
    Place,
    SealBroken,
    WrongKey,
    _file_key,
    open_sealed,
    seal,
    seal_bytes,
    sealed_size,
)

MAKE = OpensslCipher().aead
LOG = 6  # chunks of 64 bytes
CHUNK = 1 << LOG
PLACE = Place("urn:uuid:1", "v1/content/original/0001.sealed")
KEYS = {one: DataKey.new(one) for one in (AES, SM4)}
ALGORITHMS = st.sampled_from([AES, SM4])


def sealed(
    content: bytes, algorithm: Algorithm = AES, log: int = LOG, place: Place = PLACE
) -> bytes:
    return seal_bytes(content, KEYS[algorithm], place, MAKE, log)


def opened(container: bytes, algorithm: Algorithm = AES, place: Place = PLACE) -> bytes:
    with open_sealed(io.BytesIO(container), KEYS[algorithm], place, MAKE) as stream:
        return stream.read()


near_boundaries = st.tuples(st.integers(0, 5), st.integers(-2, 2)).map(
    lambda pair: max(0, pair[0] * CHUNK + pair[1])
)


@given(algorithm=ALGORITHMS, log=st.integers(6, 12), content=st.binary(max_size=700))
def test_what_was_sealed_comes_out_whatever_the_chunk(
    algorithm: Algorithm, log: int, content: bytes
) -> None:
    container = sealed(content, algorithm, log)
    assert opened(container, algorithm) == content
    assert len(container) == sealed_size(len(content), log)


@given(algorithm=ALGORITHMS, size=near_boundaries)
def test_lengths_near_the_end_of_a_chunk(algorithm: Algorithm, size: int) -> None:
    content = bytes(at % 251 for at in range(size))
    container = sealed(content, algorithm)
    assert opened(container, algorithm) == content
    assert len(container) == sealed_size(size, LOG)


@given(size=near_boundaries, start=st.integers(0, 400), length=st.integers(0, 200))
def test_any_range_reads_as_from_the_plain_file(size: int, start: int, length: int) -> None:
    content = bytes(at % 251 for at in range(size))
    plain = io.BytesIO(content)
    with open_sealed(io.BytesIO(sealed(content)), KEYS[AES], PLACE, MAKE) as stream:
        for whence, offset in ((io.SEEK_SET, start), (io.SEEK_END, -min(length, size))):
            assert stream.seek(offset, whence) == plain.seek(offset, whence)
            assert stream.read(length) == plain.read(length)
            assert stream.tell() == plain.tell()
        assert stream.read() == plain.read()


class Dripping(io.RawIOBase):
    """A raw stream that gives less than it is asked for."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readinto(self, buffer: memoryview, /) -> int:
        return self._rest.readinto(buffer[:7])


def test_a_source_that_gives_little_at_a_time_is_sealed_whole() -> None:
    content = bytes(300)
    dripping, out = Dripping(content), io.BytesIO()
    seal(dripping, out.write, KEYS[AES], PLACE, MAKE, LOG)
    assert opened(out.getvalue()) == content


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("algorithm", [AES, SM4])
def test_no_byte_can_change(algorithm: Algorithm, size: int) -> None:
    container = sealed(bytes(size), algorithm)
    for at in range(len(container)):
        changed = bytearray(container)
        changed[at] ^= 0x01
        with pytest.raises(CannotOpen):
            opened(bytes(changed), algorithm)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_no_end_can_be_cut_off_and_nothing_added(size: int) -> None:
    container = sealed(bytes(size))
    for length in range(len(container)):
        with pytest.raises(SealBroken):
            opened(container[:length])
    for more in (b"\0", bytes(TAG), bytes(CHUNK + TAG), container[HEAD_BYTES:]):
        with pytest.raises(SealBroken):
            opened(container + more)


def chunks_of(container: bytes) -> tuple[bytes, list[bytes]]:
    head, body = container[:HEAD_BYTES], container[HEAD_BYTES:]
    return head, [body[at : at + CHUNK + TAG] for at in range(0, len(body), CHUNK + TAG)]


@pytest.mark.parametrize(
    "reorder",
    [
        lambda parts: [parts[1], parts[0], *parts[2:]],
        lambda parts: [parts[0], parts[0], *parts[2:]],
        lambda parts: parts[:-1],
        lambda parts: [*parts[:-1], parts[-2], parts[-1]],
        lambda parts: parts[1:],
    ],
    ids=["swapped", "repeated", "last dropped", "one more", "first dropped"],
)
def test_chunks_keep_their_order(reorder: Callable[[list[bytes]], list[bytes]]) -> None:
    head, parts = chunks_of(sealed(bytes(range(256))))
    with pytest.raises(SealBroken):
        opened(head + b"".join(reorder(parts)))


def test_chunks_of_two_files_of_one_object_do_not_mix() -> None:
    head, one = chunks_of(sealed(bytes(200)))
    _, other = chunks_of(sealed(bytes(200)))
    with pytest.raises(SealBroken):
        opened(head + one[0] + b"".join(other[1:]))


@pytest.mark.parametrize(
    "place",
    [
        Place("urn:uuid:2", PLACE.path),
        Place(PLACE.object_id, "v2/content/original/0001.sealed"),
        Place(PLACE.object_id, "v1/content/original/0002.sealed"),
        Place(f"{PLACE.object_id}\nv1", "content/original/0001.sealed"),
    ],
    ids=["object", "version", "path", "shifted border"],
)
def test_a_file_opens_in_its_own_place_only(place: Place) -> None:
    with pytest.raises(SealBroken):
        opened(sealed(b"abc"), place=place)


def test_another_key_is_told_from_changed_bytes() -> None:
    with (
        pytest.raises(WrongKey),
        open_sealed(io.BytesIO(sealed(b"abc")), DataKey.new(AES), PLACE, MAKE),
    ):
        pass
    false = DataKey(KEYS[AES].id, AES, bytes(32))
    with pytest.raises(SealBroken), open_sealed(io.BytesIO(sealed(b"abc")), false, PLACE, MAKE):
        pass
    with pytest.raises(WrongKey):
        opened(sealed(b"abc", SM4), AES)


def test_a_broken_middle_gives_what_is_before_it_and_never_false_bytes() -> None:
    content = bytes(range(256)) * 2
    container = bytearray(sealed(content))
    container[HEAD_BYTES + 3 * (CHUNK + TAG)] ^= 1
    with open_sealed(io.BytesIO(bytes(container)), KEYS[AES], PLACE, MAKE) as stream:
        assert stream.read(3 * CHUNK) == content[: 3 * CHUNK]
        with pytest.raises(SealBroken, match="chunk 3"):
            stream.read(1)


def test_the_same_content_is_never_the_same_container() -> None:
    one, other = sealed(bytes(300)), sealed(bytes(300))
    assert not {*chunks_of(one)[1]} & {*chunks_of(other)[1]}
    assert one[:HEAD_BYTES] != other[:HEAD_BYTES]


def test_what_is_no_container_is_said_to_be_none() -> None:
    for content in (b"", b"%PDF-1.7" + bytes(200), bytes(HEAD_BYTES + TAG)):
        with pytest.raises(SealBroken):
            opened(content)


def test_the_secret_of_a_key_is_never_printed() -> None:
    assert KEYS[AES].secret.hex() not in repr(KEYS[AES])
    assert repr(KEYS[AES].secret) not in repr(KEYS[AES])


def test_the_stream_is_closed_with_its_file_and_when_it_cannot_be_opened() -> None:
    good, bad = io.BytesIO(sealed(b"abc")), io.BytesIO(b"abc")
    open_sealed(good, KEYS[AES], PLACE, MAKE).close()
    with pytest.raises(SealBroken):
        open_sealed(bad, KEYS[AES], PLACE, MAKE)
    assert good.closed
    assert bad.closed


@pytest.mark.parametrize(
    ("algorithm", "container"),
    [
        (
            AES,
            "4c445345414c454401011100000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e"
            "0f00010203040506094d38826fa45ebbe04b4b02f87c782d394d95",
        ),
        (
            SM4,
            "4c445345414c454401021000000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e"
            "0f0001020304050660c43557ef5b7be56115affc704c34ca2d4955",
        ),
    ],
)
def test_a_container_of_today_opens_for_ever(algorithm: Algorithm, container: str) -> None:
    key = DataKey(bytes(range(16)), algorithm, bytes(range(algorithm.key_bytes)))
    with open_sealed(io.BytesIO(bytes.fromhex(container)), key, PLACE, MAKE) as stream:
        assert stream.read() == b"abc"


def test_the_key_of_a_file_is_an_hmac_of_the_family_of_its_cipher() -> None:
    salt, said = bytes(range(16)), b"liandong sealed file 1"
    for algorithm, name in ((AES, "sha256"), (SM4, "sm3")):
        key = DataKey.new(algorithm)
        expected = hmac.new(key.secret, said + salt, lambda data=b"", n=name: hashlib.new(n, data))
        assert _file_key(key, salt) == expected.digest()[: algorithm.key_bytes]
