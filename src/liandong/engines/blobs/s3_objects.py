"""Single objects of a bucket by key, over obstore, with the errors of the blob port."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from liandong.kernel.ports import StoreUnavailable

from .keys import PARTIAL
from .s3_bucket import Access
from .s3_local import BLOCK, Piece

if TYPE_CHECKING:
    from obstore.store import S3Config

_LARGE: Final = 16 << 20  # bytes; larger files are sent in parts of this size
_LONGEST_KEY: Final = 1024  # bytes of UTF-8, of S3


class Objects:
    """The objects under the prefix of a bucket.

    A request waits `timeout_s` and is tried again for `retry_s` at most; then StoreUnavailable.
    """

    def __init__(self, access: Access, *, timeout_s: float, retry_s: float) -> None:
        self._access = access
        config: S3Config = {
            "region": access.region,
            "virtual_hosted_style_request": not access.endpoint,
        }
        if access.endpoint:
            config["endpoint"] = access.endpoint
        if access.key:  # else as the machine says
            config["access_key_id"], config["secret_access_key"] = access.key, access.secret
        self._store = S3Store(
            access.bucket,
            prefix=access.prefix or None,
            config=config,
            client_options={
                "timeout": timedelta(seconds=timeout_s),
                "connect_timeout": timedelta(seconds=5),
                "allow_http": access.endpoint.startswith("http://"),
            },
            retry_config={
                "max_retries": 5,
                "retry_timeout": timedelta(seconds=retry_s),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
        )

    def has(self, key: str) -> bool:
        """Whether there is an object."""
        try:
            self.head(key)
        except FileNotFoundError:
            return False
        return True

    def head(self, key: str) -> tuple[int, str]:
        """Size and ETag.  Raises FileNotFoundError."""
        with self._speaking(key):
            known = obstore.head(self._store, key)
        return known["size"], known["e_tag"] or ""

    def read(self, key: str) -> bytes:
        """All bytes.  Raises FileNotFoundError."""
        with self._speaking(key):
            return bytes(obstore.get(self._store, key).bytes())

    def beginning(self, key: str) -> Piece:
        """The first block, and size and ETag, by one request.  Raises FileNotFoundError."""
        with self._speaking(key):
            try:
                got = obstore.get(self._store, key, options={"range": (0, BLOCK)})
            except (NotFoundError, FileNotFoundError):
                raise
            except BaseError:  # an empty object has no range
                size, etag = self.head(key)
                if size:
                    raise
                return Piece(0, etag, b"")
            return Piece(got.meta["size"], got.meta["e_tag"] or "", bytes(got.bytes()))

    def fetch(self, key: str, etag: str, start: int, end: int) -> bytes:
        """A range of the object with this ETag; another by now is an OSError (ESTALE)."""
        with self._speaking(key):
            options: obstore.GetOptions = {"range": (start, end)}
            if etag:
                options["if_match"] = etag
            return bytes(obstore.get(self._store, key, options=options).bytes())

    def copy_to(self, key: str, file: Path) -> None:
        """Write all bytes as a new local file."""
        with self._speaking(key), file.open("xb") as out:
            for block in obstore.get(self._store, key).stream(min_chunk_size=BLOCK):
                out.write(block)

    def listed(self, prefix: str = "") -> Iterator[str]:
        """Every key under the prefix as the server tells them; those that begin partial not."""
        inside = prefix.startswith(PARTIAL)
        with self._speaking(prefix):
            for chunk in obstore.list(self._store, prefix=prefix or None):
                for meta in chunk:
                    if inside or not meta["path"].startswith(PARTIAL):
                        yield meta["path"]

    def create(self, key: str, content: bytes | Path) -> None:
        """Write once.  Raises FileExistsError.  A large file is sent in parts."""
        large = isinstance(content, Path) and content.stat().st_size > _LARGE
        with self._speaking(key):
            if not large:
                obstore.put(self._store, key, content, mode="create", use_multipart=False)
                return
        if self.has(key):  # parts know no If-None-Match everywhere
            raise FileExistsError(errno.EEXIST, "already there", key)
        self.overwrite(key, content)

    def overwrite(self, key: str, content: bytes | Path) -> None:
        """Write or overwrite, at once for readers."""
        with self._speaking(key):
            obstore.put(self._store, key, content, chunk_size=_LARGE)

    def remove(self, keys: Sequence[str]) -> None:
        """Delete; nothing there is not an error."""
        if keys:
            with self._speaking(keys[0]):
                obstore.delete(self._store, keys)

    def ask(self) -> None:
        """One cheap request.  Raises OSError when the store is away or refuses."""
        with self._speaking(""):
            obstore.list_with_delimiter(self._store, prefix=PARTIAL + "none")

    def whole(self, key: str) -> str:
        """The key in the bucket.  Raises OSError (ENAMETOOLONG)."""
        whole = "/".join(filter(None, (self._access.prefix, key)))
        if len(whole.encode()) > _LONGEST_KEY:
            raise OSError(errno.ENAMETOOLONG, "键超过 1024 字节", key)
        return whole

    @contextmanager
    def _speaking(self, key: str) -> Iterator[None]:
        """What obstore raises, as the errors of the port."""
        try:
            yield
        except (NotFoundError, FileNotFoundError):
            raise FileNotFoundError(errno.ENOENT, "no such key", key) from None
        except AlreadyExistsError:
            raise FileExistsError(errno.EEXIST, "already there", key) from None
        except PreconditionError:
            raise OSError(errno.ESTALE, "对象在读取中被替换", key) from None
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise OSError(errno.EACCES, f"存储拒绝：{_told(error)}", key) from error
        except BaseError as error:
            place = self._access.endpoint or self._access.bucket
            text = f"存储不可用：{place}（{_told(error)}）"
            raise StoreUnavailable(errno.EIO, text, key) from error


def _told(error: BaseError) -> str:
    """The first lines of what obstore tells, without the dump behind them."""
    return " ".join(str(error).split("\n\n")[0].split())[:300]
