"""What obstore does not ask of a bucket: versions, Object Lock, and deleting every version.

Requests of the S3 REST API, path-style, signed by Signature Version 4.  Source: Amazon S3 API
Reference (2006-03-01); AWS General Reference, Signature Version 4.
"""

import errno
import hashlib
import hmac
import http.client
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

from liandong.kernel.ports import StoreUnavailable
from liandong.kernel.xml import read_tree

_AMAZON = "https://s3.{region}.amazonaws.com"
_TRIES = 3
_PAUSE_S = 0.5
_OK, _NOT_FOUND, _SERVER = 200, 404, 500


@dataclass(frozen=True, slots=True)
class Access:
    """Where a bucket is and who may use it."""

    bucket: str
    prefix: str  # of every key, "" for the bucket as a whole
    endpoint: str  # http(s)://host:port; "" for Amazon
    region: str
    key: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Protection:
    """What a bucket does against overwriting and deleting."""

    versions: str  # Enabled, Suspended, "" never
    lock: str  # default retention such as "COMPLIANCE 3650 Days", "Enabled" without one, "" none

    def __str__(self) -> str:
        return f"versioning {self.versions or '—'}, object lock {self.lock or '—'}"


class Bucket:
    """A bucket as a whole; every call raises OSError with what the server said."""

    def __init__(self, access: Access, timeout_s: float = 20) -> None:
        self._access = access
        self._endpoint = urlsplit(access.endpoint or _AMAZON.format(region=access.region))
        self._timeout_s = timeout_s

    def create(self, *, lock: bool = False) -> None:
        """Make the bucket; with `lock` it has versioning and Object Lock."""
        headers = {"x-amz-bucket-object-lock-enabled": "true"} if lock else {}
        self._ask("PUT", headers=headers)

    def protection(self) -> Protection:
        """What it does against overwriting and deleting."""
        versions = read_tree(self._ask("GET", query={"versioning": ""})).text_of("Status")
        return Protection(versions, self._lock())

    def _lock(self) -> str:
        status, content = self._answer("GET", "", {"object-lock": ""}, {})
        if status == _NOT_FOUND:  # ObjectLockConfigurationNotFoundError
            return ""
        if status != _OK:
            raise _refused(status, content)
        known = read_tree(content)
        rule = next((one for one in known.walk() if one.name == "DefaultRetention"), None)
        if rule is None:
            return known.text_of("ObjectLockEnabled")
        unit = "Days" if rule.text_of("Days") else "Years"
        return f"{rule.text_of('Mode')} {rule.text_of(unit)} {unit}"

    def versions(self, start: str) -> Iterator[tuple[str, str, bool]]:
        """Key, version and whether it is the newest, of every key of the bucket beginning so."""
        asked = {"versions": "", "prefix": start}
        while True:
            known = read_tree(self._ask("GET", query=asked))
            for one in known.children:
                if one.name in {"Version", "DeleteMarker"}:
                    newest = one.text_of("IsLatest") == "true"
                    yield one.text_of("Key"), one.text_of("VersionId"), newest
            if known.text_of("IsTruncated") != "true":
                return
            asked["key-marker"] = known.text_of("NextKeyMarker")
            asked["version-id-marker"] = known.text_of("NextVersionIdMarker")

    def delete_version(self, key: str, version: str) -> None:
        """Delete one version of a key for good; refused while Object Lock holds it."""
        self._ask("DELETE", key, {"versionId": version})

    # ----------------------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        status, content = self._answer(method, key, query or {}, headers or {})
        if status >= 300:
            raise _refused(status, content)
        return content

    def _answer(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        failure: OSError
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(_PAUSE_S * attempt)
            try:
                status, content = self._send(method, key, query, headers)
            except (OSError, http.client.HTTPException) as error:
                failure = StoreUnavailable(errno.EIO, f"存储不可用：{error}", self._access.bucket)
                failure.__cause__ = error
                continue
            if status < _SERVER:
                return status, content
            failure = _refused(status, content)
        raise failure

    def _send(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        path = quote(f"/{self._access.bucket}" + (f"/{key}" if key else ""), safe="/~-._")
        asked = urlencode(sorted(query.items()), quote_via=quote, safe="~-._")
        host = self._endpoint.netloc
        secure = self._endpoint.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        link = kind(host, timeout=self._timeout_s)
        try:
            signed = self._signed(method, path, asked, {"host": host, **headers})
            link.request(method, f"{path}?{asked}" if asked else path, headers=signed)
            answer = link.getresponse()
            return answer.status, answer.read()
        finally:
            link.close()

    def _signed(
        self, method: str, path: str, query: str, headers: Mapping[str, str]
    ) -> dict[str, str]:
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        day = at[:8]
        body = hashlib.sha256(b"").hexdigest()
        known = {**headers, "x-amz-date": at, "x-amz-content-sha256": body}
        names = ";".join(sorted(known))
        lines = "".join(f"{name}:{known[name]}\n" for name in sorted(known))
        asked = "\n".join((method, path, query, lines, names, body))
        scope = f"{day}/{self._access.region}/s3/aws4_request"
        digest = hashlib.sha256(asked.encode()).hexdigest()
        key = f"AWS4{self._access.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        told = "\n".join(("AWS4-HMAC-SHA256", at, scope, digest))
        signature = hmac.digest(key, told.encode(), "sha256").hex()
        known["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._access.key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return known


def _refused(status: int, content: bytes) -> OSError:
    """What the server answered, as an error: 5xx is a store that is away."""
    told = content[:300].decode("utf-8", "replace")
    if content.lstrip().startswith(b"<"):
        known = read_tree(content)
        told = f"{known.text_of('Code')} {known.text_of('Message')}"
    if status >= _SERVER:
        return StoreUnavailable(errno.EIO, f"存储不可用：{status} {told}")
    return OSError(errno.EACCES, f"存储拒绝：{status} {told}")
