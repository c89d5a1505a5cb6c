"""Signatures of event notices: made and checked by the same few lines."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel import webhooks
from liandong.kernel.digests import PlainSm3
from liandong.kernel.webhooks import REPLAY_S, secret_bytes, secret_text, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOTICE, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'


def _verify(
    signature: str, *, body: bytes = BODY, timestamp: str = str(AT), now: int = AT,
    notice: str = NOTICE, secrets: tuple[str, ...] = (SECRET,),
) -> bool:  # fmt: skip
    return verify(
        secrets, notice=notice, timestamp=timestamp, signature=signature, body=body, now=now
    )


def test_a_signature_is_that_of_the_published_example() -> None:
    made = sign("hmac-sha256", SECRET, notice=NOTICE, at=AT, body=BODY)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sm3"])
@given(body=st.binary(max_size=200), key=st.binary(min_size=1, max_size=150))
def test_what_was_signed_is_verified(algorithm: str, body: bytes, key: bytes) -> None:
    secret = secret_text(key)
    signature = sign(algorithm, secret, notice=NOTICE, at=AT, body=body)
    assert _verify(signature, body=body, secrets=(secret,))
    assert not _verify(signature, body=body + b" ", secrets=(secret,))


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sm3"])
def test_another_notice_time_or_secret_is_not_verified(algorithm: str) -> None:
    signature = sign(algorithm, SECRET, notice=NOTICE, at=AT, body=BODY)
    other = secret_text(b"another key")
    assert _verify(signature)
    assert not _verify(signature, notice="msg_other")
    assert not _verify(signature, timestamp=str(AT + 1))
    assert not _verify(signature, secrets=(other,))


def test_a_notice_is_taken_only_within_the_window() -> None:
    signature = sign("hmac-sha256", SECRET, notice=NOTICE, at=AT, body=BODY)
    assert _verify(signature, now=AT + REPLAY_S)
    assert _verify(signature, now=AT - REPLAY_S)
    assert not _verify(signature, now=AT + REPLAY_S + 1)
    assert not _verify(signature, now=AT - REPLAY_S - 1)


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "1e9", "１６１４２６５３３０", "9" * 20])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    signature = sign("hmac-sha256", SECRET, notice=NOTICE, at=AT, body=BODY)
    assert not _verify(signature, timestamp=timestamp)


def test_one_of_several_signatures_is_enough_and_unknown_versions_are_passed_over() -> None:
    mine = sign("hmac-sha256", SECRET, notice=NOTICE, at=AT, body=BODY)
    assert _verify(f"v1a,AAAA v1,AAAA {mine}")
    assert not _verify("v1a,AAAA v1,AAAA")
    assert not _verify("")


def test_the_secret_before_a_rotation_still_verifies_beside_the_new_one() -> None:
    signature = sign("hmac-sha256", SECRET, notice=NOTICE, at=AT, body=BODY)
    assert _verify(signature, secrets=(secret_text(b"new"), SECRET))


def test_hmac_sm3_is_the_same_with_and_without_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = [webhooks._hmac_sm3(b"k" * size, b"content") for size in (1, 64, 65, 200)]
    monkeypatch.setattr(webhooks, "new_sm3", PlainSm3)
    assert [webhooks._hmac_sm3(b"k" * size, b"content") for size in (1, 64, 65, 200)] == usual


def test_a_secret_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no secret"):
        secret_bytes("whsec_!!!")
    assert secret_bytes(SECRET) == base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
