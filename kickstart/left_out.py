"""What a pair cannot do without, and a site file has no package of: told when the files are made, not at the end."""

from __future__ import annotations

from kickstart.site import Site

_NEEDED = {"Heartbeat": "heartbeat", "Asterisk": "asterisk"}  # and how the names of its packages begin


def left_out(site: Site) -> tuple[str, ...]:
    """Return a sentence for each program that no package of the site file brings."""
    named = (*site.extra, *site.packages["from_distribution"])
    return tuple(
        f"The site file names no package of {program}, so these media install none: put its RPMs in the folder that "
        "[packages] rpms names, or its name in from_distribution where install_from has it; or install it by hand "
        "before 'asha ha start'."
        for program, begins in _NEEDED.items()
        if not any(name.startswith(begins) for name in named)
    )
