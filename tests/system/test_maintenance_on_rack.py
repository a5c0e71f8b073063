"""Maintenance on the real pair: while it lasts nothing fails over and everybody sees it; at its end it fails over."""

from __future__ import annotations

import json
import re
import signal

from pair_on_rack import PAIR_SITE, Pair

# Nobody listens there: what is told waits, and can be looked at.
SITE = PAIR_SITE.with_conf({"MAILTO": "noc@example.com", "NOTIFYSMTP": "127.0.0.1:9"})
NOTED = 1.5  # seconds within which its end is in the journal
KEPT = "/var/lib/asha/maintenance.json"


async def test_asterisk_is_killed_and_nothing_moves_until_maintenance_is_off(pair: Pair) -> None:
    await pair.home()
    said = await pair.primary.asha("maintenance", "on", "--for", "30m", "--why", "new cables")
    assert said.code == 0 and said.output.startswith("Maintenance is on for 30 min"), said
    killed = pair.rack.kill_asterisk("primary", signal.SIGKILL)
    would = "would hand over: Asterisk died (maintenance)"
    await pair.until_status("primary", lambda status: would in status["problems"], "what would be done")
    await told(pair, "maintenance (by root: new cables)")
    assert [move for move in pair.moved_since(killed) if move[0] != "out_of_service"] == []
    assert not pair.rack.asterisk_runs("primary") and not pair.rack.asterisk_runs("secondary")
    await pair.until_status(
        "secondary", lambda status: status["peer"]["maintenance"], "the other node is told"
    )
    shown = (await pair.secondary.asha("status")).output
    assert re.search(r"^  maintenance +ON +off$", shown, re.MULTILINE), shown
    shown = (await pair.primary.asha("status")).output
    assert "! maintenance for 30 min more (by root: new cables)" in shown
    off = pair.rack.now()
    await pair.stage.ask(pair.primary, "maintenance", "off")
    await pair.served(off, "secondary")
    assert (await pair.primary.asha("maintenance")).output == "off: this node watches\n"
    await told(pair, "over: maintenance (by root: new cables)")
    assert (await pair.primary.asha("maintenance", "off")).code == 5


async def test_it_outlives_the_agent_and_its_time_runs_out(pair: Pair) -> None:
    await pair.home()
    await pair.stage.ask(pair.primary, "maintenance", "on", "--for", "70s")
    kept = json.loads(pair.primary.node.path(KEPT).read_text())
    await pair.fresh_agent("primary")
    await pair.until_status("primary", lambda status: status["role"] == "active", "it serves still")
    document = json.loads((await pair.primary.asha("maintenance", "--json")).output)
    assert 0 < document["left"] <= 70 and document["by"] == "root"
    # Half a minute earlier than it was: nobody waits for a whole one here.
    pair.primary.node.write(KEPT, json.dumps({name: since(kept[name]) for name in kept}), 0o600)
    fault = pair.rack.kill_asterisk("primary", signal.SIGKILL)
    await pair.fresh_agent("primary")
    ended = await pair.entry(
        "primary", lambda entry: entry.get("says") == "it has ended: its time is over", fault
    )
    await pair.served(fault, "secondary")
    asked = [entry["at"] for entry in pair.entries("primary", fault) if entry["kind"] == "standby"]
    assert "START_PBX" not in pair.orders("primary", fault), (
        "an agent that starts takes Asterisk as it finds it"
    )
    assert asked and min(asked) > ended["at"] - NOTED, "the engine was asked for nothing before"


def since(value: object) -> object:
    """Times half a minute and more in the past; what is no time stays."""
    return value - 45 if isinstance(value, float) else value


async def told(pair: Pair, subject: str) -> None:
    """An alert with `subject` in it is in the primary's queue."""
    await pair.until(lambda: any(subject in text for text in queued(pair)), f"it is told: {subject}")


def queued(pair: Pair) -> list[str]:
    """The alerts that wait on the primary."""
    place = pair.primary.node.path("/var/lib/asha/notify")
    return [alert.read_text() for alert in place.glob("*.alert")] if place.exists() else []
