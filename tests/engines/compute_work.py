"""Work for the tests of the compute port: workers import it by name."""

import os
import signal
import time
from pathlib import Path

from liandong.kernel.ports import Unreadable


class Odd(Exception):
    """Cannot be unpickled: its constructor wants two arguments."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def double(number: int) -> int:
    return 2 * number


def fail_on_odd(number: int) -> int:
    if number % 2:
        raise Unreadable("FILE-EMPTY", file=str(number))
    return number


def fail_oddly(_: int) -> int:
    raise Odd("a", "b")


def answer_badly(_: int) -> object:
    return lambda: None


def die_on_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(mark: str) -> int:
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def tell_pid_and_wait(folder: str) -> int:
    """Leave the pid where the test finds it; the second try answers."""
    mark = Path(folder) / "pid"
    if not mark.exists():
        mark.with_suffix(".new").write_text(str(os.getpid()))
        mark.with_suffix(".new").rename(mark)
        time.sleep(60)
    return os.getpid()


def pid_of(_: int) -> int:
    return os.getpid()
