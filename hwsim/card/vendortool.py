"""A stand-in for the vendor's `rhinofailover`: one small file that needs nothing but a Python to run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# With -I -S (no site, no environment) the tool starts in some 15 ms.
_TEXT = '''\
#!{python} -IS
"""rhinofailover DEVICE RESET | RELAYON n | RELAYOFF n: a stand-in for the vendor's tool."""
import os, select, sys, termios

ANSWER_WITHIN = 1.0


def words(arguments):
    if len(arguments) == 2 and arguments[1] == "RESET":
        return "RESET"
    if len(arguments) == 3 and arguments[1] in ("RELAYON", "RELAYOFF") and arguments[2].isdigit():
        return arguments[1] + " " + arguments[2]
    sys.exit("usage: rhinofailover DEVICE RESET | RELAYON n | RELAYOFF n")


def opened(device):
    tty = os.open(device, os.O_RDWR | os.O_NOCTTY)
    settings = termios.tcgetattr(tty)
    settings[0] = settings[1] = settings[3] = 0
    settings[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
    settings[4] = settings[5] = termios.B9600
    termios.tcsetattr(tty, termios.TCSANOW, settings)
    termios.tcflush(tty, termios.TCIFLUSH)
    return tty


def answer(tty):
    heard = b""
    while not heard.endswith(b"\\n"):
        if not select.select([tty], [], [], ANSWER_WITHIN)[0]:
            return heard
        data = os.read(tty, 64)
        if not data:
            return heard
        heard += data
    return heard


def main():
    command = words(sys.argv[1:])
    try:
        tty = opened(sys.argv[1])
        os.write(tty, command.encode() + b"\\r\\n")
        said = answer(tty).strip()
    except (OSError, termios.error) as problem:
        sys.exit("rhinofailover: %s: %s" % (sys.argv[1], problem))
    if said != b"OK":
        sys.exit("rhinofailover: %s: the card said %r" % (sys.argv[1], said))


main()
'''

FAILING = "#!/bin/sh\necho 'rhinofailover: the card said no' >&2\nexit 1\n"
HANGING = "#!/bin/sh\nexec sleep 3600\n"


def tool_text(python: str = "") -> str:
    """Return the program; `python` is its interpreter, by default the current one."""
    return _TEXT.format(python=python or os.path.realpath(sys.executable))


def install(path: Path, text: str = "") -> None:
    """Put the tool at `path`, executable, in one step; `text` (such as FAILING) replaces the good tool."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")  # never written in place: a running script would be affected
    fresh.write_text(text or tool_text())
    fresh.chmod(0o755)
    fresh.replace(path)
