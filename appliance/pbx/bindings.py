"""Which addresses Asterisk is told to listen on, as far as its configuration files say so by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.host.bounded import TooMuch, read_file

# What any address is written as; a blank value is Asterisk's default, which is the same.
_EVERY = frozenset({"", "0.0.0.0", "::", "[::]", "*"})  # noqa: S104 - compared with, not bound to
# The keys by file. In sip.conf and iax.conf they stand in [general]; in pjsip.conf in a section of type transport.
_KEYS = {
    "sip.conf": frozenset({"bindaddr", "udpbindaddr", "tcpbindaddr", "tlsbindaddr"}),
    "iax.conf": frozenset({"bindaddr"}),
    "pjsip.conf": frozenset({"bind"}),
}
_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(:[0-9]+)?")
# A configuration file is small; what is larger is none. And includes are followed one step.
_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Binding:
    """One line that ties Asterisk to one address."""

    file: Path
    line: int
    key: str
    address: str


def narrow_bindings(folder: Path) -> tuple[Binding, ...]:
    """Every line in `folder` by which SIP, IAX or PJSIP listens on one address only. A file that is not there has none.

    Files that one of them includes are read too, but not what those include; templates are taken as they stand.
    """
    return tuple(found for name in _KEYS for found in _in_file(folder, folder / name, _KEYS[name], depth=1))


def _in_file(folder: Path, file: Path, keys: frozenset[str], depth: int) -> Iterator[Binding]:
    for number, line in enumerate(_lines(file), 1):
        word = line.partition(";")[0].strip()
        if word.startswith(("#include", "#tryinclude")) and depth:
            for included in _included(folder, word):
                yield from _in_file(folder, included, keys, depth - 1)
            continue
        key, equals, value = word.partition("=")
        key, value = key.strip().casefold(), value.strip().removeprefix(">").strip()
        if equals and key in keys and (address := _address(value)) not in _EVERY:
            yield Binding(file, number, key, address)


def _included(folder: Path, word: str) -> list[Path]:
    name = word.partition(" ")[2].strip().strip("\"'<>")
    if not name:
        return []
    path = folder / name  # a full path stays one
    return sorted(path.parent.glob(path.name)) if any(sign in path.name for sign in "*?[") else [path]


def _address(value: str) -> str:
    """Without the port."""
    found = _PORT.fullmatch(value)
    return found[1] if found else value


def _lines(file: Path) -> list[str]:
    try:
        return read_file(file, _LIMIT).decode(errors="replace").splitlines()
    except (OSError, TooMuch):
        return []
