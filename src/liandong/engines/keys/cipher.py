"""AES-256-GCM and SM4-GCM of OpenSSL, through `cryptography`.  Not a certified product."""

import cryptography
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from liandong.kernel.sealed import AES, SM4, TAG, Aead, BadTag, Buffer


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

    def encrypt(self, nonce: bytes, data: Buffer, about: bytes, out: Buffer, /) -> None:
        self._cipher.encrypt_into(nonce, data, about, out)

    def decrypt(self, nonce: bytes, data: Buffer, about: bytes, out: Buffer, /) -> None:
        try:
            self._cipher.decrypt_into(nonce, data, about, out)
        except InvalidTag:
            raise BadTag from None


class _Sm4Gcm:
    def __init__(self, key: bytes) -> None:
        self._key = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: Buffer, about: bytes, out: Buffer, /) -> None:
        cipher, view = Cipher(self._key, modes.GCM(nonce)).encryptor(), memoryview(out)
        cipher.authenticate_additional_data(about)
        size = cipher.update_into(data, view)
        cipher.finalize()
        view[size:] = cipher.tag

    def decrypt(self, nonce: bytes, data: Buffer, about: bytes, out: Buffer, /) -> None:
        view = memoryview(data)
        if len(view) < TAG:
            raise BadTag
        cipher = Cipher(self._key, modes.GCM(nonce, bytes(view[-TAG:]))).decryptor()
        cipher.authenticate_additional_data(about)
        try:
            cipher.update_into(view[:-TAG], out)
            cipher.finalize()
        except InvalidTag:
            raise BadTag from None
