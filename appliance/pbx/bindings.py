"""The addresses on which Asterisk is told to listen, as far as its configuration files tell by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.host.bounded import TooMuch, read_file

# The spellings of "any address"; a blank value is Asterisk's default, which means the same.
_EVERY = frozenset({"", "0.0.0.0", "::", "[::]", "*"})  # noqa: S104 - compared with, not bound to
# The keys by file. In sip.conf and iax.conf they stand in [general]; in pjsip.conf in a section of type transport.
_KEYS = {
    "sip.conf": frozenset({"bindaddr", "udpbindaddr", "tcpbindaddr", "tlsbindaddr"}),
    "iax.conf": frozenset({"bindaddr"}),
    "pjsip.conf": frozenset({"bind"}),
}
_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(:[0-9]+)?")
# A configuration file is small, so a larger file is not taken for one.
_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Binding:
    """One configuration line that binds Asterisk to a single address."""

    file: Path
    line: int
    key: str
    address: str


def narrow_bindings(folder: Path) -> tuple[Binding, ...]:
    """Return every line in `folder` by which SIP, IAX or PJSIP listens on one address only.

    A missing file has no such lines. Files included by one of them are read too, but not files that those
    include; templates are read as they stand.
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
    path = folder / name  # an absolute path stays absolute
    return sorted(path.parent.glob(path.name)) if any(sign in path.name for sign in "*?[") else [path]


def _address(value: str) -> str:
    """Return the address in `value` without the port."""
    found = _PORT.fullmatch(value)
    return found[1] if found else value


def _lines(file: Path) -> list[str]:
    try:
        return read_file(file, _LIMIT).decode(errors="replace").splitlines()
    except (OSError, TooMuch):
        return []
