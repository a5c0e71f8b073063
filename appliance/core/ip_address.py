"""IP addresses of both families as text: the cluster's own, and whether two are in one subnet."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

_BITS = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """One address of the cluster, and the prefix length of its subnet."""

    ip: str
    prefix: int


def version_of(ip: str) -> int:
    """Return the version of the Internet Protocol, 4 or 6, that `ip` is an address of."""
    return 6 if ":" in ip else 4


def is_ipv4(text: str) -> bool:
    """Tell whether `text` is an address of IPv4, and not a name."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=64)
def in_subnet(ip: str, other: str, prefix: int) -> bool:
    """Tell whether two addresses are of one family and in one subnet of that prefix length.

    It is asked of the same few addresses in each turn, for which it took one part in twenty of a long campaign.
    """
    version = version_of(ip)
    if version != version_of(other):
        return False
    first, second = (int(ipaddress.ip_address(text)) for text in (ip, other))
    return (first ^ second) >> (_BITS[version] - prefix) == 0


def without_double_colon(ip: str) -> str:
    """Return an IPv6 address with its zeroes written out: `2001:db8:0:0:0:0:0:5`."""
    return ":".join(f"{int(group, 16):x}" for group in ipaddress.IPv6Address(ip).exploded.split(":"))


def with_port(ip: str, port: int) -> str:
    """Return address and port as URIs have them: `10.0.0.5:5060`, `[2001:db8::5]:5060` (RFC 3986, 3.2.2)."""
    return f"[{ip}]:{port}" if version_of(ip) == 6 else f"{ip}:{port}"
