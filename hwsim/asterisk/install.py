"""Installation of the stand-in where a PBX is expected."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_CONSOLE = Path(__file__).with_name("console.py")
_PBX = Path(__file__).with_name("program.py")
_SHARED = "from hwsim.asterisk.console import STILL_BOOTING, VERSION, Settings\n"


def program_text(python: str = "") -> str:
    """Return the program as one file; `python` is its interpreter, by default the current one.

    The PBX is in it as a text, so that the console is not made to compile it each second.
    """
    interpreter = python or os.path.realpath(sys.executable)
    pbx = _PBX.read_text().replace(_SHARED, "")
    return f"#!{interpreter} -IS\n{_CONSOLE.read_text()}\nexec(compile({pbx!r}, 'asterisk', 'exec'))\n"


def install(path: Path, python: str = "") -> None:
    """Write the program to `path`, executable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(program_text(python))
    fresh.chmod(0o755)
    fresh.replace(path)
