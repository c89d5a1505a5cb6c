"""Sends letters by HTTPS to the address that was judged, and to nothing else.

The name is resolved once, every address of it is judged, and the connection goes to an address,
with the name in TLS and in `Host` alone: a name that resolves otherwise a moment later leads
nowhere.  No redirect is followed, no proxy asked, little read, and not waited for long.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

from liandong.kernel.endpoints import (
    BadEndpoint,
    Endpoint,
    Network,
    Reach,
    Resolver,
    judged_addresses,
    parse_endpoint,
)
from liandong.kernel.ports import Letter, Reply

MOST_READ = 64 << 10  # bytes of an answer; nothing in it counts
AT_ONCE = 8


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(row[4][0]).partition("%")[0] for row in found]


class PinnedMessenger:
    """The messenger of one installation.

    `deadline_s` bounds one letter as a whole, however slowly the other side drips.
    """

    def __init__(
        self,
        *,
        ports: Iterable[int] = (443,),
        networks: Iterable[Network | str] = (),
        loopback: bool = False,
        resolver: Resolver = resolve,
        trust: ssl.SSLContext | None = None,
        connect_s: float = 5,
        deadline_s: float = 15,
    ) -> None:
        nets = tuple(ip_network(one) if isinstance(one, str) else one for one in networks)
        self._reach = Reach(frozenset(ports), nets, loopback)
        self._resolver = resolver
        self._trust = trust
        self._connect_s, self._deadline_s = connect_s, deadline_s
        self._threads: ThreadPoolExecutor | None = None

    def judge(self, url: str) -> None:
        """Raises BadEndpoint for an address that is never called."""
        self._judged(url)

    def _judged(self, url: str) -> tuple[Endpoint, list[str]]:
        endpoint = parse_endpoint(url, self._reach)
        found = judged_addresses(endpoint, self._reach, self._resolver)
        return endpoint, [str(address) for address in found]

    def send(self, letters: Sequence[Letter]) -> list[Reply]:
        """One reply per letter, in order."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE)
        return list(self._threads.map(self._send_timed, letters))

    def close(self) -> None:
        """Stop the threads."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _send_timed(self, letter: Letter) -> Reply:
        started = time.monotonic()
        status, trouble = 0, ""
        try:
            status = self._send(letter)
        except BadEndpoint as error:
            trouble = f"refused:{error.reason}"
        except ssl.SSLError as error:
            trouble = f"tls:{error.reason or type(error).__name__}"
        except TimeoutError:
            trouble = "timeout"
        except (OSError, http.client.HTTPException) as error:
            over = time.monotonic() - started >= self._deadline_s  # it was cut off
            trouble = "timeout" if over else type(error).__name__
        return Reply(status, trouble[:100], round((time.monotonic() - started) * 1000))

    def _send(self, letter: Letter) -> int:
        endpoint, addresses = self._judged(letter.url)
        connection = http.client.HTTPConnection(endpoint.host, endpoint.port)
        connection.sock = self._connect(endpoint, addresses)
        watch = threading.Timer(self._deadline_s, _cut, [connection.sock])
        watch.daemon = True
        watch.start()
        try:
            return _talk(connection, endpoint, letter)
        finally:
            watch.cancel()
            connection.close()

    def _connect(self, endpoint: Endpoint, addresses: Sequence[str]) -> socket.socket:
        """A connection to the first address that answers."""
        last = OSError("no address")
        for address in addresses:
            try:
                plain = socket.create_connection((address, endpoint.port), timeout=self._connect_s)
            except OSError as error:
                last = error
                continue
            plain.settimeout(self._deadline_s)
            return plain if endpoint.scheme == "http" else self._secured(plain, endpoint.host)
        raise last

    def _secured(self, plain: socket.socket, host: str) -> socket.socket:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        try:
            return self._trust.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


def _talk(connection: http.client.HTTPConnection, endpoint: Endpoint, letter: Letter) -> int:
    connection.putrequest("POST", endpoint.target, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", endpoint.host_header)
    for name, value in letter.headers.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(letter.body)))
    connection.endheaders(letter.body)
    answer = connection.getresponse()
    answer.read(MOST_READ)
    return answer.status


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended already
