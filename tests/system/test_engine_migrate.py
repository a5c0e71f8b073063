"""`asha engine migrate` on the rack: a serving pair goes from Heartbeat to Pacemaker and back, whoever is killed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import signal
from typing import Any

import pytest
from keys_on_rack import open_ssh
from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes.engines import ENGINES as KNOWN
from hwsim.nodes.engines import HEARTBEAT, PACEMAKER, Engine
from hwsim.nodes.sshd import shell
from hwsim.rack import SIDES
from hwsim.server import Said
from hwsim.service_log import recorded
from hwsim.site import SYNCHRONISED, Site

SITE = Site(
    **{
        **{name: getattr(PAIR_SITE, name) for name in PAIR_SITE.__dataclass_fields__},
        # Deadlines that make the longest change short: a primary that is silent for longer is taken for dead.
        "extra": {**PAIR_SITE.extra, **SYNCHRONISED, "PBXSTARTDEADLINE": "10s"},
        "others": (PACEMAKER,),
    }
)
_OTHER = {"heartbeat": PACEMAKER, "pacemaker": HEARTBEAT}
# What a change of the engine writes: the conf file, the engines' files, and asha's own note.
WRITTEN = (
    "/etc/asha.conf",
    "/etc/ha.d",
    "/etc/corosync",
    "/var/lib/pacemaker/cib",
    "/var/lib/asha/engine-change.json",
)
# Seconds for a test, which brings the pair home and has it change, and for a whole change: each question starts ssh.
DEADLINE = 240.0
CHANGES = 110.0


# The directory without which an engine is not whole, and a file in it without which it does not start.
_PLACE = {"heartbeat": "/etc/ha.d", "pacemaker": "/etc/corosync"}
_FILE = {"heartbeat": "haresources", "pacemaker": "corosync.conf"}
_NOTE = "/var/lib/asha/engine-change.json"


def noted(pair: Pair, side: str, field: str) -> bool:
    """Whether the note of a change that is not over has something in `field`."""
    try:
        note = json.loads(pair.server(side).node.path(_NOTE).read_text())
    except (OSError, ValueError):
        return False
    return bool(note[field]) and not note["over"]


def runs(pair: Pair, side: str, engine: Engine) -> bool:
    return bool(pair.server(side).node.pids(engine.daemons[engine.master]))


def digest(pair: Pair, side: str) -> str:
    """The content and names of everything that a change of the engine writes."""
    found = hashlib.sha256()
    for place in WRITTEN:
        top = pair.server(side).node.path(place)
        files = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())
        for path in files:
            found.update(
                f"{place} {path.relative_to(top) if path != top else ''}\0".encode() + path.read_bytes()
            )
    return found.hexdigest()


async def engine(pair: Pair, side: str) -> dict[str, Any]:
    said = await pair.server(side).asha("engine", "status", "--json")
    assert said.code == 0, said
    document: dict[str, Any] = json.loads(said.output)
    return document


async def at_rest(pair: Pair) -> str:
    """The pair at home on the engine that it has; return which that is."""
    for side in SIDES:
        if await pair.server(side).status() is not None:
            await pair.until_status(
                side, lambda status: "the pair's change" not in str(status["problems"]), "no change", 60
            )
    primary, secondary = await pair.primary.status(), await pair.secondary.status()
    if not (primary and secondary and primary["role"] == "active" and secondary["role"] == "standby"):
        await pair.home()
    await open_ssh(pair)
    await pair.until_status(
        "primary", lambda status: bool(status["peer"]["fit"]["value"]), "the other node is fit"
    )
    await pair.until_status("secondary", lambda status: status["fit"], "it is fit")
    return str((await engine(pair, "primary"))["engine"])


async def serves_under(pair: Pair, new: Engine) -> None:
    """The primary serves and the secondary stands by, both under `new` and neither under another."""
    await pair.until_status(
        "secondary", lambda status: status["role"] == "standby" and status["fit"], "it is on standby", 60
    )
    await pair.until(lambda: pair.rack.in_service("primary"), "the line is in service on the primary", 60)
    for side in SIDES:
        for known in KNOWN.values():
            assert runs(pair, side, known) is (known is new), (side, known.name)
        conf = pair.server(side).node.path("/etc/asha.conf").read_text()
        assert f"HAENGINE={new.name}\n" in conf
        assert (await engine(pair, side))["change"]["over"]


async def migrate(pair: Pair, to: Engine) -> Said:
    return await pair.secondary.asha("engine", "migrate", to.name, "--yes", deadline=CHANGES)


@pytest.mark.parametrize("way", ["there", "back"])
async def test_there_and_back_with_the_outage_that_is_announced(pair: Pair, way: str) -> None:
    new = _OTHER[await at_rest(pair)]
    planned = (await pair.stage.ask(pair.secondary, "engine", "migrate", new.name, "--dry-run")).replace(
        "\n", " "
    )
    announced = re.search(r"nobody serves for at most ([0-9.]+) s", planned)
    assert announced, planned
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        said = await migrate(pair, new)
        assert said.code == 0, said
        await serves_under(pair, new)
        nobody, two = log.seconds_with_nobody(began), log.seconds_with_two(began)
    print(f"{way}, to {new.name}: {nobody:.2f} s without service of {announced[1]}, {two:.2f} s with two")
    assert two == 0.0 and 0.0 < nobody < float(announced[1])
    assert (await pair.secondary.asha("events", "--verify")).code == 0


async def test_a_dry_run_and_a_refusal_change_nothing(pair: Pair) -> None:
    new = _OTHER[await at_rest(pair)]
    before = [digest(pair, side) for side in SIDES]
    for side in SIDES:
        said = await pair.server(side).asha("engine", "migrate", new.name, "--dry-run")
        assert said.code == 0 and f"HAENGINE={new.name}" in said.output, said
        assert "nobody serves for" in said.output
    refused = await pair.primary.asha("engine", "migrate", new.name, "--yes")
    assert refused.code == 2 and "secondary" in refused.error
    same = KNOWN["heartbeat" if new is PACEMAKER else "pacemaker"]
    refused = await migrate(pair, same)
    assert refused.code == 5 and f"runs {same.title} already" in refused.error
    await shell(pair.primary.node, f"mv {_PLACE[new.name]} {_PLACE[new.name]}.away")
    try:
        refused = await migrate(pair, new)
        assert refused.code == 5 and "haprimary: " in refused.error and "not installed" in refused.error, (
            refused
        )
        assert "Nothing was changed." in refused.error
    finally:
        await shell(pair.primary.node, f"mv {_PLACE[new.name]}.away {_PLACE[new.name]}")
    assert [digest(pair, side) for side in SIDES] == before
    assert pair.rack.in_service("primary") and all(runs(pair, side, same) for side in SIDES)


async def test_agents_and_command_killed_in_the_middle(pair: Pair) -> None:
    new = _OTHER[await at_rest(pair)]
    following = asyncio.create_task(migrate(pair, new))
    await pair.until(lambda: noted(pair, "secondary", "ordered"), "the primary is ordered to change", 60)
    await pair.until(lambda: noted(pair, "primary", "to"), "the primary has noted the order", 30)
    for side in SIDES:
        await pair.server(side).stop_agent(signal.SIGKILL)
    following.cancel()
    for side in SIDES:
        await pair.rack.start_agent(side)
    said = await migrate(pair, new)
    assert said.code == 0 or "already" in said.error, said
    await serves_under(pair, new)


async def test_a_new_engine_that_does_not_start_and_the_way_back(pair: Pair) -> None:
    old = KNOWN[await at_rest(pair)]
    new = _OTHER[old.name]
    spoilt = pair.primary.node.path(f"{_PLACE[new.name]}/{_FILE[new.name]}")
    spoilt.mkdir(parents=True)
    (spoilt / "in the way").touch()
    try:
        said = await migrate(pair, new)
    finally:
        (spoilt / "in the way").unlink()
        spoilt.rmdir()
    assert said.code == 5 and f"went back to {old.title}" in said.output, said
    await serves_under(pair, old)


async def test_the_primary_loses_its_power_in_the_outage(pair: Pair) -> None:
    new = _OTHER[await at_rest(pair)]
    following = asyncio.create_task(migrate(pair, new))
    await pair.until(lambda: not pair.rack.in_service("primary"), "the primary has let go", 60)
    cut = pair.rack.power_off("primary")
    await pair.served(cut, "secondary", deadline=100.0)
    assert (await following).code == 0
    await pair.power_up("primary")
    await pair.rack.start_agent("primary")
    await pair.until_status(
        "primary", lambda status: status["role"] == "standby", "it does the rest by itself"
    )
    for side in SIDES:
        assert runs(pair, side, new) and (await engine(pair, side))["change"]["over"]
