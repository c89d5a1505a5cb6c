"""Work for the tests of the compute port: workers import it by name."""

import os
import resource
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


def tell_pid_and_wait_or_answer(folder: str) -> int:
    """With a folder as `tell_pid_and_wait`, without one at once."""
    return tell_pid_and_wait(folder) if folder else os.getpid()


def note_and_wait(job: tuple[str, int]) -> int:
    """Note who began, wait for the word of the test, and note that it is done.

    A second try does not wait: the word was given.
    """
    folder, number = Path(job[0]), job[1]
    (folder / f"begun-{number}-{os.getppid()}-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.02)
    with (folder / f"done-{number}").open("a") as file:
        file.write("done\n")
    return number


def device_of(_: int) -> str:
    return os.environ.get("CUDA_VISIBLE_DEVICES", "none")


def memory_limit(_: int) -> int:
    return resource.getrlimit(resource.RLIMIT_DATA)[0]


def spin(_: int) -> None:
    while True:
        pass
