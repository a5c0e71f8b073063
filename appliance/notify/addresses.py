"""Addresses of a mail or web server by its name, and connections to them.

IPv4 comes first and is asked for alone, so that a name server that cannot answer for IPv6 loses nothing
(`name_servers`). IPv6 is asked for when there is no IPv4 address, or none that can be reached.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from appliance.host.bounded import TooMuch, read_file
from appliance.notify.name_servers import AddressAnswer, LookupOutcome, NameServers
from appliance.notify.resolver_conf import ResolverConf, is_address, parse_resolver_conf

T = TypeVar("T")

# Part of the time for a whole delivery that one address may take to accept a connection.
_SHARE = 1 / 3
_LIMIT = 16 * 1024 * 1024  # bytes of a hosts file; lists that block advertisers are that long
# After these answers to the question for IPv4 the rest of the search list is of no use, as with glibc: an
# earlier domain of it may have the name.
_ENDS_SEARCH = frozenset({LookupOutcome.REFUSED, LookupOutcome.SILENCE})


class NoAddress(OSError):
    """A server's name for which no address was found; the message says what each question came to."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that this machine knows: its hosts file, then its name servers.

    `port`: where name servers listen. `patience`: seconds for one answer of theirs.
    """

    resolver_conf: Path = Path("/etc/resolv.conf")
    hosts: Path = Path("/etc/hosts")
    port: int = 53
    patience: float = 3.0

    def addresses(self, host: str) -> Iterator[str]:
        """Yield the addresses of `host`, the better ones first. Raises NoAddress when there is none."""
        known = _numeric(host) or _in_hosts(_content(self.hosts), host)
        return iter(known) if known else self._asked(host)

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Return a connection to the first address of `host` that accepts one. Raises OSError.

        `timeout` is in seconds: for each answer on the connection, and a third of it for each address to
        accept.
        """

        def connected(address: str) -> socket.socket:
            connection = socket.create_connection((address, port), timeout * _SHARE)
            connection.settimeout(timeout)
            return connection

        return self._first(host, connected)

    def send_datagram(self, data: bytes, host: str, port: int, timeout: float) -> None:
        """Send `data` to the first address of `host` to which there is a way. Raises OSError."""

        def send(address: str) -> None:
            with socket.socket(_family(address), socket.SOCK_DGRAM) as out:
                out.settimeout(timeout)
                out.sendto(data, (address, port))

        self._first(host, send)

    def _first(self, host: str, use: Callable[[str], T]) -> T:
        """Return what `use` makes of the first address with which it succeeds, else raise its first error."""
        first: OSError | None = None
        for address in self.addresses(host):
            try:
                return use(address)
            except OSError as problem:
                first = first or problem
        raise first or NoAddress(f"{host} has no address")

    def _asked(self, host: str) -> Iterator[str]:
        conf = parse_resolver_conf(_content(self.resolver_conf), os.uname().nodename)
        return _look_up(host, conf, NameServers(conf, self.port, self.patience))


def _look_up(host: str, conf: ResolverConf, servers: NameServers) -> Iterator[str]:
    """Yield the addresses of the first full name that has any. Raises NoAddress."""
    said: dict[str, str] = {}
    ended = False
    for name, listed in conf.candidates(host):
        if name in said or (listed and ended):
            continue
        ipv4 = servers.ask(name, socket.AF_INET)
        yield from ipv4.addresses
        if ipv4.outcome is LookupOutcome.NO_SUCH_NAME:
            ipv6 = ipv4  # that goes for addresses of every kind
        else:
            ipv6 = servers.ask(name, socket.AF_INET6)
            yield from ipv6.addresses
        if ipv4.addresses or ipv6.addresses:
            return
        said[name] = _explain(ipv4, ipv6)
        ended = ended or (listed and ipv4.outcome in _ENDS_SEARCH)
    raise NoAddress(f"{host} has no address ({'; '.join(': '.join(pair) for pair in said.items())})")


def _explain(ipv4: AddressAnswer, ipv6: AddressAnswer) -> str:
    if ipv4.outcome is ipv6.outcome:
        return ipv4.outcome.value
    return f"IPv4: {ipv4.outcome.value}, IPv6: {ipv6.outcome.value}"


def _numeric(host: str) -> tuple[str, ...]:
    """Return the address that `host` is, in any spelling that the C library reads, if it is one."""
    try:
        return (socket.inet_ntoa(socket.inet_aton(host)),)
    except OSError:
        return (host,) if ":" in host else ()


def _in_hosts(text: str, host: str) -> tuple[str, ...]:
    """Return the addresses of `host` by a hosts file, IPv4 before IPv6."""
    wanted = host.casefold()
    found = []
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if wanted in map(str.casefold, names) and is_address(address):
            found.append(address)
    return tuple(sorted(dict.fromkeys(found), key=lambda address: ":" in address))


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _content(path: Path) -> str:
    """Return the content of a file of this machine; what cannot be read counts as empty, as to a C library."""
    try:
        return read_file(path, _LIMIT).decode("ascii", "replace")
    except (OSError, TooMuch):
        return ""
