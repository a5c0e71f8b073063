"""What starts Asterisk or Heartbeat besides asha: at boot, after a crash, or by the clock.

Heartbeat decides where Asterisk runs and asha starts it there. A second starter puts an Asterisk on the standby, or
brings one back on a node that has just handed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.core.host_check.finding import Finding, warning, worst_of, wrong

NO_RESTART = ("", "no")
"""The values of a unit's `Restart=` by which systemd leaves a service that has ended alone."""


@dataclass(frozen=True, slots=True)
class BootStarters:
    """What starts the service `program` at boot.

    `rc_links` are links such as /etc/rc3.d/S90asterisk, `wants` those of enabled units, `lines` lines of inittab and
    rc.local as `FILE: TEXT`. `rc_tool` is the command that switches an init script off, without its arguments.
    `has_unit`: systemd runs here and has a unit of that name, so that it pays no heed to the rc links.
    """

    program: str
    rc_links: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    rc_tool: str = ""
    has_unit: bool = False


@dataclass(frozen=True, slots=True)
class Restarters:
    """What starts Asterisk again when it ends.

    `supervising` are processes such as `safe_asterisk (pid 7)`. `restart` is the `Restart=` in force in the unit
    asterisk.service, "" without such a unit; `unit_runs`: systemd runs Asterisk as that unit now. `named_in` are
    configuration files of supervisors and timetables that name Asterisk, and `watching` is whether a supervisor runs
    that reads them. `init_script` is the path of an init script that uses safe_asterisk, or "".
    """

    supervising: tuple[str, ...] = ()
    restart: str = ""
    unit_runs: bool = False
    named_in: tuple[str, ...] = ()
    watching: bool = False
    init_script: str = ""


def judge_boot(found: Sequence[BootStarters]) -> Finding:
    """Judge what is started at boot: Asterisk must not be; whether Heartbeat is, the site should have chosen."""
    names = " nor ".join(one.program for one in found)
    return worst_of(
        _boot(found),
        f"the system starts neither {names} at boot; after one 'asha ha start' has this node join the pair",
    )


def _boot(found: Sequence[BootStarters]) -> Iterator[Finding]:
    for one in found:
        links = one.wants or (() if one.has_unit else one.rc_links)
        ways = (*links, *one.lines)
        if not ways:
            continue
        if one.program == "heartbeat":
            says = f"{one.program} is started at boot, so this node joins the pair without anybody ({', '.join(ways)})."
            choice = (
                "Leave it when the pair is to come back without anybody after a power cut. Else switch it off"
            )
            yield warning(says, f"{choice}: {_switch_off(one)}.")
        else:
            says = f"{one.program} is started at boot, whatever the pair has decided ({', '.join(ways)})."
            yield wrong(says, f"Switch it off: {_switch_off(one)}.")


def _switch_off(one: BootStarters) -> str:
    if one.wants:
        return f"systemctl disable {one.program}"
    if one.rc_links and not one.has_unit:
        action = "off" if one.rc_tool == "chkconfig" else "disable"
        return f"{one.rc_tool} {one.program} {action}" if one.rc_tool else f"rm {' '.join(one.rc_links)}"
    return f"take these lines out: {'; '.join(one.lines)}"


def judge_restarters(found: Restarters) -> Finding:
    """Judge what starts Asterisk again behind asha's back."""
    return worst_of(_restarters(found), "nothing but asha starts Asterisk again when it ends")


def _restarters(found: Restarters) -> Iterator[Finding]:
    if found.supervising:
        yield wrong(
            f"{', '.join(found.supervising)} starts Asterisk again whenever it ends, also after a failover.",
            "End it with 'kill', and let only asha start Asterisk.",
        )
    if found.restart not in NO_RESTART:
        says = f"systemd starts asterisk.service again when it ends (Restart={found.restart})"
        remedy = (
            "Write [Service] and Restart=no into /etc/systemd/system/asterisk.service.d/asha.conf, then "
            "'systemctl daemon-reload'."
        )
        if found.unit_runs:
            yield wrong(f"{says}, and Asterisk runs as that unit now.", remedy)
        else:
            yield warning(
                f"{says}; it does not run as that unit now, but 'service asterisk start' would.", remedy
            )
    if found.named_in:
        make = wrong if found.watching else warning
        yield make(
            f"A supervisor or timetable names Asterisk: {', '.join(found.named_in)}.",
            "Take Asterisk out of there: asha watches it.",
        )
    if found.init_script:
        yield warning(
            f"{found.init_script} runs safe_asterisk, so an Asterisk started by it comes back after a failover.",
            "Start Asterisk by 'asha pbx start' only.",
        )


@dataclass(frozen=True, slots=True)
class SerialGrabbers:
    """Programs that open every new serial port and write to it: those that run, and those that start at boot."""

    running: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()


def judge_grabbers(found: SerialGrabbers) -> Finding:
    """Judge programs that take a relay card for a modem or a Braille display (docs/facts/relays.md)."""
    return worst_of(_grabbers(found), "no ModemManager and no brltty takes the card's port for its own")


def _grabbers(found: SerialGrabbers) -> Iterator[Finding]:
    for program in found.running:
        yield wrong(f"{program} runs and may take the card's port for its own.", _mask(program))
    for program in found.enabled:
        if program not in found.running:
            yield warning(f"{program} starts at boot or when a port appears.", _mask(program))


def _mask(program: str) -> str:
    return f"Remove the package, or: systemctl mask --now {program}."
