"""What a pair cannot do without, and a site file has no package of: told when the files are made, not at the end."""

from __future__ import annotations

from kickstart.release import PACEMAKER
from kickstart.site import Site

# Each program, and how the names of its packages begin.
_HEARTBEAT, _PACEMAKER = {"Heartbeat": "heartbeat"}, {"Pacemaker": "pacemaker"}
_ASTERISK = {"Asterisk": "asterisk"}


def left_out(site: Site) -> tuple[str, ...]:
    """Return a sentence for each program that no package of the site file brings."""
    engine = _PACEMAKER if site.engine == PACEMAKER else _HEARTBEAT
    needed = {**({} if site.packages["ha_repository"] else engine), **_ASTERISK}
    named = (*site.extra, *site.packages["from_distribution"])
    return tuple(
        f"The site file names no package of {program}, so these media install none: put its RPMs in the folder that "
        f"[packages] rpms names, or its name in from_distribution where install_from has it{_or_there(program)}; or "
        "install it by hand before 'asha ha start'."
        for program, begins in needed.items()
        if not any(name.startswith(begins) for name in named)
    )


def _or_there(program: str) -> str:
    return ", or its repository's URL as ha_repository" if program in _PACEMAKER else ""
