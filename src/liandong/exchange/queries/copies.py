"""The register of certified copies, and what a stranger may be told of one."""

import hashlib

from liandong.exchange.models import CertifiedCopy
from liandong.kernel.certified import Certified, NotCertified, read_seal

PAGE = 50


def copy_by_number(number: str) -> CertifiedCopy | None:
    """A copy of the register, for archivists."""
    return CertifiedCopy.objects.select_related("record").filter(number=number).first()


def listed(
    *, state: str = "", year: int = 0, before: int = 0, limit: int = PAGE + 1
) -> list[CertifiedCopy]:
    """Copies, newest first; `state` is "" or "revoked"."""
    rows = CertifiedCopy.objects.select_related("record")
    if state == "revoked":
        rows = rows.filter(revoked_at__isnull=False)
    if year:
        rows = rows.filter(issued_at__year=year)
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:limit])


def copies_of(source: str) -> list[CertifiedCopy]:
    """Copies that were issued for a request or visit."""
    return list(CertifiedCopy.objects.filter(source=source).order_by("pk"))


def by_code(code: str) -> CertifiedCopy | None:
    """The copy of this verification code, or None."""
    plain = code.strip().upper().replace(" ", "").replace("-", "")
    shaped = "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))
    return CertifiedCopy.objects.filter(code=shaped).first() if plain else None


def by_content(content: bytes) -> tuple[Certified | None, CertifiedCopy | None, str]:
    """What a file says of itself, the copy in the register that it is, and why it is refused.

    The reason is "" for an unchanged copy of ours, else that of NotCertified or "not-ours".
    """
    try:
        sealed = read_seal(content)
    except NotCertified as refused:
        return None, None, refused.reason
    digest = hashlib.sha256(content).hexdigest()
    copy = CertifiedCopy.objects.filter(sha256=digest).first()
    return sealed, copy, "" if copy else "not-ours"
