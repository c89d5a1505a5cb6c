"""What computing on Ray adds to the contract: nodes that die, its own Ray, reading of pages."""

import errno
import itertools
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings
from tests.corpus.handovers import lay_out
from tests.engines.test_compute import is_alive, work
from tests.intake.running import take
from tests.services.ray import TwoNodes, children, eventually, raylet_of

from liandong.base.engines import close_engines
from liandong.intake.models import ItemPage
from liandong.kernel.ports import Compute, WorkerLost

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]
LISTENING = "0A"  # state of a socket in /proc/net/tcp


@pytest.fixture
def pool(ray_cluster: TwoNodes) -> Iterator[Compute]:
    from liandong.engines.compute.ray import RayCompute

    compute = RayCompute(ray_cluster.address)
    yield compute
    compute.close()


def test_a_node_that_is_killed_loses_nothing_and_repeats_nothing(
    ray_cluster: TwoNodes, pool: Compute, tmp_path: Path
) -> None:
    import ray

    node = ray_cluster.add_node()
    raylet = raylet_of(node)
    alive: list[bool] = []

    def kill() -> None:
        eventually(lambda: any(tmp_path.glob(f"begun-*-{raylet}-*")))
        ray_cluster.kill(node)
        eventually(lambda: not is_alive_node(node.unique_id))
        alive.append(is_alive_node(node.unique_id))
        (tmp_path / "go").touch()

    def is_alive_node(node_id: str) -> bool:
        return any(one["Alive"] for one in ray.nodes() if one["NodeID"] == node_id)

    jobs = [(str(tmp_path), number) for number in range(12)]
    outcomes = pool.map(work.note_and_wait, jobs)
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        found = list(outcomes)
    finally:
        killer.join()
        ray_cluster.remove(node)

    assert alive == [False]
    assert children(raylet) == []
    assert [one.error for one in found] == [None] * 12
    assert sorted(one.answer or 0 for one in found) == list(range(12))
    done = {file.name: file.read_text().count("done") for file in tmp_path.glob("done-*")}
    assert done == {f"done-{number}": 1 for number in range(12)}
    begun = Counter(file.name.split("-")[1] for file in tmp_path.glob("begun-*"))
    on_the_dead = {file.name.split("-")[1] for file in tmp_path.glob(f"begun-*-{raylet}-*")}
    assert on_the_dead
    assert {number for number, times in begun.items() if times > 1} == on_the_dead


def test_a_job_over_its_time_is_lost_and_not_tried_again(ray_cluster: TwoNodes) -> None:
    from liandong.engines.compute.ray import RayCompute

    compute = RayCompute(ray_cluster.address, limit_s=1)
    try:
        (outcome,) = compute.map(work.spin, [1])
    finally:
        compute.close()
    assert isinstance(outcome.error, WorkerLost)
    assert "longer than 1 s" in str(outcome.error)


def test_jobs_take_their_share_of_a_graphics_card(ray_cluster: TwoNodes) -> None:
    """That a worker is given a card; no card was there to measure with."""
    from liandong.engines.compute.ray import RayCompute

    node = ray_cluster.add_node(num_gpus=1)
    compute = RayCompute(ray_cluster.address, gpus_per_worker=0.5)
    try:
        (outcome,) = compute.map(work.device_of, [1])
    finally:
        compute.close()
        ray_cluster.remove(node)
    assert outcome.answer == "0"


def test_a_cluster_that_is_away_is_told_at_once_as_trouble_of_the_machine() -> None:
    from liandong.engines.compute.ray import RayCompute

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(OSError, match=address) as told:
        list(RayCompute(address).map(work.double, [1]))
    assert told.value.errno == errno.EIO


def test_its_own_ray_listens_to_this_machine_alone_and_ends_with_it(tmp_path: Path) -> None:
    from liandong.engines.compute.ray import RayCompute

    handler = signal.getsignal(signal.SIGTERM)
    others = set(_family(os.getpid()))
    compute = RayCompute(processes=2)
    outcomes = compute.map(os.path.exists, itertools.repeat(str(tmp_path)))
    assert next(outcomes).answer is True
    family = set(_family(os.getpid())) - others
    assert signal.getsignal(signal.SIGTERM) is handler  # ours stops gracefully
    assert {place for pid in family for place in _listens(pid)} <= {"127.0.0.1"}

    compute.close()

    assert len(family) > 2
    assert eventually(lambda: not any(is_alive(pid) for pid in family))
    with pytest.raises(RuntimeError):
        list(compute.map(work.double, [1]))


@pytest.mark.django_db
def test_pages_of_a_batch_are_read_on_the_cluster(
    ray_cluster: TwoNodes, home: Path, settings: Settings, shared_data: Path, tmp_path: Path
) -> None:
    scans = shared_data / "ocr_pages_rendered"
    names = ("page_000_clean.jpg", "page_001_scan.jpg")
    files = {name: (scans / name).read_bytes() for name in names}
    settings.ENGINES = {
        **settings.ENGINES,
        "compute": {
            "class": "liandong.engines.compute.ray.RayCompute",
            "options": {
                "address": ray_cluster.address,
                "environment": {"DJANGO_SETTINGS_MODULE": "liandong.site.settings"},
            },
        },
    }
    try:
        batch = take(lay_out(tmp_path / "in", files), accept=False)
    finally:
        close_engines()

    pages = ItemPage.objects.filter(file__item__batch=batch)
    assert pages.count() == 2
    assert all(len(page.page["lines"]) > 10 for page in pages)
    assert not batch.findings.filter(code__in=["FILE-KILLS-READER", "STEP-FAILED"]).exists()


def _family(pid: int) -> list[int]:
    found = children(pid)
    return found + [one for child in found for one in _family(child)]


def _listens(pid: int) -> set[str]:
    """IP addresses, version 4, on which a process takes connections."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            inodes.add(os.readlink(link).removeprefix("socket:[").removesuffix("]"))
        except OSError:  # closed
            continue
    places = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            facts = line.split()
            if facts[3] == LISTENING and facts[9] in inodes:
                places.add(_address(facts[1].partition(":")[0]))
    return places


def _address(words: str) -> str:
    """Of /proc/net/tcp: the last 32 bits, which are all of a mapped address too."""
    return socket.inet_ntoa(int(words[-8:], 16).to_bytes(4, "little"))
