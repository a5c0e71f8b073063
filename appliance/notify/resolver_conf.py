"""What /etc/resolv.conf says, and the order in which a name is asked for; both as glibc has it.

The C library of the private runtime is musl, which treats the search list otherwise: a name with a dot is never
looked for in it, and one domain whose server fails ends the search (docs/facts/resolver.md).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import NamedTuple

# Name servers and dots that glibc takes at the most; what is more does not count.
_MOST_SERVERS = 3
_MOST_DOTS = 15
_ROOT = "."
# What is asked when no name server is named.
_OWN_SERVER = ("127.0.0.1",)


class Candidate(NamedTuple):
    """Full name to ask for. `listed`: it was made with a domain of the search list."""

    name: str
    listed: bool


@dataclass(frozen=True, slots=True)
class ResolverConf:
    """The name servers to ask and the domains of the search list.

    `ndots`: the number of dots from which on a name is first taken as it is.
    """

    servers: tuple[str, ...] = _OWN_SERVER
    search: tuple[str, ...] = ()
    ndots: int = 1

    def candidates(self, name: str) -> tuple[Candidate, ...]:
        """Return the full names that `name` may stand for, in the order in which they are asked for.

        A name with a dot at its end is full. A name of `ndots` dots or more is asked for as it is, and then in
        the domains of the search list; any other in these domains first.
        """
        if name.endswith(_ROOT):
            return (Candidate(name.removesuffix(_ROOT), listed=False),)
        as_it_is = Candidate(name, listed=False)
        listed = [
            Candidate(name, listed=True) if domain == _ROOT else Candidate(f"{name}.{domain}", listed=True)
            for domain in self.search
        ]
        return (as_it_is, *listed) if name.count(".") >= self.ndots else (*listed, as_it_is)


def parse_resolver_conf(text: str, own_name: str) -> ResolverConf:
    """Return what the content of /etc/resolv.conf says; a line that makes no sense counts as absent.

    Of several lines `search` and `domain` the last one counts. Without any, the search list is the domain in
    `own_name`, the name of this machine.
    """
    servers: list[str] = []
    own_domain = own_name.partition(".")[2]
    search: tuple[str, ...] = (own_domain,) if own_domain else ()
    ndots = 1
    for line in text.splitlines():
        match line.split():
            case ["nameserver", server, *_] if is_address(server):
                servers.append(server)
            case ["search", *domains] if domains:
                search = tuple(map(_domain, domains))
            case ["domain", domain, *_]:
                search = (_domain(domain),)
            case ["options", *options]:
                ndots = _ndots(options, ndots)
    return ResolverConf(tuple(servers[:_MOST_SERVERS]) or _OWN_SERVER, search, ndots)


def _domain(word: str) -> str:
    return word.strip(_ROOT) or _ROOT


def _ndots(options: list[str], before: int) -> int:
    for option in options:
        word, _, number = option.partition(":")
        if word == "ndots" and number.isascii() and number.isdigit():
            before = min(int(number), _MOST_DOTS)
    return before


def is_address(text: str) -> bool:
    """Return whether `text` is an IPv4 or IPv6 address in its usual spelling."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
