"""What every drill begins with: some records, some cases that are over, a key for the interface."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

RECORDS, CASES = 20, 12  # there before the fault
PACKAGES, LETTERS = 4, 10  # handed over while it happens
WORD = "防汛"
DESK = "desk"


def letter(package: int, number: int) -> bytes:
    """A letter that no other is like."""
    return (
        f"关于第{package}批第{number}号{WORD}工作的通知\n\n各区县人民政府：\n"
        f"现将第{package}批第{number}号有关事项通知如下，请认真贯彻执行。\n"
        "示范市人民政府办公室\n2011年5月6日\n"
    ).encode()


def fill(now: datetime) -> dict[str, Any]:
    """Make tables and rows in the installation of this process; what the drills must know."""
    from django.conf import settings
    from django.core.management import call_command

    from liandong.archive.models import Record
    from liandong.base.engines import close_engines
    from liandong.base.models import Account, Post, Role, Unit
    from liandong.portal.policies import SCOPES
    from liandong.portal.services.keys import issue_key

    call_command("migrate", verbosity=0)
    for folder in (settings.STORE, settings.STAGING):
        folder.mkdir(parents=True, exist_ok=True)
    unit = Unit.objects.create(code="SFBGS", name="示范市政府办公室")
    for name, role in (("sender", Role.CLERK), ("archivist", Role.ARCHIVIST), (DESK, Role.DESK)):
        account = Account.objects.create(username=name, unit=unit, clearance=2)
        Post.objects.create(account=account, role=role)
    issued = issue_key(
        name="演练", unit=unit, account=Account.objects.get(username="sender"),
        scopes=tuple(SCOPES), expires_at=now + timedelta(days=30), by="archivist", now=now,
        per_minute=100_000,
    )  # fmt: skip
    try:
        _records(now)
        _cases(unit, now - timedelta(days=60))
    finally:
        close_engines()
    return {"key": issued.token, "records": Record.objects.count()}


def _records(now: datetime) -> None:
    """Taken in and driven to the end in this process."""
    from tempfile import TemporaryDirectory

    from liandong.base.models import Unit
    from liandong.intake.services.drive import drive
    from liandong.intake.services.receive import incoming_files, receive

    with TemporaryDirectory() as folder:
        for number in range(RECORDS):
            Path(folder, f"{number}.txt").write_bytes(letter(0, number))
        batch = receive(
            incoming_files(Path(folder)), name="先有的", by="archivist", now=now,
            unit=Unit.objects.get(), accept=True,
        )  # fmt: skip
    drive(batch.pk, by="system", clock=lambda: now)


def _cases(unit: Any, then: datetime) -> None:
    """Reports that were turned down so long ago that nobody can dispute it any more."""
    from liandong.base.models import Account
    from liandong.base.viewers import viewer_of_account
    from liandong.cases.policies import Bearer
    from liandong.cases.services.opening import Report, open_case
    from liandong.cases.services.stepping import Given, take_step

    desk = Bearer(viewer_of_account(Account.objects.get(username=DESK)))
    for number in range(CASES):
        report = Report(
            kind="snap_report", channel="web", form={"text": f"第{number}处路灯不亮"},
            category="C0101", address=f"黄河{number}路", lat=37.05, lon=118.05,
        )  # fmt: skip
        case = open_case(report, by=Bearer(), now=then).case
        said = {"reason": "不属于本平台受理范围", "public_text": "请向产权单位反映"}
        take_step(case.pk, "reject", by=desk, now=then, given=Given(said))


def _main() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.utils import timezone

    told = fill(timezone.now())
    (settings.HOME / "drill.json").write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    _main()
