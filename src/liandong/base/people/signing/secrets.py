"""Keys of second factors are stored encrypted: the database alone gives none of them away."""

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


def seal(text: str) -> str:
    """`text` encrypted under a key that is derived from the signing key of the installation."""
    return _box().encrypt(text.encode()).decode()


def unseal(text: str) -> str:
    """What `seal` sealed.

    Sealed under another key (the signing key was changed) it is lost: then something random comes
    back, with which no code is right, rather than something that can be guessed.
    """
    try:
        return _box().decrypt(text.encode()).decode()
    except InvalidToken:
        return base64.b32encode(secrets.token_bytes(20)).decode()


def _box() -> Fernet:
    key = hashlib.sha256(b"liandong.factors\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
