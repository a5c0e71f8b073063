"""The rules of asha 1.0.0-2 on the real pair: what an operator may do when, sentence, exit code. And RESTART."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

from pair_on_rack import PAIR_SITE, Pair

SITE = PAIR_SITE
USER, CLUSTER = 2, 5  # exit codes, core.errors


async def refused(pair: Pair, side: str, command: str, sentence: str) -> None:
    """`asha COMMAND` on `side` ends with the cluster's exit code and that sentence, and moves nothing."""
    began = pair.rack.now()
    said = await pair.server(side).asha(*command.split())
    assert said.code == CLUSTER, said
    assert said.output == ""
    assert sentence in said.error and said.error.startswith("asha: "), said.error
    assert pair.moved_since(began) == []


async def already(pair: Pair, side: str, command: str, sentence: str) -> None:
    """`asha COMMAND` on `side` says that it is so already, which is no error, and changes nothing."""
    began = pair.rack.now()
    said = await pair.server(side).asha(*command.split())
    assert (said.code, said.output) == (0, f"Already so: {sentence}. Nothing was changed.\n"), said
    assert pair.moved_since(began) == []


async def test_before_the_engine_runs(pair: Pair) -> None:
    for side in ("primary", "secondary"):
        said = await pair.server(side).asha("status")
        assert said.code == CLUSTER and "agent" in said.error
        assert not pair.server(side).node.path("/var/lib/asha").exists(), "nothing of the host's own asha"
        await pair.rack.start_agent(side)
    assert "\nThis node (primary) is off" in (await pair.primary.asha("status")).output
    await already(pair, "primary", "ha stop", f"{pair.rack.site.engine.title} does not run here")
    await refused(pair, "primary", "takeover", "only a standby can take over")
    await refused(pair, "primary", "standby", "does not hold the service")
    await pair.stage.ask(pair.secondary, "pbx", "start")  # plain: the relay leads here without power
    await pair.until(lambda: pair.rack.in_service("secondary"), "the secondary serves plainly")
    await pair.stage.ask(pair.secondary, "pbx", "stop")
    assert not pair.rack.asterisk_runs("secondary")
    assert "ENERGISE" not in pair.orders("primary", 0)


async def test_a_secondary_without_the_engines_key_is_told_the_command(pair: Pair) -> None:
    secret = pair.rack.site.engine.secret
    pair.secondary.node.unlink(secret.path)
    await refused(pair, "secondary", "ha start", f"scp -p -P 22 haprimary:{secret.path} {secret.path}")
    pair.secondary.node.write(secret.path, secret.text, secret.mode)


async def test_the_rules_while_the_pair_serves(pair: Pair) -> None:
    await pair.home()
    for side in ("primary", "secondary"):
        await already(pair, side, "ha start", f"{pair.rack.site.engine.title} runs here")
    await refused(pair, "secondary", "pbx start", "Asterisk must never run on both")
    await refused(pair, "secondary", "pbx stop", "Asterisk does not run on a node that does not serve")
    await refused(pair, "secondary", "standby", "this node does not hold the service (it is standby)")
    await already(pair, "primary", "takeover", "this node serves")
    began, pid = pair.rack.now(), pair.primary.asterisk_pid()
    await pair.stage.ask(pair.primary, "pbx", "start")  # it runs already: nothing happens to it
    await pair.stage.ask(pair.secondary, "line", "release")  # always safe on a standby
    await pair.stays("primary", 0.5)
    assert pair.moved_since(began) == [] and pair.primary.asterisk_pid() == pid


async def test_a_command_that_moves_service_waits_until_it_has_moved_and_shows_the_pair(pair: Pair) -> None:
    await pair.home()
    for server, command, active in (
        (pair.secondary, "takeover", "secondary"),
        (pair.secondary, "standby", "primary"),
    ):
        said = await server.node.run([*pair.rack.site.program, command], 130.0)
        assert said.code == 0, said
        assert pair.rack.in_service(active), "the command came back before service was there"
        assert "Done: " in said.out and f"the {active} (" in said.out.partition("Done: ")[2]


