"""SM2 verification: the example of the standard, and agreement with GmSSL."""

import gmssl_pyx
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel import sm2

KEY = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA


def der(*numbers: int) -> bytes:
    parts = b""
    for number in numbers:
        body = number.to_bytes(40, "big").lstrip(b"\0") or b"\0"
        body = b"\0" * (body[0] >> 7) + body
        parts += bytes([2, len(body)]) + body
    return bytes([0x30, len(parts)]) + parts


def test_the_example_of_the_standard_verifies() -> None:
    assert sm2.verify(KEY, b"message digest", der(R, S))
    assert sm2.verify(b"\x04" + KEY, b"message digest", der(R, S))


def test_another_message_key_or_user_does_not() -> None:
    other, _ = gmssl_pyx.sm2_key_generate()
    assert not sm2.verify(KEY, b"message digesu", der(R, S))
    assert not sm2.verify(other, b"message digest", der(R, S))
    assert not sm2.verify(KEY, b"message digest", der(R, S), user_id=b"1234567812345679")


@given(content=st.binary(max_size=200), user=st.binary(min_size=1, max_size=40))
def test_what_gmssl_signs_verifies_here(content: bytes, user: bytes) -> None:
    public, private = gmssl_pyx.sm2_key_generate()
    value = gmssl_pyx.sm2_sign(private, public, content, signer_id=user)
    assert sm2.verify(public, content, value, user)


@given(at=st.integers(0, 71), flip=st.integers(1, 255))
def test_no_byte_of_a_signature_can_change(at: int, flip: int) -> None:
    whole = bytearray(der(R, S))
    whole[at % len(whole)] ^= flip
    assert not sm2.verify(KEY, b"message digest", bytes(whole))


def test_numbers_beyond_the_order_are_refused() -> None:
    for pair in ((0, S), (R, 0), (R + sm2.N, S), (R, S + sm2.N), (R, sm2.N - R), (sm2.N, S)):
        assert not sm2.verify(KEY, b"message digest", der(*pair)), pair


def test_a_signature_has_one_form_only() -> None:
    good = der(R, S)
    long = bytes([0x30, 0x81, len(good) - 2]) + good[2:]
    padded = b"\x30" + bytes([len(good) - 1]) + b"\x02\x22\0\0" + good[5:]
    for bad in (
        b"",
        b"\x30",
        good + b"\0",
        long,
        padded,
        der(R),
        der(R, S, 1),
        b"\x30\x02\x02\x00",
    ):
        assert not sm2.verify(KEY, b"message digest", bad), bad.hex()


def test_a_point_beside_the_curve_is_no_key() -> None:
    for bad in (b"", KEY[:-1], KEY[:-1] + b"\x14", b"\x03" + KEY, b"\xff" * 64, bytes(64)):
        assert not sm2.verify(bad, b"message digest", der(R, S)), bad.hex()
