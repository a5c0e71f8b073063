"""Every key of a site file except those of [conf]: which values are right, and the default."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.config import value_types
from kickstart.release import ENGINES, RELEASE_BY_NAME

_DISK = r"[a-z][a-z0-9]*(/[a-z0-9]+)?"
_URL = r"((https?|ftp|file)://[!-~]+)?"
OURS_ALSO = ("asha-hwsim", "el5sarkha")


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a site file; `want` completes "… should be …"; without a default the key is required."""

    want: str
    is_right: Callable[[object], bool]
    default: object = None
    secret: bool = False


def _text(want: str, pattern: str, default: str | None = None, *, secret: bool = False) -> Field:
    compiled = re.compile(pattern, re.ASCII)
    return Field(
        want,
        lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None,
        default,
        secret=secret,
    )


def _whole(want: str, low: int, high: int, default: int | None = None) -> Field:
    # Python counts bool as int, but `true` is no number to anybody else.
    return Field(want, lambda value: type(value) is int and low <= value <= high, default)


def _list(want: str, each: Callable[[object], bool], default: tuple[str, ...] | None = None) -> Field:
    return Field(want, lambda value: isinstance(value, list) and all(map(each, value)), default)


def _of_conf(kind: value_types.ValueType[Any]) -> Callable[[object], bool]:
    """Return a check whether a value is right as a value of `kind` in asha.conf."""

    def is_right(value: object) -> bool:
        try:
            return isinstance(value, str) and bool(kind.parse(value))
        except ValueError:
            return False

    return is_right


def _or_empty(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value == "" or is_right(value)


def _is_ipv4(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(ipaddress.IPv4Address(value))
    except ValueError:
        return False


def _is_zone(value: object) -> bool:
    return isinstance(value, str) and value in zoneinfo.available_timezones()


def _matches(pattern: str) -> Callable[[object], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


_is_port = _matches(r"[1-9]\d{0,4}(-[1-9]\d{0,4})?:(tcp|udp)")
_is_package = _matches(r"@?\^?[A-Za-z0-9][A-Za-z0-9._+-]*")
is_mac = _matches(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_is_conf_device = _of_conf(value_types.DEVICE)


def _is_device(value: object) -> bool:
    """Tell whether `value` may name an interface; with more than an alias's one colon it is a part of a MAC address."""
    return _is_conf_device(value) and str(value).count(":") <= 1


_NODE_DEVICE = Field(
    'a network interface such as eth0, its MAC address such as 52:54:00:12:34:56, or ""',
    _or_empty(lambda value: is_mac(value) or _is_device(value)),
    "",
)
_HOST_NAME = Field("a node's name as 'uname -n' will say it", _of_conf(value_types.NODE_NAME))
_ADDRESS = Field("an IPv4 address", _is_ipv4)
_LINK_ADDRESS = Field('an IPv4 address, or ""', _or_empty(_is_ipv4), "")
_NODE = {
    "name": _HOST_NAME,
    "address": _ADDRESS,
    "link_address": _LINK_ADDRESS,
    "device": _NODE_DEVICE,
    "link_device": _NODE_DEVICE,
}

SECTIONS: Mapping[str, Mapping[str, Field]] = {
    "system": {
        "release": Field(
            f"one of {', '.join(RELEASE_BY_NAME)}", lambda value: value in RELEASE_BY_NAME, "el9"
        ),
        "language": _text("a locale such as en_US.UTF-8", r"[a-z]{2,3}_[A-Z]{2}\.UTF-8", "en_US.UTF-8"),
        "keyboard": _text("a console keymap such as us", r"[a-z][a-z0-9_-]*", "us"),
        "timezone": Field("a time zone such as Europe/London", _is_zone),
        "root_password_hash": _text(
            "what 'openssl passwd -6' prints, never the password itself",
            r"\$1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}"
            r"|\$5\$(rounds=\d+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}"
            r"|\$6\$(rounds=\d+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}",
            secret=True,
        ),
        "disk": _text("a disk's name without /dev/, such as sda", _DISK, "sda"),
        "mirror": _text(
            'the name of a second disk, such as sdb, for a software RAID 1, or ""', f"({_DISK})?", ""
        ),
        "swap_mb": _whole("megabytes from 256 to 65536", 256, 65536, 2048),
        "open_ports": _list('a list of ports such as "5060:udp" or "10000-20000:udp"', _is_port, ()),
    },
    "pair": {
        "cluster_address": _ADDRESS,
        "prefix": _whole("a prefix length from 8 to 30", 8, 30, 24),
        "gateway": _ADDRESS,
        "nameservers": _list("a list of IPv4 addresses", _is_ipv4, ()),
        "device": Field("a network interface such as eth0", _is_device, "eth0"),
        "link_device": Field('a network interface, or ""', _or_empty(_is_device), ""),
        "link_prefix": _whole("a prefix length from 8 to 30", 8, 30, 24),
        "engine": Field(
            f'{" or ".join(ENGINES)}, or "" for the one that the release has',
            lambda value: value in ("", *ENGINES),
            "",
        ),
        "panel": Field('an address such as 0.0.0.0, or ""', _or_empty(_of_conf(value_types.LISTEN)), ""),
        "serial": Field('a tty such as /dev/ttyS0, or ""', _or_empty(_of_conf(value_types.FILE)), ""),
    },
    "primary": _NODE,
    "secondary": _NODE,
    "packages": {
        "ours": _list(f"a list of {', '.join(OURS_ALSO)}", lambda value: value in OURS_ALSO, ()),
        "rpms": Field('a folder, or ""', lambda value: isinstance(value, str), ""),
        "from_distribution": _list("a list of package names", _is_package, ()),
        "ha_repository": _text('the URL of a repository, or ""', _URL, ""),
        "install_from": _text('a URL, or ""', _URL, ""),
    },
}
