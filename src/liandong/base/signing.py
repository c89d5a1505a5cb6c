"""Detached signatures of this installation, and the words that pages owe their readers."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from liandong.kernel.signatures import Signature, TimeStamp

from .engines import engine


def sign_detached(content: bytes, *, now: datetime) -> dict[str, Any]:
    """What `signature.json` beside `content` says: signature, time stamp, and what they are worth.

    Raises OSError when the key cannot be had.
    """
    signer, stamper = engine("signer"), engine("time_stamper")
    return {
        "signature": signer.sign(content).to_json(),
        "time_stamp": stamper.stamp(content, now=now).to_json(),
        "module": signer.module,
        "is_certified": signer.is_certified,
        "notice": notice(),
    }


def verify_detached(content: bytes, known: dict[str, Any]) -> bool:
    """Whether this installation made this `signature.json` for `content`; malformed is False."""
    try:
        signature = Signature.read(known["signature"])
        stamp = TimeStamp.read(known["time_stamp"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    signed = engine("signer").verify(content, signature)
    return signed and engine("time_stamper").verify(content, stamp)


def notice() -> str:
    """What must stand beside a signature of ours, "" when nothing must."""
    words = []
    if not engine("signer").is_certified:
        words.append(_("签名由软件密码模块生成，非商用密码认证产品。"))
    if not engine("time_stamper").is_trusted:
        words.append(_("时间取自本机时钟，非可信时间戳。"))
    return "".join(words)
