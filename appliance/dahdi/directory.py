"""A directory of DAHDI configuration, read from the disk and put before dahdi_cfg."""

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

# Every other *.conf is read as a channel file; one without `channel =>` asks for nothing.
_OTHERS = frozenset({"system.conf", "init.conf", "assigned-spans.conf", "span-types.conf"})
# It reads one file and changes nothing; seconds.
_DEADLINE = 10.0


def read_configuration(directory: Path) -> Configuration:
    """What the files of `directory` ask for; a file that is not there asks for nothing. Raises HostError."""
    names = sorted(path.name for path in directory.glob("*.conf") if path.name not in _OTHERS)
    return Configuration(
        parse_system_conf(_text(directory / "system.conf")),
        {name: parse_channel_file(_text(directory / name)) for name in names},
        parse_modules(_text(directory / "modules")),
    )


def refused_by_dahdi_cfg(directory: Path) -> str:
    """What `dahdi_cfg -t` says against system.conf of `directory`; "" when it accepts it or there is none.

    It wants to open /dev/dahdi/ctl, so DAHDI must be loaded. Raises HostError when it is not on this node.
    """
    file = directory / "system.conf"
    if not file.exists():
        return ""
    ended = run([find_program("dahdi_cfg"), "-t", "-c", file], deadline=_DEADLINE)
    return "" if ended.ok else f"dahdi_cfg does not accept system.conf: {_complaint(ended.error, ended.code)}"


def _complaint(said: str, code: int | None) -> str:
    """Its first complaint; notices and the closing count are no news."""
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