async def test_what_the_commands_show(pair: Pair) -> None:
    await pair.home()
    shown = await pair.primary.asha("status")
    assert shown.code == 0
    assert shown.output.splitlines()[:2] == [
        "Protected: the primary (haprimary) is active, and the secondary (hastandby) is ready to take over.",
        "This node (primary) is active: the line is in service here.",
    ]
    assert "commanded energised; card at /dev/ttyUSB0" in shown.output
    document = json.loads((await pair.secondary.asha("status", "--json")).output)
    assert (document["role"], document["fit"], document["problems"]) == ("standby", True, [])
    for server in (pair.primary, pair.secondary):
        checked = await server.asha("check")
        assert checked.code == 0 and not re.search(r"^NOT\b", checked.output, re.MULTILINE), checked
    line = await pair.primary.asha("line", "status")
    assert line.code == 0 and "line: clear" in line.output and "D-channel: up" in line.output
    primary = json.loads((await pair.primary.asha("status", "--json")).output)
    (span,) = primary["spans"]["value"]
    assert (span["kind"], span["alarms"], span["line"], span["channels"]) == ("T1", [], "clear", 24)
    assert primary["probes"]["cli"]["ms"] > 0
    assert primary["names"] == {"primary": "haprimary", "secondary": "hastandby"}
    assert primary["agent"]["memory"] > 0 and primary["notify"] == {"waiting": 0, "problems": {}}
    told = ("energised", False)
    await pair.until_status(
        "secondary", lambda status: relay_and_maintenance(status["peer"]) == told, "its word"
    )
    # Whether the start of the pair was asked for by hand as well, and so acknowledged, is the engine's haste.
    counted = {"cleanup"} if primary["moves"]["within_hour"] else set()
    assert allowed(primary) == counted | {
        "ha stop",
        "pbx stop",
        "pbx start",
        "standby",
        "line release",
        "maintenance on",
    }
    assert allowed(document) == {"ha stop", "takeover", "line release", "maintenance on"}
    moves = await pair.primary.asha("history", "-n", "3")
    assert (
        moves.code == 0 and "primary acquire: done after" in moves.output and " ms  linking " in moves.output
    )
    events = await pair.primary.asha("events", "--lines", "500")
    assert events.code == 0 and "wish      ha start" in events.output
    newest = await pair.primary.asha("events", "--json", "-n", "1")
    assert json.loads(newest.output)["kind"]
    unknown = await pair.primary.asha("failover")
    assert unknown.code == USER and "No such command" in unknown.error


def relay_and_maintenance(peer: dict[str, Any]) -> tuple[Any, Any]:
    """What the peer says of both."""
    return peer["relay"]["value"], peer["maintenance"]


def allowed(document: dict[str, Any]) -> set[str]:
    """What an operator may do now, by the node's own word."""
    return {wish for wish, permit in document["permits"].items() if permit["allowed"]}


async def test_no_standby_no_stop(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    await pair.stage.ask(pair.secondary, "ha", "stop")
    await pair.until_status("primary", lambda status: not status["peer"]["alive"]["value"], "it is alone")
    await refused(pair, "primary", "pbx stop", "no standby could take over")
    await refused(pair, "primary", "standby", "the other node is not there")
    await refused(pair, "primary", "line release", "no peer is there to take the line")
    assert pair.moved_since(began) == []


async def test_restart_no_stays_dead_and_says_so(pair: Pair) -> None:
    await pair.home()
    await alone(pair)
    pair.rack.kill_asterisk("primary", signal.SIGKILL)
    status = await pair.until_status("primary", lambda status: bool(status["problems"]), "what is wrong")
    assert "start it by 'asha pbx start'" in " ".join(status["problems"])
    fault = pair.rack.now()
    assert not pair.rack.asterisk_runs("primary")
    await pair.stage.ask(pair.primary, "pbx", "start")
    await pair.served(fault, "primary")


async def test_restart_yes_without_a_peer_restarts_here(pair: Pair) -> None:
    await pair.home()
    await pair.stage.ask(pair.primary, "conf", "set", "RESTART", "YES")
    (agent,) = pair.primary.node.pids("asha agent$")
    pair.primary.node.kill(agent, signal.SIGHUP)
    try:
        await pair.entry("primary", lambda entry: "read again" in entry.get("says", ""), 0)
        await alone(pair)
        fault = pair.rack.kill_asterisk("primary", signal.SIGKILL)
        await pair.served(fault, "primary")
        assert pair.orders("primary", fault)[0] == "START_PBX"
        assert ("relay", "secondary") not in pair.moved_since(fault)
    finally:
        await pair.stage.ask(pair.primary, "conf", "set", "RESTART", "NO")


async def alone(pair: Pair) -> None:
    """The secondary's engine is stopped, and the primary knows it."""
    await pair.stage.ask(pair.secondary, "ha", "stop")
    await pair.until_status("primary", lambda status: not status["peer"]["alive"]["value"], "it is alone")
