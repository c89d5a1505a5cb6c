"""AES-256-GCM and SM4-GCM of OpenSSL, through `cryptography`.  Not a certified product."""

import cryptography
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from liandong.kernel.sealed import AES, SM4, TAG, Aead, BadTag


class OpensslCipher:
    """The cipher port in software."""

    is_certified = False
    module = f"OpenSSL, cryptography {cryptography.__version__}"

    def aead(self, algorithm: str, key: bytes) -> Aead:
        """AES-256-GCM for `aes`, SM4-GCM for `sm4`.  Raises ValueError for another size of key."""
        sizes = {AES.name: AES.key_bytes, SM4.name: SM4.key_bytes}
        if len(key) != sizes[algorithm]:
            raise ValueError(f"{algorithm} takes {sizes[algorithm]} bytes, not {len(key)}")
        return _AesGcm(key) if algorithm == AES.name else _Sm4Gcm(key)


class _AesGcm:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encrypt(self, nonce: bytes, data: bytes | memoryview, about: bytes, /) -> bytes:
        return self._cipher.encrypt(nonce, data, about)

    def decrypt(self, nonce: bytes, data: bytes | memoryview, about: bytes, /) -> bytes:
        try:
            return self._cipher.decrypt(nonce, data, about)
        except InvalidTag:
            raise BadTag from None


class _Sm4Gcm:
    def __init__(self, key: bytes) -> None:
        self._key = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes | memoryview, about: bytes, /) -> bytes:
        cipher = Cipher(self._key, modes.GCM(nonce)).encryptor()
        cipher.authenticate_additional_data(about)
        return cipher.update(data) + cipher.finalize() + cipher.tag

    def decrypt(self, nonce: bytes, data: bytes | memoryview, about: bytes, /) -> bytes:
        body, tag = data[:-TAG], bytes(data[-TAG:])
        if len(tag) != TAG:
            raise BadTag
        cipher = Cipher(self._key, modes.GCM(nonce, tag)).decryptor()
        cipher.authenticate_additional_data(about)
        try:
            return cipher.update(body) + cipher.finalize()
        except InvalidTag:
            raise BadTag from None
