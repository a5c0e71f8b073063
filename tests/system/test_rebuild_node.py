"""A node whose own state is gone is put back from its backup, and the pair is protected again."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from pair_on_rack import PAIR_SITE, Pair

from appliance.core.document import parse_object
from hwsim.demo.scenario import OTHER
from hwsim.nodes.engines import HEARTBEAT, PACEMAKER
from hwsim.nodes.sshd import shell
from hwsim.rack import SIDES
from hwsim.server import Said

SITE = PAIR_SITE
ENGINES = (HEARTBEAT, PACEMAKER)
DEADLINE = 240.0
FOLDER = "mkdir -p -m 700 /var/lib/asha/panel"  # as the package makes it
PASSWORD = "swordfish-and-more"
BACKUP = "/root/node.asha"
GOES_ON = {"journal", "silences.json", "trends.json"}
STATE = ("etc/asha", "var/lib/asha")


async def asha(pair: Pair, side: str, *words: str) -> Said:
    """The command as an operator gives it, which waits until it is done."""
    ran = await pair.server(side).node.run([*pair.rack.site.program, *words], 130)
    return Said(-1 if ran.code is None else ran.code, ran.out, ran.err)


async def protected(pair: Pair, side: str) -> None:
    await pair.until_status(
        side, lambda status: status["state"]["name"] == "protected", "the pair is protected", 90
    )


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def own_state(pair: Pair, side: str) -> dict[str, tuple[bytes, int]]:
    """Every plain file of the node's own state, with its mode."""
    node = pair.server(side).node
    paths = [node.path("/etc/asha.conf"), node.path(pair.engine.secret.path)]
    paths += [path for folder in STATE for path in node.path(f"/{folder}").rglob("*")]
    return {str(path): (path.read_bytes(), path.stat().st_mode) for path in paths if path.is_file()}


def erase(pair: Pair, side: str) -> None:
    node = pair.server(side).node
    for path in ("/etc/asha.conf", pair.engine.secret.path):
        node.unlink(path)
    for folder in STATE:
        shutil.rmtree(node.path(f"/{folder}"), ignore_errors=True)


@pytest.mark.parametrize("side", SIDES)
async def test_a_node_without_its_state_is_rebuilt_from_its_backup(pair: Pair, side: str) -> None:
    await pair.home()
    await protected(pair, side)
    node, other = pair.server(side).node, OTHER[side]
    program = shlex.join(pair.rack.site.program)
    added = await shell(
        node, f"{FOLDER}; echo {PASSWORD} | {program} panel user add ann --role viewer --password-stdin"
    )
    assert added.ok or "already" in added.err, added
    made = await asha(pair, side, "backup", BACKUP, "--keys", "--json")
    assert made.code == 0, made
    manifest = parse_object(made.output)["manifest"]
    assert (manifest["node"], manifest["host"]) == (side, pair.rack.site.names[SIDES.index(side)])
    assert mode_of(node.path(BACKUP)) == 0o600

    running = await asha(pair, side, "restore", BACKUP)
    assert running.code == 5 and "The agent runs" in running.error, "not while it runs"
    left = await asha(pair, side, "leave")
    assert left.code == 0, left
    await pair.server(side).stop_agent(15)
    await pair.until(lambda: pair.rack.in_service(other), f"the {other} serves")
    before = own_state(pair, side)
    kept = {str(node.path(one["path"])): before[str(node.path(one["path"]))] for one in manifest["files"]}
    erase(pair, side)
    assert not own_state(pair, side)

    dry = await asha(pair, side, "restore", BACKUP, "--dry-run")
    assert dry.code == 0 and not own_state(pair, side), dry
    done = await asha(pair, side, "restore", BACKUP)
    assert done.code == 0, done
    after = own_state(pair, side)
    assert after.keys() == kept.keys()
    changed = {Path(path).name for path in kept if after[path] != kept[path]}
    assert changed <= GOES_ON, "what the agent wrote between the backup and its end"

    await pair.rack.start_agent(side)
    started = await asha(pair, side, "ha", "start")
    assert started.code == 0, started
    await protected(pair, other) if side == "secondary" else await pair.home()
    await protected(pair, side)
    verified = await asha(pair, side, "events", "--verify")
    assert verified.code == 0, verified
    users = await asha(pair, side, "panel", "user", "list")
    assert "ann" in users.output
