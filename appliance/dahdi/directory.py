"""A directory of DAHDI configuration: read it from disk, and have dahdi_cfg check it."""

from __future__ import annotations

from pathlib import Path

from appliance.core.errors import HostError
from appliance.dahdi.configuration import (
    Configuration,
    parse_channel_file,
    parse_modules,
    parse_system_conf,
)
from appliance.host.process import find_program, run

# Every other *.conf is read as a channel file; a file without `channel =>` asks for nothing.
_OTHERS = frozenset({"system.conf", "init.conf", "assigned-spans.conf", "span-types.conf"})
# Seconds for `dahdi_cfg -t`, which reads one file and changes nothing.
_DEADLINE = 10.0


def read_configuration(directory: Path) -> Configuration:
    """Return what the files of `directory` ask for; a missing file asks for nothing. Raises HostError."""
    names = sorted(path.name for path in directory.glob("*.conf") if path.name not in _OTHERS)
    return Configuration(
        parse_system_conf(_text(directory / "system.conf")),
        {name: parse_channel_file(_text(directory / name)) for name in names},
        parse_modules(_text(directory / "modules")),
    )


def refused_by_dahdi_cfg(directory: Path) -> str:
    """Return what `dahdi_cfg -t` says against system.conf of `directory`.

    The answer is "" when dahdi_cfg accepts the file or there is no such file. dahdi_cfg opens /dev/dahdi/ctl,
    so DAHDI must be loaded. Raises HostError when dahdi_cfg is not installed on this node.
    """
    file = directory / "system.conf"
    if not file.exists():
        return ""
    ended = run([find_program("dahdi_cfg"), "-t", "-c", file], deadline=_DEADLINE)
    return "" if ended.ok else f"dahdi_cfg does not accept system.conf: {_complaint(ended.error, ended.code)}"


def _complaint(said: str, code: int | None) -> str:
    """Return the first complaint in dahdi_cfg's output; its notices and its closing count are skipped."""
    if code is None:
        return "it did not end within its deadline"
    lines = [line.strip() for line in said.splitlines()]
    complaints = [line for line in lines if line.startswith("line ")]
    return complaints[0].rstrip(".") if complaints else f"it ended with status {code}"


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as problem:
        raise HostError(f"{file.name} could not be read: {problem.strerror}.") from problem
