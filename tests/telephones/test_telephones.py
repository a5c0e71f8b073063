"""A pair of real Asterisks with telephones and a trunk: what the telephones see of each failover.

The telephones take answers from the cluster address alone, as those behind a stateful filter do.
"""

from __future__ import annotations

import signal

from on_telephones import (
    DEADLINE,
    SITE,
    calls_both_ways,
    finds_all_after,
    in_use,
    lose_asterisk,
    phones_of,
    registered,
    serve,
)
from pair_on_rack import Pair

from hwsim.bench.hang import busy, hogs
from hwsim.demo.scenario import OTHER

__all__ = ["DEADLINE", "SITE"]
CALLS = 100  # while every processor is busy, before Asterisk is stopped


async def spoken_from(pair: Pair, source: str) -> None:
    await pair.stage.ask(pair.primary, "conf", "set", "HASOURCE", source)
    pair.primary.signal_agent(signal.SIGHUP)


async def test_telephones_are_answered_from_the_address_they_asked(pair: Pair) -> None:
    await serve(pair)
    await calls_both_ways(pair, pair.rack.now())
    told = await pair.primary.node.run(["ip", "-4", "route", "show", "proto", "97"])
    assert "src 10.77.0.100" in told.out
    pid = pair.primary.asterisk_pid()
    owner = await pair.primary.node.run(
        ["stat", "-c", "%U", f"/proc/{pid}", "/var/run/asterisk/asterisk.ctl"]
    )
    assert owner.out.split() == ["asterisk", "asterisk"], "as its distribution starts it"
    phones = phones_of(pair)
    phones.ask(0.1)
    await phones.seen("options", pair.rack.now())
    phones.ask(0)
    log = await pair.primary.node.run(["cat", "/var/log/asterisk/messages"])
    assert "asker@" in log.out, "a stranger who asks for the options is written of"
    assert "asha@" not in log.out, "neither node's probes are written of, so that nobody bans them"
    standby = await pair.secondary.node.run(["ip", "-4", "route", "show", "proto", "97"])
    assert standby.out == "", "only the node that has the address"

    began = pair.rack.now()
    await spoken_from(pair, "off")
    await pair.entry("primary", lambda entry: entry["kind"] == "source", began)
    began = pair.rack.now()
    phones.register(0.0)
    answered = await phones.hears("registered", began, 4.0)
    assert not answered, (
        "the kernel prefers the node's own address, and these telephones take nothing from there"
    )
    await spoken_from(pair, "route")
    await registered(pair)


async def test_asterisk_dies(pair: Pair) -> None:
    await lose_asterisk(pair, signal.SIGKILL)


async def test_asterisk_hangs(pair: Pair) -> None:
    await lose_asterisk(pair, signal.SIGSTOP)


async def test_asterisk_that_is_only_busy_does_not_hang(pair: Pair) -> None:
    """A short form of `hwsim bench --only hang`."""
    await serve(pair)
    phones, began = phones_of(pair), pair.rack.now()
    with hogs(DEADLINE):
        async with busy(phones):
            await phones.until(lambda: len(phones.since(began, "call")) >= CALLS, 120, f"{CALLS} calls")
            fault = pair.rack.kill_asterisk("primary", signal.SIGSTOP)
            decision = await pair.entry("primary", lambda entry: entry["kind"] == "decision", began)
    assert decision["at"] >= fault, decision
    assert (decision["pbx"], decision["act"]) == ("hung", "hand over")


async def test_service_is_moved_and_comes_back(pair: Pair) -> None:
    await serve(pair)
    for command, to in (("standby", "secondary"), ("failback", "primary")):
        lights = await in_use(pair, serving=OTHER[to])
        fault = pair.rack.now()
        await pair.stage.ask(pair.server("primary"), command)
        await pair.until_status(to, lambda status: status["role"] == "active", f"the {to} serves", 60)
        await calls_both_ways(pair, fault)
        await finds_all_after(pair, lights, fault, on=to)
        await pair.until_status(OTHER[to], lambda status: status["fit"], f"the {OTHER[to]} is fit", 60)


async def test_the_power_is_cut(pair: Pair) -> None:
    await serve(pair)
    lights = await in_use(pair)
    fault = pair.rack.power_off("primary")
    await calls_both_ways(pair, fault)
    await finds_all_after(pair, lights, fault, on="secondary")
    await registered(pair)
