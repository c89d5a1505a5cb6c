"""Contract of the virus scanner port.

The small server here speaks the part of the protocol of clamd(8) that the adapter uses; the same
tests run against a real daemon with a signature file of our own where clamd is installed.
"""

import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from liandong.engines.antivirus.clamd import ClamdScanner
from liandong.engines.antivirus.none import NoScanner

BAD = b"liandong-test-signature-0001"
MADE = "Fri Nov 20 08:00:00 2026"
MADE_AT = 1795161600.0
LIMIT = 4 * 2**20


class _Daemon(Thread):
    """Answers VERSION and INSTREAM as clamd does."""

    def __init__(self, address: str, version: str) -> None:
        super().__init__(daemon=True)
        self._version = version
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(address)
        self._door.listen()

    def run(self) -> None:
        while True:
            try:
                link, _ = self._door.accept()
            except OSError:
                return
            with link, link.makefile("rwb") as stream:
                command = self._command(stream)
                answer = self._version.encode() if command == b"zVERSION" else self._scan(stream)
                stream.write(answer + b"\0")
                stream.flush()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.join(5)

    def _command(self, stream) -> bytes:
        command = b""
        while not command.endswith(b"\0"):
            command += stream.read(1)
        return command[:-1]

    def _scan(self, stream) -> bytes:
        content = b""
        while size := struct.unpack("!I", stream.read(4))[0]:
            content += stream.read(size)
            if len(content) > LIMIT:
                return b"INSTREAM size limit exceeded. ERROR"
        return b"stream: Test.Bad.UNOFFICIAL FOUND" if BAD in content else b"stream: OK"


@pytest.fixture(params=["protocol", "clamd"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ld-") as folder:  # socket paths are short
        path = f"{folder}/clamd"
        if request.param == "protocol":
            server = _Daemon(path, f"ClamAV 1.4.3/27800/{MADE}")
            server.start()
            yield path
            server.close()
            return
        if shutil.which("clamd") is None:
            pytest.skip("no clamd: apt-get install clamav-daemon")
        yield from _real_daemon(Path(folder), path)


def _real_daemon(folder: Path, path: str) -> Iterator[str]:
    folder.chmod(0o755)
    (folder / "db").mkdir()
    (folder / "db" / "own.ndb").write_text(f"Test.Bad:0:*:{BAD.hex()}\n")
    (folder / "clamd.conf").write_text(
        f"LocalSocket {path}\nDatabaseDirectory {folder}/db\nForeground yes\n"
        f"StreamMaxLength {LIMIT}\nTemporaryDirectory {folder}\n"
    )
    command = ["clamd", "--config-file", str(folder / "clamd.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as daemon:
        for _ in range(200):
            if Path(path).exists() or daemon.poll() is not None:
                break
            time.sleep(0.1)
        yield path
        daemon.terminate()


def test_a_clean_file_gives_nothing(address: str, tmp_path: Path) -> None:
    file = tmp_path / "clean.txt"
    file.write_bytes(b"words " * 50_000)
    assert ClamdScanner(address).scan(file) == ""


def test_an_empty_file_gives_nothing(address: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert ClamdScanner(address).scan(tmp_path / "empty") == ""


def test_what_is_found_is_named(address: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.bin"
    file.write_bytes(b"x" * 70_000 + BAD)
    assert ClamdScanner(address).scan(file) == "Test.Bad.UNOFFICIAL"


def test_a_file_over_the_limit_is_never_reported_clean(address: str, tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(LIMIT * 2))
    with pytest.raises(OSError, match="clamd"):
        ClamdScanner(address).scan(file)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ld-") as folder:
        daemon = _Daemon(f"{folder}/clamd", request.param)
        daemon.start()
        yield f"{folder}/clamd"
        daemon.close()


@pytest.mark.parametrize("server", [f"ClamAV 1.4.3/27800/{MADE}"], indirect=True)
@pytest.mark.parametrize(("days", "trusted"), [(0, True), (7, True), (8, False), (400, False)])
def test_old_definitions_are_not_trusted(server: str, days: int, trusted: bool) -> None:
    scanner = ClamdScanner(server, clock=lambda: MADE_AT + 86400 * days + 60)
    assert scanner.state() == (trusted, f"ClamAV 1.4.3/27800/{MADE}；病毒库已 {days} 天")


@pytest.mark.parametrize("server", ["ClamAV 1.4.3", "ClamAV 1.4.3/0/", "odd"], indirect=True)
def test_a_daemon_without_definitions_is_not_trusted(server: str) -> None:
    trusted, why = ClamdScanner(server).state()
    assert not trusted
    assert "未装病毒库" in why


def test_an_absent_daemon_is_not_trusted_and_scans_nothing(tmp_path: Path) -> None:
    scanner = ClamdScanner(str(tmp_path / "none.sock"))
    file = tmp_path / "file"
    file.write_bytes(b"x")
    trusted, why = scanner.state()
    assert (trusted, "未连接" in why) == (False, True)
    with pytest.raises(OSError, match="No such file"):
        scanner.scan(file)


def test_no_scanner_never_vouches_for_a_file(tmp_path: Path) -> None:
    assert NoScanner().state() == (False, "未配置")
    with pytest.raises(OSError, match="not scanned"):
        NoScanner().scan(tmp_path / "file")
