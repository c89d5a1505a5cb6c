"""`python -m tests.services`: the services of an installation past one machine, for a trial.

Starts what can be started here on free ports of the loopback, prints the settings that use it, and
stops everything on Ctrl-C.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from . import opensearch, s3
from .ports import free_port

Settings = dict[str, str]


@contextmanager
def _postgres() -> Iterator[Settings]:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        raise FileNotFoundError("initdb: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="postgres-") as place:
        folder, port = Path(place), free_port()
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        own: dict[str, Any] = user if os.geteuid() == 0 else {}
        if own:
            shutil.chown(folder, "postgres", "postgres")

        def call(program: str, *options: str) -> None:
            command = [str(programs[-1] / program), "-D", str(folder / "database"), *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **own)

        call("initdb", "-U", "liandong", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder}"
        call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            address = f"postgresql://liandong@127.0.0.1:{port}/postgres"
            yield {"LIANDONG_DATABASE": address, "TEST_POSTGRES": address}
        finally:
            call("pg_ctl", "-w", "-m", "fast", "stop")


@contextmanager
def _opensearch() -> Iterator[Settings]:
    if reason := opensearch.missing():
        raise FileNotFoundError(reason)
    with opensearch.running() as address:
        yield {"LIANDONG_SEARCH": f"{address}/liandong", "TEST_OPENSEARCH": address}


@contextmanager
def _s3() -> Iterator[Settings]:
    with s3.running() as server:
        yield server.environment(server.bucket())


SERVICES = {"PostgreSQL": _postgres, "OpenSearch": _opensearch, "S3": _s3}


def main() -> int:
    """Start, print, wait for Ctrl-C; 1 when nothing starts."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with suppress(KeyboardInterrupt), ExitStack() as started:
        known: Settings = {}
        for name, service in SERVICES.items():
            known |= _started(started, name, service())
        for variable, value in known.items():
            print(f"export {variable}={value}", flush=True)
        if known:
            print("Ctrl-C", file=sys.stderr, flush=True)
            signal.pause()
        return int(not known)
    return 0


def _started(stack: ExitStack, name: str, service: AbstractContextManager[Settings]) -> Settings:
    try:
        return stack.enter_context(service)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return {}


if __name__ == "__main__":
    sys.exit(main())
