"""A real OpenSearch on the loopback: one node, no security plugin, in a folder that goes.

The server is the artifact `integ-test-zip` of Maven Central, which Maven fetches once.  It ends
with the process that started it, also when that is killed.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .ports import free_port
from .sharing import shared

VERSION = "2.19.1"  # the last line that runs on Java 11 and 17
ARTIFACT = f"org.opensearch.distribution.integ-test-zip:opensearch:{VERSION}:zip"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy"
START_S = 300.0  # on a busy machine
JAVA_OPTIONS = """\
-Xms512m
-Xmx512m
-Djava.io.tmpdir=${OPENSEARCH_TMPDIR}
-Djava.util.concurrent.ForkJoinPool.common.threadFactory=\
org.opensearch.secure_sm.SecuredForkJoinWorkerThreadFactory
18-:-Djava.security.manager=allow
"""
NOBODY = "nobody"  # OpenSearch does not start as root


def missing() -> str:
    """What keeps a server from being started here; "" when nothing does."""
    needed = ["java", "setpriv", *([] if _unpacked().exists() else ["mvn"])]
    return ", ".join(f"no {name}" for name in needed if shutil.which(name) is None)


class Server:
    """A node that can be killed, stopped for a while and started again on the same data."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        (folder / "config").mkdir()
        shutil.copy(program / "config" / "log4j2.properties", folder / "config")
        (folder / "config" / "jvm.options").write_text(JAVA_OPTIONS)
        settings = {
            "discovery.type": "single-node", "http.port": self._port,
            "transport.port": free_port(), "network.host": "127.0.0.1",
            "path.data": folder / "data", "path.logs": folder / "logs",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }  # fmt: skip
        lines = "".join(f"{name}: {value}\n" for name, value in settings.items())
        (folder / "config" / "opensearch.yml").write_text(lines)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def knobs(self) -> dict[str, str]:
        """The settings of an installation that searches here."""
        return {"LIANDONG_SEARCH": f"{self.address}/liandong"}

    def start(self) -> None:
        """Raises RuntimeError with the end of its log when it does not start."""
        self._process = _start(self._program, self._folder)
        _wait(self._process, self.address, self._folder / "out.log")

    def kill(self) -> None:
        """SIGKILL."""
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            if number == signal.SIGKILL:
                self._process.wait()


@contextmanager
def serving() -> Iterator[Server]:
    """A fresh server, stopped at the end.

    Raises FileNotFoundError for want of a program, subprocess.CalledProcessError when the server
    cannot be fetched, RuntimeError when it does not start.
    """
    if reason := missing():
        raise FileNotFoundError(reason)
    program = _fetched()
    with tempfile.TemporaryDirectory(prefix="opensearch-") as place:
        server = Server(program, Path(place))
        try:
            server.start()
            yield server
        finally:
            server.kill()  # what it holds is thrown away: nobody waits for its order


@contextmanager
def running() -> Iterator[str]:
    """The address of a fresh server, `http://127.0.0.1:port`; raises as `serving`."""
    with serving() as server:
        yield server.address


@pytest.fixture(scope="session")
def search_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server that TEST_OPENSEARCH names, or one of this test run."""
    if given := os.environ.get("TEST_OPENSEARCH"):
        yield given
        return
    if (reason := missing()) and not os.environ.get("CI"):
        pytest.skip(f"no OpenSearch: {reason}")
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with shared(folder / "opensearch", running) as address:
        yield address


def _start(program: Path, folder: Path) -> subprocess.Popen[bytes]:
    command = ["setpriv", "--pdeathsig", "KILL"]
    if os.geteuid() == 0:
        user = pwd.getpwnam(NOBODY)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, user.pw_uid, user.pw_gid)
        command += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    own = {
        "OPENSEARCH_PATH_CONF": str(folder / "config"), "OPENSEARCH_TMPDIR": str(folder),
        "PATH": os.environ["PATH"],
        "JAVA_HOME": str(Path(shutil.which("java") or "").resolve().parents[1]),
    }  # fmt: skip
    with (folder / "out.log").open("wb") as log:
        return subprocess.Popen(
            [*command, str(program / "bin" / "opensearch")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=own, cwd=folder,
        )  # fmt: skip


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/_cluster/health", timeout=5) as answer:  # noqa: S310 - loopback
                answer.read()
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"OpenSearch did not start: {log.read_text('utf-8', 'replace')[-2000:]}")


# The program --------------------------------------------------------------------------------------


def _cache() -> Path:
    """Where others than root may read too when root fills it."""
    if os.geteuid() == 0:
        return Path("/var/cache/liandong")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "liandong"


def _unpacked() -> Path:
    return _cache() / f"opensearch-{VERSION}"


def _fetched() -> Path:
    """The folder of the program, fetched by Maven and unpacked when it is not there."""
    folder = _unpacked()
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        command = [
            "mvn",
            "-q",
            "-B",
            "--no-transfer-progress",
            COPY,
            f"-Dartifact={ARTIFACT}",
            f"-DoutputDirectory={place}",
        ]
        subprocess.run(command, check=True, cwd=place)
        with zipfile.ZipFile(next(Path(place).glob("*.zip"))) as packed:
            packed.extractall(place)
        made = Path(place) / folder.name
        for script in (made / "bin").iterdir():
            script.chmod(0o755)
        made.chmod(0o755)
        try:
            made.rename(folder)
        except OSError:  # another process was quicker
            if not folder.exists():
                raise
    return folder
