"""Eight stations redeem the same rider's points, and three jobs post the same inspections."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.base.test_audit import bare_environment
from tests.homes import database_with_tables, lay_tables

OURS = textwrap.dedent(
    """
    import os
    import tests  # an installed package may be called so, too: ours go first
    if isinstance(tests.__path__, list):
        tests.__path__.insert(0, os.environ["TESTS_FOLDER"])
    """
)
SET_UP = OURS + textwrap.dedent(
    """
    import django
    django.setup()
    from tests.community.build import everybody, inspected, rider, station
    everybody()
    station()
    for _ in range(4):
        inspected(rider())
    """
)
SETTLER = OURS + textwrap.dedent(
    """
    import django
    django.setup()
    from tests.community.build import settled
    print(settled())
    """
)
WRITER = OURS + textwrap.dedent(
    """
    import sys
    import django
    django.setup()
    from tests.community.build import LATER, account, rider
    from liandong.community.models import Station
    from liandong.community.services import redeeming
    mine, got = account(rider()), 0
    for _ in range(8):
        try:
            code = redeeming.make_code(mine, now=LATER)
            redeeming.redeem(code, "water", Station.objects.get(), by=sys.argv[1], now=LATER)
            got += 1
        except (redeeming.BadCode, redeeming.TooFewPoints, redeeming.TooManyTries):
            pass
    print(got)
    """
)
CHECK = OURS + textwrap.dedent(
    """
    import django
    django.setup()
    from tests.community.build import account, rider
    from liandong.community.models import PointsPosting
    from liandong.community.queries.points import faults
    print(len(list(faults())), account(rider()).balance,
          PointsPosting.objects.filter(act="credit").count(),
          PointsPosting.objects.filter(act="redeem").count())
    """
)


@pytest.mark.slow
def test_points_are_spent_once(tmp_path: Path) -> None:
    race(tmp_path, {})


@pytest.mark.slow
@pytest.mark.skipif("TEST_POSTGRES" not in os.environ, reason="no PostgreSQL: set TEST_POSTGRES")
def test_points_are_spent_once_on_postgresql(tmp_path: Path) -> None:
    with database_with_tables("points_race") as url:
        race(tmp_path, {"LIANDONG_DATABASE": url})


def race(folder: Path, extra: dict[str, str]) -> None:
    environment = {**bare_environment(), **extra, "LIANDONG_HOME": str(folder)}
    root = str(Path(__file__).parents[2])
    environment["TESTS_FOLDER"] = str(Path(__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join((root, environment["PYTHONPATH"]))
    lay_tables(folder)
    subprocess.run([sys.executable, "-c", SET_UP], env=environment, check=True)
    settled = run_all([SETTLER] * 3, environment)
    assert sum(int(one) for one in settled) == 4  # 44 points
    spent = run_all([WRITER] * 8, environment)
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, check=True, capture_output=True, text=True
    )
    faults, balance, credits, redeemed = (int(one) for one in done.stdout.split())
    assert (faults, credits) == (0, 4)
    assert redeemed == sum(int(one) for one in spent)
    assert balance == 44 - 5 * redeemed >= 0
    assert redeemed >= 1


def run_all(scripts: list[str], environment: dict[str, str]) -> list[str]:
    """Run scripts at once; what each said."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, f"keeper-{number}"], env=environment,
            stdout=subprocess.PIPE, text=True,
        )
        for number, script in enumerate(scripts)
    ]  # fmt: skip
    said = [one.communicate()[0] for one in running]
    assert [one.returncode for one in running] == [0] * len(running)
    return said
