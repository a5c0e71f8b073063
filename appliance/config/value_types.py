"""Kinds of value that a key may hold: text to value, value to text, and a description of what would be right.

A `parse` takes a non-empty text without the quotes around it and raises ValueError; the message, if any,
replaces the kind's own `want`. `render` gives the one text that parses back to the same value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from appliance.config.quotes import advice_on, advice_on_text, command_words
from appliance.core.schedule import schedule_of

T = TypeVar("T")
W = TypeVar("W", bound=str)

_DAY_MS = 24 * 60 * 60 * 1000
_DURATION = re.compile(r"([0-9]{1,8})(?:\.([0-9]{1,3}))? ?(ms|s)?", re.ASCII | re.IGNORECASE)
_OCTET = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_HEADER_SECRET = re.compile(r"[A-Za-z0-9._+=/-]{16,200}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*", re.ASCII)
_URL = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(:(?P<port>[0-9]{1,5}))?([/?][!-~]*)?", re.ASCII | re.IGNORECASE
)
_MAIL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._%+-]*(@[A-Za-z0-9][A-Za-z0-9.-]*)?", re.ASCII)


_MOST_HOSTS = 8
_PATTERN = re.compile(r"[*?]")
_MORE_THAN_ONE = re.compile(r"[\s,]/|\s--?[A-Za-z]")


@dataclass(frozen=True, slots=True)
class ValueType(Generic[T]):
    """Kind of value.

    `want` completes the sentence "the value should be …". `words` are all possible values, where these are
    few. `bare` returns what to do about a value that stands in the file without quotes and that a shell would
    read differently, or "" if a shell would read it the same.
    """

    want: str
    parse: Callable[[str], T]
    render: Callable[[T], str] = str
    words: tuple[str, ...] = ()
    bare: Callable[[str], str] = advice_on


def choice(*words: W) -> ValueType[W]:
    """Return the kind of one of `words`, in any mix of upper and lower case."""
    by_folded = {word.casefold(): word for word in words}

    def parse(text: str) -> W:
        if text.casefold() not in by_folded:
            raise ValueError
        return by_folded[text.casefold()]

    return ValueType(f"{', '.join(words[:-1])} or {words[-1]}", parse, words=words)


def switch(yes: str, no: str) -> ValueType[bool]:
    """Return the kind of a bool written with two words, in any mix of upper and lower case."""
    words = choice(yes, no)
    return ValueType(
        words.want, lambda text: words.parse(text) == yes, lambda on: yes if on else no, (yes, no)
    )


def whole(low: int, high: int, what: str = "a whole number") -> ValueType[int]:
    """Return the kind of an integer, `low` and `high` included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return ValueType(f"{what} from {low} to {high}", parse)


def duration(least_ms: int) -> ValueType[float]:
    """Return the kind of a time such as `200ms`, `2`, `2s` or `1.5`, from `least_ms` up to a day.

    The value is seconds as a float, to the millisecond.
    """

    def parse(text: str) -> float:
        milliseconds = _milliseconds(text)
        if not least_ms <= milliseconds <= _DAY_MS:
            raise ValueError
        return milliseconds / 1000

    least = f"at least {least_ms} ms" if least_ms else "0 or more"
    return ValueType(f"a time such as 200ms, 2, 2s or 1.5 ({least}, at most a day)", parse, _time_text)


