"""People of the tests: one account per role, signed in."""

from collections.abc import Mapping

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


def seat(
    people: Mapping[str, tuple[Role, str, int]], units: Mapping[str, Unit]
) -> dict[str, Account]:
    """Accounts by name with role, code of the unit or "", and clearance; whoever is there stays.

    Few statements for many people: half of the tests begin with this.
    """
    Unit.objects.bulk_create(units.values(), ignore_conflicts=True)
    known = {one.code: one for one in Unit.objects.filter(code__in=units)}
    Account.objects.bulk_create(
        (
            Account(username=name, full_name=name, unit=known.get(code), clearance=clearance)
            for name, (_role, code, clearance) in people.items()
        ),
        ignore_conflicts=True,
    )
    seated = {one.username: one for one in Account.objects.filter(username__in=people)}
    Post.objects.bulk_create(
        (Post(account=seated[name], role=role) for name, (role, _code, _) in people.items()),
        ignore_conflicts=True,
    )
    return seated
