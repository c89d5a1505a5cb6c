"""CSRF: no address does anything for a form that another site made the browser send."""

from http import HTTPStatus
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from tests.site.every_address import PEOPLE, make_people, make_things, sent_to
from tests.site.test_every_address import walk

from liandong.base.addresses import SAFE
from liandong.base.models import AuditRow

pytestmark = pytest.mark.django_db
BY_KEY = ("/api/",)  # answered by a key in a header, which no other site can send


def _strict(client: Client) -> Client:
    """The same browser, whose forms have no token."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    return strict


@pytest.mark.parametrize("role", ["archivist", "sec-admin"])
def test_no_form_without_its_token_does_anything(home: Path, role: str) -> None:
    assert role in PEOPLE
    client = _strict(make_people()[role])
    things = make_things(home)
    done, asked = [], 0
    for address, _thing, where in walk(things):
        posts = not address.methods or set(address.methods) - set(SAFE)
        if not posts or where.startswith(BY_KEY):
            continue
        with transaction.atomic():
            rows = AuditRow.objects.count()
            answer = client.post(where, **sent_to(address, things))
            asked += 1
            refused = {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_FOUND}
            if answer.status_code not in refused or AuditRow.objects.count() > rows + 1:
                done.append((where, answer.status_code))
            transaction.set_rollback(True)
    assert done == []
    assert asked > 10
