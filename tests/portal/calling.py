"""Calls of the API as a department's system makes them."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.test import Client
from django.utils import timezone

from liandong.archive.models import Fonds
from liandong.base.models import Account, Post, Role, Unit
from liandong.portal.policies import SCOPES
from liandong.portal.services.keys import Issued, issue_key

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ALL = tuple(SCOPES)
_numbers = count(1)


def unit_of(code: str = "BGS") -> Unit:
    """A department."""
    return Unit.objects.get_or_create(code=code, defaults={"name": f"{code} 办公室"})[0]


def account_of(name: str = "wang", unit: str = "BGS", *roles: Role, clearance: int = 1) -> Account:
    """An account of a department; a clerk unless told otherwise."""
    account, _ = Account.objects.get_or_create(
        username=name, defaults={"unit": unit_of(unit), "clearance": clearance}
    )
    for role in roles or (Role.CLERK,):
        Post.objects.get_or_create(account=account, role=role)
    return account


def key_of(
    unit: str = "BGS", scopes: Iterable[str] = ALL, *, account: Account | None = None, **terms: Any
) -> Issued:
    """A key of a department that lives for a month from now."""
    now = timezone.now()
    known = {"per_minute": 10_000, "expires_at": now + timedelta(days=30), "now": now} | terms
    return issue_key(
        name="办公系统", unit=unit_of(unit), account=account or account_of(f"clerk-{unit}", unit),
        scopes=scopes, by="officer", **known,
    )  # fmt: skip


def fonds_of(unit: str = "BGS", number: str = "Z109") -> Fonds:
    """A fonds of the department."""
    return Fonds.objects.get_or_create(
        number=number, defaults={"title": "临江市人民政府", "unit": unit_of(unit)}
    )[0]


def fresh_token() -> str:
    """An idempotency token that nobody used before."""
    return f"token-{next(_numbers):08d}"


class Caller:
    """A system that calls the API with a key; "" calls without one."""

    def __init__(self, token: str, **headers: str) -> None:
        self.token, self.headers, self.client = token, headers, Client()

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        known = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**known, **self.headers, **more}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self._headers(_named(headers)))

    def post(self, path: str, body: Any = None, *, token: str = "", **headers: str) -> Any:
        mine = {"Idempotency-Key": token or fresh_token()} | _named(headers)
        content = b"" if body is None else body if isinstance(body, bytes) else as_json(body)
        kind = headers.pop("content_type", "application/json")
        return self.client.post(
            f"/api/v1{path}", content, content_type=kind, headers=self._headers(mine)
        )

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(
            f"/api/v1{path}", as_json(body), content_type="application/json",
            headers=self._headers({}),
        )  # fmt: skip

    def put(self, path: str, content: bytes, offset: int = 0) -> Any:
        return self.client.put(
            f"/api/v1{path}", content, content_type="application/octet-stream",
            headers=self._headers({"Upload-Offset": str(offset)}),
        )  # fmt: skip

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1{path}", headers=self._headers({}))


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def as_json(body: Any) -> bytes:
    """A body as a system sends it."""
    return json.dumps(body).encode()


def caller(unit: str = "BGS", scopes: Iterable[str] = ALL, **terms: Any) -> Caller:
    """A system of a department with a fresh key."""
    return Caller(key_of(unit, scopes, **terms).token)


def code_of(answer: Any) -> str:
    """The code of the problem in an answer."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.content
    return str(answer.json()["type"]).partition("#")[2]
