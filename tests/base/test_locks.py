"""Locks that die with their holder, and those whose file goes with them."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from liandong.base.locks import Busy, hold

pytestmark = pytest.mark.usefixtures("home")
HOLDER = """
import sys, time
from types import SimpleNamespace
from pathlib import Path
from liandong.base import locks
locks.settings = SimpleNamespace(HOME=Path(sys.argv[1]))
with locks.hold("one", once=True):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("once", [False, True])
def test_who_comes_second_is_told_or_waits(home: Path, once: bool) -> None:
    with hold("one", once=once), pytest.raises(Busy), hold("one", once=once):
        pass
    with hold("one", once=once), hold("another", once=once):
        pass
    left = {file.name for file in (home / "locks").iterdir()}
    assert left == (set() if once else {"one.lock", "another.lock"})


def test_nobody_holds_a_lock_whose_file_went_away(home: Path) -> None:
    inside, most = [0], [0]

    def work(_: int) -> None:
        with hold("one", wait=True, once=True):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(2000)))
    assert most == [1]
    assert list((home / "locks").iterdir()) == []


def test_a_holder_that_is_killed_holds_nothing(home: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, home], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Busy), hold("one", once=True):
            pass
        process.kill()
        process.wait()
    with hold("one", once=True):
        pass
