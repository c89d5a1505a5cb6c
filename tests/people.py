"""People of the tests: one account per role, signed in."""

from django.test import Client

from liandong.base.models import Account, Post, Role, Unit

CLEARANCES = {Role.READER: 0, Role.CLERK: 1, Role.ARCHIVIST: 2, Role.DIRECTOR: 2}
STRANGER, READER, CLERK, ARCHIVIST = "stranger", "reader", "clerk", "archivist"
EVERYONE = (STRANGER, READER, CLERK, ARCHIVIST)


def client_of(who: str, *, unit: str = "BGS", name: str = "") -> Client:
    """A browser in which this person is signed in; a clerk belongs to `unit`."""
    client = Client()
    if who == STRANGER:
        return client
    role = Role(who)
    office, _ = Unit.objects.get_or_create(code=unit, defaults={"name": unit})
    account, _ = Account.objects.get_or_create(
        username=name or who,
        defaults={
            "full_name": who,
            "unit": office if role == Role.CLERK else None,
            "clearance": CLEARANCES[role],
        },
    )
    Post.objects.get_or_create(account=account, role=role)
    client.force_login(account)
    return client
