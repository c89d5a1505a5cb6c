"""Where the server may call out to: addresses of other systems, judged before any connection.

A person names a URL; the server opens it from inside the city network.  So the name says nothing:
every address that it resolves to is judged, and the connection goes to the address that was
judged, never to the name again.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Iterable[str]]  # host and port → addresses as text

LONGEST_URL: Final = 500
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_PATH = re.compile(r"[\x21-\x7e]*")
_EMBEDDED: Final = (  # IPv6 networks that carry an IPv4 address, and its lowest bit
    (ip_network("::ffff:0:0/96"), 0),  # mapped
    (ip_network("::/96"), 0),  # compatible, long given up
    (ip_network("64:ff9b::/96"), 0),  # NAT64
    (ip_network("64:ff9b:1::/48"), 0),  # NAT64 of one's own
    (ip_network("2002::/16"), 80),  # 6to4
)
_NEVER: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "224.0.0.0/4", "240.0.0.0/4", "2001::/32", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip


class BadEndpoint(ValueError):
    """The server does not call this address; `reason` is form, scheme, host, port or address."""

    def __init__(self, reason: str, what: str = "") -> None:
        super().__init__(f"{reason}: {what}" if what else reason)
        self.reason = reason
        self.what = what


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an installation lets the server call out."""

    ports: frozenset[int] = frozenset({443})
    networks: tuple[Network, ...] = ()  # inner networks that may be called besides the internet
    loopback: bool = False  # plain http to this machine, for trying out


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL in its parts, of an allowed form; its addresses are not judged yet."""

    scheme: str
    host: str  # lower case, without brackets
    port: int
    target: str  # path and query, as a request line has them

    @property
    def host_header(self) -> str:
        """The value of the header `Host`."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return name if self.port == usual else f"{name}:{self.port}"


def parse_endpoint(url: str, reach: Reach) -> Endpoint:
    """Read a URL; raises BadEndpoint.

    Only https without a user, a password or a fragment, at an allowed port; plain http only to
    this machine where `reach` lets it.
    """
    if len(url) > LONGEST_URL or not _PATH.fullmatch(url) or "\\" in url:
        raise BadEndpoint("form")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise BadEndpoint("form") from None
    if "@" in parts.netloc or parts.fragment:
        raise BadEndpoint("form")
    is_trial = parts.scheme == "http" and reach.loopback and _names_this_machine(host)
    if parts.scheme != "https" and not is_trial:
        raise BadEndpoint("scheme", parts.scheme[:20])
    if not (_HOST.fullmatch(host) or _is_literal(host)):
        raise BadEndpoint("host")
    found = port if port is not None else 443 if parts.scheme == "https" else 80
    if found not in reach.ports and not is_trial:
        raise BadEndpoint("port", str(found))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(parts.scheme, host, found, target)


def judged_addresses(endpoint: Endpoint, reach: Reach, resolve: Resolver) -> Sequence[Address]:
    """Every address of the endpoint, in the order to try them; raises BadEndpoint.

    One address that may not be called refuses them all: a name with a public and an inner address
    is an attempt to get inside.
    """
    found = list(dict.fromkeys(_read_address(text) for text in _addresses(endpoint, resolve)))
    if not found:
        raise BadEndpoint("host", endpoint.host)
    for address in found:
        if not may_call(address, reach, trial=endpoint.scheme == "http"):
            raise BadEndpoint("address", endpoint.host)
    return found


def _addresses(endpoint: Endpoint, resolve: Resolver) -> Iterable[str]:
    if _is_literal(endpoint.host):
        return [endpoint.host]
    try:
        return list(resolve(endpoint.host, endpoint.port))
    except (OSError, UnicodeError):
        raise BadEndpoint("host", endpoint.host) from None


def _read_address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise BadEndpoint("address", text[:60]) from None


def may_call(address: Address, reach: Reach, *, trial: bool = False) -> bool:
    """Whether the server may connect to an address, and to every address that it carries.

    `trial`: plain http, which goes to this machine and nowhere else.
    """
    carried = _carried(address)
    if carried is not None:
        return may_call(carried, reach, trial=trial)
    if trial:
        return reach.loopback and address.is_loopback
    if any(address in network for network in reach.networks if network.version == address.version):
        return not _is_never_called(address)
    return _is_of_the_internet(address)


def _is_never_called(address: Address) -> bool:
    """This machine, its neighbours on the wire, everybody at once: in no network that one names."""
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    )


def _is_of_the_internet(address: Address) -> bool:
    inside = (
        address.is_private, address.is_loopback, address.is_link_local, address.is_multicast,
        address.is_reserved, address.is_unspecified,
    )  # fmt: skip
    known = (network for network in _NEVER if network.version == address.version)
    return not any(inside) and not any(address in network for network in known)


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one, None where there is none."""
    if isinstance(address, IPv4Address) or address.is_loopback or address.is_unspecified:
        return None
    for network, low in _EMBEDDED:
        if address in network:
            return IPv4Address(int(address) >> low & 0xFFFFFFFF)
    return None


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _names_this_machine(host: str) -> bool:
    return host == "localhost" or (_is_literal(host) and ip_address(host).is_loopback)
