"""A Ray cluster of two nodes on the loopback interface of this machine, one processor each."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WORK = ROOT / "tests" / "engines"  # workers find the work of the tests there
_NODE = {
    "num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 200 << 20,
    "include_dashboard": False, "include_log_monitor": False, "no_monitor": True,
}  # fmt: skip
_SOON = {  # a dead node is noticed after 3 s instead of 15
    "health_check_initial_delay_ms": 0, "health_check_period_ms": 1000,
    "health_check_failure_threshold": 3,
}  # fmt: skip


class TwoNodes:
    """The cluster; nodes can be added and killed."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster

    @property
    def address(self) -> str:
        """Of the head, `host:port`."""
        return str(self._cluster.address)

    @property
    def knobs(self) -> dict[str, str]:
        """The settings of an installation that computes here."""
        return {"LIANDONG_COMPUTE": f"ray:{self.address}"}

    def start(self) -> None:
        """One more node."""
        self.add_node()

    def add_node(self, **more: Any) -> Any:
        """One more node, alive when this returns."""
        self._last = self._cluster.add_node(**_NODE, **more)
        return self._last

    def kill(self, node: Any = None) -> None:
        """SIGKILL its raylet and everything that the raylet started; without one the last's."""
        raylet = raylet_of(node or self._last)
        for pid in (raylet, *children(raylet)):
            os.kill(pid, signal.SIGKILL)

    def remove(self, node: Any) -> None:
        """Collect what is left of a node."""
        self._cluster.remove_node(node, allow_graceful=False)


def raylet_of(node: Any) -> int:
    """The process that starts the workers of a node: the parent of each."""
    return int(node.all_processes["raylet"][0].process.pid)


def children(parent: int) -> list[int]:
    """Processes whose parent this is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            facts = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended
            continue
        if int(facts[1]) == parent:
            found.append(int(stat.parent.name))
    return found


def eventually(holds: Callable[[], bool], *, within_s: float = 60) -> bool:
    """Whether it holds at last."""
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def serving() -> Iterator[TwoNodes]:
    """A cluster of two nodes; nothing of it is left afterwards.  Raises ImportError."""
    from liandong.engines.compute.ray import loopback  # first: it sets what Ray reads at import

    with (
        tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder,  # sockets lie below
        _variables({
            "RAY_AUTH_TOKEN": "0" * 64, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{WORK}",
            "RAY_TMPDIR": folder,  # where Ray notes which cluster runs
            "LIANDONG_HOME": os.environ.get("LIANDONG_HOME", f"{folder}/home"),
        }),
        loopback(),
    ):  # fmt: skip
        from ray.cluster_utils import Cluster

        Path(folder, "ray").mkdir()
        head = {**_NODE, "temp_dir": folder, "_system_config": _SOON}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            nodes = TwoNodes(cluster)
            nodes.add_node()
            yield nodes
        finally:
            cluster.shutdown()


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[TwoNodes]:
    """Two nodes for the session; skips where Ray is not installed, unless CI is set."""
    if find_spec("ray") is None and not os.environ.get("CI"):
        pytest.skip("the extra `cluster` is not installed")
    with serving() as nodes:
        yield nodes


@contextmanager
def _variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Of the environment that the nodes inherit."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in wanted.items():
            patch.setenv(name, value)
        yield
