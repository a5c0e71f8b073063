"""Installation of the stand-in where a PBX is expected."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PROGRAM = Path(__file__).with_name("program.py")


def program_text(python: str = "") -> str:
    """Return the program as one file; `python` is its interpreter, by default the current one."""
    interpreter = python or os.path.realpath(sys.executable)
    return f"#!{interpreter} -IS\n" + _PROGRAM.read_text()


def install(path: Path, python: str = "") -> None:
    """Write the program to `path`, executable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(program_text(python))
    fresh.chmod(0o755)
    fresh.replace(path)
