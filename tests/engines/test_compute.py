"""The contract of the compute port."""

import importlib
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.ray import TwoNodes, eventually

from liandong.engines.compute.inline import InlineCompute
from liandong.engines.compute.processes import ProcessCompute
from liandong.kernel.ports import Compute, Unreadable, WorkerLost

HERE = str(Path(__file__).parent)  # workers must be able to import the work by its name
sys.path.insert(0, HERE)
work = importlib.import_module("compute_work")


RAY = pytest.param("ray", marks=[pytest.mark.slow, pytest.mark.enable_socket])


@pytest.fixture(scope="module")
def pool() -> Iterator[Compute]:
    compute = ProcessCompute(2)
    yield compute
    compute.close()


@pytest.fixture(scope="module")
def ray_pool(ray_cluster: TwoNodes) -> Iterator[Compute]:
    from liandong.engines.compute.ray import RayCompute

    compute = RayCompute(ray_cluster.address)
    yield compute
    compute.close()


@pytest.fixture(params=["inline", "processes", RAY])
def compute(request: pytest.FixtureRequest) -> Compute:
    if request.param == "inline":
        return InlineCompute()
    return _workers(request)


@pytest.fixture(params=["processes", RAY])
def workers(request: pytest.FixtureRequest) -> Compute:
    """Two workers that are processes of their own."""
    return _workers(request)


def _workers(request: pytest.FixtureRequest) -> Compute:
    found: Compute = request.getfixturevalue("pool" if request.param == "processes" else "ray_pool")
    return found


def test_every_job_has_one_answer(compute: Compute) -> None:
    outcomes = list(compute.map(work.double, range(50)))
    assert sorted(one.job for one in outcomes) == list(range(50))
    assert all(one.answer == 2 * one.job and one.error is None for one in outcomes)
    assert list(compute.map(work.double, [])) == []


def test_a_failing_job_does_not_stop_the_others(compute: Compute) -> None:
    outcomes = {one.job: one for one in compute.map(work.fail_on_odd, range(10))}
    assert [outcomes[number].answer for number in (0, 2, 4)] == [0, 2, 4]
    error = outcomes[3].error
    assert isinstance(error, Unreadable)
    assert (error.code, error.facts) == ("FILE-EMPTY", {"file": "3"})


def test_jobs_are_taken_as_they_are_needed(compute: Compute) -> None:
    taken = itertools.count()
    outcomes = compute.map(work.double, (next(taken) for _ in range(1000)))
    next(outcomes)
    assert next(taken) <= 5
    outcomes.close()  # type: ignore[attr-defined]


def test_what_cannot_cross_processes_is_an_error_of_its_job(workers: Compute) -> None:
    for bad in (work.fail_oddly, work.answer_badly):
        (outcome,) = workers.map(bad, [1])
        assert outcome.error is not None
    (outcome,) = workers.map(work.double, [lambda: None])  # type: ignore[list-item]
    assert outcome.error is not None
    assert [one.answer for one in workers.map(work.double, [4])] == [8]


def test_only_the_job_that_kills_its_worker_is_lost(workers: Compute) -> None:
    outcomes = list(workers.map(work.die_on_three, range(12)))
    assert sorted(one.job for one in outcomes) == list(range(12))
    assert [one.job for one in outcomes if isinstance(one.error, WorkerLost)] == [3]
    assert sum(one.error is not None for one in outcomes) == 1


def test_a_job_whose_worker_dies_once_is_done(workers: Compute, tmp_path: Path) -> None:
    (outcome,) = workers.map(work.die_once, [str(tmp_path / "mark")])
    assert outcome.error is None


def test_a_worker_killed_in_mid_job_is_replaced(workers: Compute, tmp_path: Path) -> None:
    outcomes = workers.map(work.tell_pid_and_wait, [str(tmp_path)])
    killer = threading.Thread(target=kill_when_told, args=(tmp_path / "pid",))
    killer.start()
    (outcome,) = outcomes
    killer.join()
    assert outcome.answer not in (None, int((tmp_path / "pid").read_text()))


def test_an_iterator_given_up_ends_what_it_runs(workers: Compute, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    outcomes = workers.map(work.tell_pid_and_wait_or_answer, [str(tmp_path), ""])
    assert next(outcomes).job == ""  # told while the other job still runs
    assert eventually(mark.exists)
    outcomes.close()  # type: ignore[attr-defined]
    assert eventually(lambda: not is_alive(int(mark.read_text())))
    assert [one.answer for one in workers.map(work.double, [4])] == [8]


def test_the_memory_of_a_worker_is_bounded(workers: Compute) -> None:
    (outcome,) = workers.map(work.memory_limit, [1])
    assert outcome.answer == 8 << 30


def test_no_worker_is_left_after_closing() -> None:
    compute = ProcessCompute(2)
    pids = {one.answer for one in compute.map(work.pid_of, range(8))}
    given_up = compute.map(work.pid_of, range(100))
    pids.add(next(given_up).answer)
    compute.close()
    assert pids
    assert not any(is_alive(pid) for pid in pids)
    with pytest.raises(RuntimeError):
        list(compute.map(work.double, [1]))


def is_alive(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    return True


def kill_when_told(mark: Path) -> None:
    while not mark.exists():
        time.sleep(0.01)
    os.kill(int(mark.read_text()), signal.SIGKILL)
