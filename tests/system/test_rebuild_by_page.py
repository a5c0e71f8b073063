"""docs/operations.md, "Rebuild a node": its steps lead a machine with a new disk back into the pair."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from pathlib import Path

import pytest
from pair_on_rack import Pair
from test_start_page import PAGE as START
from test_start_page import SITE, becomes, do, furnish, steps

from hwsim.nodes import Network
from hwsim.nodes.sshd import AUTHORIZED_KEYS, HOST_KEY, shell, sshd_answers, start_sshd
from hwsim.server import Said

__all__ = ["SITE"]
DEADLINE = 400.0
PAGE = Path(__file__).parents[2] / "docs/operations.md"
BACKUP = "/root/node.asha"
NODES = {"the new machine": "secondary", "the other node": "primary", "either": "secondary"}


def commands(page: str) -> list[tuple[str, str]]:
    """The commands of the table, each with the node it is for."""
    _, _, section = page.partition("\n## Rebuild a node\n")
    section, _, _ = section.partition("\n## ")
    rows = re.findall(r"^\| (\d) \| ([a-z ]+) \| (.*) \|$", section, re.MULTILINE)
    assert [number for number, *_ in rows] == list("1234567")
    return [
        (NODES[where], command)
        for _, where, says in rows
        for command in re.findall(r"`((?:asha|service) [^`]+)`", says)
    ]


@pytest.fixture(scope="module")
def set_up() -> list[bool]:
    """Whether the module's pair is set up."""
    return []


@pytest.mark.parametrize("keys", [["--keys"], []], ids=["with keys", "without keys"])
async def test_the_page_leads_a_new_machine_back_into_the_pair(
    pair: Pair, keys: list[str], set_up: list[bool]
) -> None:
    if not set_up:
        await follow_start_page(pair)
        set_up.append(True)
    made = await asha(pair, "secondary", "backup", BACKUP, *keys)
    assert made.code == 0, made
    await new_disk(pair)
    before = Said(0, "", "")
    played = commands(PAGE.read_text())
    for side, command in played:
        before = await play(pair, side, command, before)
    assert [command for _, command in played].count("asha introduction") == 2
    await shell(pair.primary.node, f"echo {len(keys)} >/etc/asterisk/after.conf")
    followed = pair.secondary.node.path("/etc/asterisk/after.conf")
    await pair.until(
        lambda: followed.is_file() and followed.read_text() == f"{len(keys)}\n", "the data follow", 60
    )


async def follow_start_page(pair: Pair) -> None:
    """A pair as docs/start.md makes it; tests/system/test_start_page.py holds it to what the page says."""
    await furnish(pair)
    said = Said(0, "", "")
    for step in steps(START.read_text()):
        said = await do(pair, step, said)
        for state in re.findall(r"\*\*([a-z ]+)\*\*", step.says):
            await becomes(pair, step, state)


async def new_disk(pair: Pair) -> None:
    """The secondary's disk has what an installation leaves: nothing of the pair, and another host key of sshd's."""
    node, backup = pair.secondary.node, pair.secondary.node.path(BACKUP).read_bytes()
    left = await asha(pair, "secondary", "leave")
    assert left.code == 0, left
    await pair.secondary.stop_agent(15)
    for pid in node.pids("/usr/sbin/sshd"):
        node.kill(pid)
    for path in ("/etc/asha.conf", pair.engine.secret.path, AUTHORIZED_KEYS, HOST_KEY, f"{HOST_KEY}.pub"):
        node.unlink(path)
    for folder in ("/etc/asha", "/var/lib/asha"):
        shutil.rmtree(node.path(folder), ignore_errors=True)
    node.write("/etc/asha.conf", "# as installed\n", 0o600)
    await start_sshd(node)
    await sshd_answers(pair.primary.node, Network.address("secondary", "eth0"))
    await pair.rack.start_agent("secondary")  # as init does after an installation
    node.write(BACKUP, backup, 0o600)


async def play(pair: Pair, side: str, command: str, before: Said) -> Said:
    """Do what the page says; what an introduction printed `before` goes where the page says "with that line"."""
    if command.startswith("service"):
        _, service, verb = command.split()
        if service == "asha":
            await (pair.secondary.stop_agent(15) if verb == "stop" else pair.rack.start_agent(side))
        return before
    words = shlex.split(command)[1:]
    if words[-1] == "--watch":
        await becomes_protected(pair, side)
        return before
    words = [BACKUP if word == "FILE" else word for word in words]
    if words[:2] == ["introduction", "take"]:
        words.append(before.output.split()[-1])
    said = await asha(pair, side, *words)
    print(side, command, said)  # for whom a failure leaves nothing but the test runner's words
    assert said.code == 0 or words[0] == "check", (command, said)
    return said


async def becomes_protected(pair: Pair, side: str) -> None:
    said = Said(0, "", "")
    async with asyncio.timeout(120):
        while not said.output.lower().startswith("protected"):
            said = await asha(pair, side, "status")


async def asha(pair: Pair, side: str, *words: str) -> Said:
    """The command as an operator gives it, which waits until it is done."""
    ran = await pair.server(side).node.run([*pair.rack.site.program, *words], 130)
    return Said(-1 if ran.code is None else ran.code, ran.out, ran.err)
