"""A standby that may well serve, and is not known to be ready: both nodes say why, and what can wait waits for it."""

from __future__ import annotations

import signal

from pair_on_rack import PAIR_SITE, Pair, Status

from hwsim.nodes.engines import HEARTBEAT, PACEMAKER

SITE = PAIR_SITE
ENGINES = (HEARTBEAT, PACEMAKER)

# Room for some kilobytes is less than `asha check` calls an error.
_LITTLE_ROOM = "mount -t tmpfs -o size=64k none /var/log"


def known_to_be_ready(status: Status) -> bool:
    return bool(status["peer"]["fit"]["value"] and not status["peer"]["doubts"])


async def refused(pair: Pair, side: str, command: str, why: str) -> None:
    said = await pair.server(side).asha(command)
    assert said.code != 0 and "not known to be ready" in said.error and why in said.error, said


async def test_a_disk_without_room_is_told_by_both_and_service_goes_there_by_name_or_when_it_must(
    pair: Pair,
) -> None:
    await pair.home()
    assert (await pair.secondary.node.run(["sh", "-c", _LITTLE_ROOM])).ok
    try:
        await pair.until_status("secondary", lambda status: bool(status["doubts"]), "it is doubted", 60)
        told = await pair.until_status(
            "primary", lambda status: bool(status["peer"]["doubts"]), "both say so"
        )
        assert told["peer"]["fit"]["value"] is True and "/var/log" in told["peer"]["doubts"]
        assert not told["permits"]["standby"]["allowed"]
        await refused(pair, "primary", "standby", "/var/log has ")
        await refused(pair, "secondary", "takeover", "/var/log has ")
        fault = pair.rack.now()
        await pair.stage.ask(pair.primary, "standby", "--not-ready")
        await pair.served(fault, "secondary")
    finally:
        await pair.secondary.node.run(["umount", "-l", "/var/log"])
    await pair.home()
    assert (await pair.secondary.node.run(["sh", "-c", _LITTLE_ROOM])).ok
    try:
        await pair.until_status("primary", lambda status: bool(status["peer"]["doubts"]), "it is doubted", 60)
        fault = pair.rack.kill_asterisk("primary")
        await pair.served(fault, "secondary")
    finally:
        await pair.secondary.node.run(["umount", "-l", "/var/log"])


async def test_a_standby_whose_agent_is_not_heard_is_not_known_to_be_ready(pair: Pair) -> None:
    await pair.home()
    pair.secondary.signal_agent(signal.SIGSTOP)
    try:
        await pair.until_status(
            "primary", lambda status: status["peer"]["fit"]["value"] is None, "its agent is not heard"
        )
        await refused(pair, "primary", "standby", "silent for")
    finally:
        pair.secondary.signal_agent(signal.SIGCONT)
    await pair.until_status("primary", known_to_be_ready, "it is known to be ready again")
    await pair.move("standby", to="secondary")
