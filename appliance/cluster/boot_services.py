"""Whether init starts an engine's services at boot; only systemd is asked and told.

Pacemaker is not to be had for hosts with another init.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.process import find_program, run

_DEADLINE = 30.0  # seconds: systemctl runs the init script's own tool, too, where there is one
_RUNS = Path("/run/systemd/system")


def started_at_boot(services: Sequence[str], runs: Path = _RUNS) -> tuple[str, ...]:
    """Return those of `services` that systemd starts at boot; none where it is not the init of this machine.

    Blocking. Raises HostError.
    """
    if not runs.is_dir():
        return ()
    systemctl = find_program("systemctl")
    return tuple(
        name
        for name in services
        if run([systemctl, "is-enabled", f"{name}.service"], deadline=_DEADLINE).output.strip() == "enabled"
    )


def set_at_boot(services: Sequence[str], *, on: bool, runs: Path = _RUNS) -> None:
    """Have systemd start `services` at boot, or not; nothing is started or stopped now. Blocking. Raises HostError."""
    if not runs.is_dir() or not services:
        return
    verb = "enable" if on else "disable"
    done = run(
        [find_program("systemctl"), verb, *(f"{name}.service" for name in services)], deadline=_DEADLINE
    )
    if not done.ok:
        raise HostError(f"What is started at boot could not be changed: {done.explain()}.")


def swap_at_boot(old: Sequence[str], new: Sequence[str]) -> None:
    """Have systemd start `new` at boot instead of `old`, if it starts any of these. Blocking. Raises HostError."""
    if started_at_boot(old):
        set_at_boot(new, on=True)
        set_at_boot(old, on=False)