def _milliseconds(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError
    number, decimals, unit = found.groups()
    if unit is None or unit.lower() == "s":
        return int(number) * 1000 + int((decimals or "0").ljust(3, "0"))
    if decimals:
        raise ValueError("a time in whole milliseconds")
    return int(number)


def _time_text(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    return repr(milliseconds / 1000).removesuffix(".0")


def ipv4_number(text: str) -> int:
    """Return an IPv4 address as its 32-bit number. Raises ValueError for any other spelling."""
    octets = text.split(".")
    if len(octets) != 4 or not all(_OCTET.fullmatch(octet) and int(octet) < 256 for octet in octets):
        raise ValueError
    return int.from_bytes(bytes(int(octet) for octet in octets))


def unicast(text: str) -> str:
    """Return `text` if it is an IPv4 address that one machine can own on a network, else raise ValueError."""
    if ":" in text:
        return text if text in ("::", "::1") else ipv6_unicast(text)
    first = ipv4_number(text) >> 24
    if first in (0, 127) or first >= 224:
        raise ValueError("the address of one machine (not loopback, multicast or broadcast)")
    return text


def _ipv4(text: str) -> str:
    if ":" in text:
        raise ValueError("an IPv4 address; the cluster's IPv6 address goes in HACLUSTERIP6")
    return unicast(text)


def ipv6_unicast(text: str) -> str:
    """Return `text` if it is an IPv6 address that one machine can own on any network, else raise ValueError.

    It must have the one spelling of RFC 5952, which every program prints: it is compared as text.
    """
    if ":" not in text:
        raise ValueError
    if "%" in text:
        raise ValueError("without %, which names an interface: the address that is the same on both nodes")
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise ValueError from None
    if address.is_link_local or address.is_multicast:
        raise ValueError("the address of one machine, neither link-local (fe80::) nor multicast (ff00::)")
    if address.is_reserved or int(address) >> 32 == 0:  # among them every way to write one of IPv4
        raise ValueError(
            "of the networks that hosts have (2000::/3, fc00::/7), and none that stands for one of IPv4"
        )
    if str(address) != text:
        raise ValueError(f"spelt '{address}', as RFC 5952 has it: in small letters, and as short as can be")
    return text


def _with_prefix(text: str) -> str:
    ip, slash, length = text.partition("/")
    if not slash:
        ipv6_unicast(ip)
        raise ValueError(f"with its prefix length behind it: {ip}/64, say")
    ipv6_unicast(ip)
    try:
        prefix = whole(1, 127).parse(length)
    except ValueError:
        raise ValueError(f"with a prefix length from 1 to 127: {ip}/64, say") from None
    if int(ipaddress.IPv6Address(ip)) & ((1 << (128 - prefix)) - 1) == 0 and prefix < 127:
        raise ValueError(f"a host's address, not that of the network {text} (which every router answers to)")
    return f"{ip}/{prefix}"


def any_unicast(text: str) -> str:
    """Return `text` if it is the address of one machine, of IPv4 or of IPv6, else raise ValueError."""
    return ipv6_unicast(text) if ":" in text else unicast(text)


def _listen(text: str) -> str:
    if ":" in text:
        return text if text in ("::", "::1") else ipv6_unicast(text)
    first = ipv4_number(text) >> 24
    if first >= 224 or (first == 0 and ipv4_number(text)):
        raise ValueError(LISTEN.want)
    return text


def _address_or_name(text: str) -> str:
    return ipv6_unicast(text) if ":" in text else HOST.parse(text)


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return parse


def _path(text: str) -> Path:
    path = Path("/" + text.lstrip("/"))
    if not text.startswith("/") or ".." in path.parts or _PATTERN.search(text):
        raise ValueError
    if _MORE_THAN_ONE.search(text):
        raise ValueError("one full path alone, without options and without a second path")
    return path


def _file(text: str) -> Path:
    if text.endswith("/"):
        raise ValueError("a file, not a directory: no / at its end")
    return _directory(text)


def _directory(text: str) -> Path:
    path = _path(text)
    if path == Path("/"):
        raise ValueError("something below /, not the whole of it")
    return path


def _word_or_path(text: str) -> str:
    return str(_file(text)) if "/" in text else _matching(_WORD)(text)


def _command(text: str) -> str:
    words = command_words(text)
    if not words:
        raise ValueError
    _file(words[0])
    return text


def _spans(text: str) -> tuple[int, ...]:
    numbers = tuple(SPAN.parse(word) for word in text.replace(",", " ").split())
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError
    return numbers


def _contacts(text: str) -> tuple[int, ...]:
    numbers = tuple(CONTACT.parse(word) for word in text.replace(",", " ").split())
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError
    return numbers


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(any_unicast(word) for word in text.replace(",", " ").split())
    if not hosts or len(set(hosts)) < len(hosts) or len(hosts) > _MOST_HOSTS:
        raise ValueError
    return hosts


def _server(text: str) -> str:
    host, colon, port = text.partition(":")
    if colon:
        PORT.parse(port)
    return f"{HOST.parse(host)}{colon}{port}"


def _relay_device(text: str) -> str:
    """Return a tty's path, or an address: a name would have to be looked up while a line waits to be moved."""
    if text.startswith("/"):
        return str(_file(text))
    address, colon, port = text.partition(":")
    if colon:
        PORT.parse(port)
    return f"{IPV4.parse(address)}{colon}{port}"


def _relay_password(text: str) -> str:
    if len(text) > 15 or not text.isascii() or not text.isprintable():
        raise ValueError
    return text


def _url(text: str) -> str:
    # urllib would fail on a malformed URL, or ask the DNS for it, only when an alert is to go out.
    found = _URL.fullmatch(text)
    if found is None:
        raise ValueError
    if port := found["port"]:
        PORT.parse(port)
    return text


def _one_mail(text: str) -> str:
    if not _MAIL.fullmatch(text):
        raise ValueError
    return text


def _mail(text: str) -> str:
    addresses = text.replace(",", " ").split()
    if not addresses or not all(_MAIL.fullmatch(address) for address in addresses):
        raise ValueError
    return ", ".join(addresses)


YES_NO = switch("YES", "NO")
ON_OFF = switch("on", "off")
PORT = whole(1, 65535, "a port number")
PORT_OR_OFF = whole(0, 65535, "a port number (0 is off)")
COUNT = whole(1, 100, "a count")
LIMIT = whole(0, 100, "a count (0 is off)")
SPAN = whole(1, 1023, "a span number")
CONTACT = whole(0, 31, "a contact's number")
DEADLINE = duration(1)
DWELL = duration(0)

IPV4 = ValueType("an IPv4 address such as 192.168.1.5 (its prefix length goes in HAPREFIX)", _ipv4)
IPV6 = ValueType("an IPv6 address with its prefix length, such as 2001:db8::5/64", _with_prefix)
HOSTS = ValueType(
    f"at most {_MOST_HOSTS} IP addresses, each once, with commas between",
    _hosts,
    ", ".join,
)
LISTEN = ValueType(
    "an address of this machine, 127.0.0.1 or ::1, 0.0.0.0 for every one of IPv4, or :: for every one",
    _listen,
)
PREFIX = ValueType(
    "a path of one word in small letters, digits and -, such as /asha",
    _matching(re.compile(r"/[a-z0-9-]+", re.ASCII)),
)
NODE_NAME = ValueType(
    "a node's name as 'uname -n' prints it on that node",
    _matching(re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)),
)
HOST = ValueType(
    "a host's name or IPv4 address",
    _matching(re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}", re.ASCII)),
)
ADDRESS_OR_NAME = ValueType("a host's name, or its IPv4 or IPv6 address", _address_or_name)
DEVICE = ValueType(
    "a network interface such as eth0 (at most 15 characters)",
    _matching(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,14}", re.ASCII)),
)
WORD = ValueType("one word of letters, digits, . _ + and -", _matching(_WORD))
TEXT = ValueType("a text", str, bare=advice_on_text)
HEADER_SECRET = ValueType("16 to 200 letters, digits, . _ + = / and -", _matching(_HEADER_SECRET))
PATH = ValueType("a full path, from / on, without .., * and ?", _path)
FILE = ValueType("the full path of a file, from / on, without .., * and ?", _file)
FILE_TEXT = ValueType(FILE.want, lambda text: str(_file(text)))
RELAY_DEVICE = ValueType(
    "the full path of a file below /dev, or an IPv4 address, with :port if it is not the usual one",
    _relay_device,
)
RELAY_PASSWORD = ValueType("at most 15 printable ASCII characters", _relay_password)
DIRECTORY = ValueType("the full path of a directory, from / on, without .., * and ?", _directory)
DIRECTORY_OR_FILE = ValueType(
    "the full path of a directory or of a file, from / on, without .., * and ?", _directory
)
DIRECTORY_TEXT = ValueType(DIRECTORY.want, lambda text: str(_directory(text)))
WORD_OR_PATH = ValueType("one name, or a full path from / on", _word_or_path)
COMMAND = ValueType(
    "a program's full path, from / on, with its arguments if any", _command, bare=lambda text: ""
)
SPANS = ValueType(
    "span numbers such as 1,2 (from 1 to 1023, each once)",
    _spans,
    lambda spans: ",".join(str(span) for span in spans),
)
CONTACTS = ValueType(
    "contacts' numbers such as 1,2,3,4 (from 0 to 31, each once)",
    _contacts,
    lambda contacts: ",".join(str(contact) for contact in contacts),
)
DRILL = ValueType(
    "off, or weekly with a day and a time of this machine's clock, such as weekly sunday 03:30",
    schedule_of,
    bare=lambda text: "",
)
MAIL = ValueType("one or more mail addresses with commas between", _mail)
ONE_MAIL = ValueType("a mail address", _one_mail)
SERVER = ValueType("a host's name or IPv4 address, with :port if it is not the usual one", _server)
URL = ValueType(
    "an address such as https://host/path, without blanks and without a user's name in it",
    _url,
    bare=advice_on_text,
)
