"""docs/start.md does what it says: its commands, in its order, lead from blank machines to the first failback."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from pair_on_rack import Pair

from hwsim.nodes import CLUSTER_ADDRESS, Network
from hwsim.nodes.sshd import shell, sshd_answers, start_sshd
from hwsim.rack import SIDES
from hwsim.server import Said
from hwsim.site import AMI_SECRET, AMI_USER, Site

DEADLINE = 300.0
SITE = Site(boot_time=0.1, profile="dynamic", move_dwell=7.0, names=("pbx1", "pbx2"))
PAGE = Path(__file__).parents[2] / "docs/start.md"
# What the rack has in another place than a server.
_INSTALLED = "DAHDIROOT=/run/hwsim/{side}.dahdi\nAMIUSER={user}\nAMISECRET={secret}\n"
_FURNISH = """
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail
sqlite3 /opt/sark/db/sark.db 'create table if not exists t (n)'
"""
# What the page says for its reader's own.
_OWN = {
    "$(uname -n)": "pbx1",
    "$(ssh SECONDARY uname -n)": "pbx2",
    "192.168.1.100": CLUSTER_ADDRESS,
    "10.0.0.1": Network.address("primary", "eth1"),
    "10.0.0.2": Network.address("secondary", "eth1"),
}


class Step(NamedTuple):
    """A command of the page, the node it is for, and what the page says of it."""

    side: str
    command: str
    says: str


def steps(page: str) -> list[Step]:
    """The commands of the sections from the set-up to the first failback, in their order."""
    _, _, rest = page.partition("\n## 2. ")
    part, found, _ = rest.partition("\n## 6. ")
    assert found
    row = r"^\| \d+ \| (\w+) \| `([^`]+)`(.*)\|$"
    block = r"^((?:asha|service) [^\n|]+)$"
    return [
        Step("primary" if match[1] in (None, "either") else match[1], match[2] or match[4], match[3] or "")
        for match in re.finditer(f"{row}|{block}", part, re.MULTILINE)
    ]


def with_own(command: str) -> str:
    for page, own in _OWN.items():
        command = command.replace(page, own)
    return command


async def test_the_page_leads_from_nothing_to_the_first_failback(pair: Pair) -> None:
    await furnish(pair)
    played = steps(PAGE.read_text())
    said = Said(0, "", "")
    for step in played:
        said = await do(pair, step, said)
        for state in re.findall(r"\*\*([a-z ]+)\*\*", step.says):
            await becomes(pair, step, state)
    commands = [step.command for step in played]
    assert commands.count("asha ha start") == 2 and "asha failback" in commands
    assert [step.says.count("**protected**") for step in played].count(1) == 2
    moves = await pair.primary.asha("history")
    assert moves.code == 0, moves


async def becomes(pair: Pair, step: Step, state: str) -> None:
    """Give the command again, as `--watch` does, until it begins with what the page says."""
    said = Said(0, "", "")
    async with asyncio.timeout(90):
        while not said.output.lower().startswith(state):
            said = await do(pair, step, said)


async def furnish(pair: Pair) -> None:
    """Two servers with Asterisk and asha, as after the page's first section."""
    for side in SIDES:
        node = pair.server(side).node
        node.write("/etc/asha.conf", _INSTALLED.format(side=side, user=AMI_USER, secret=AMI_SECRET), 0o600)
        node.unlink(pair.engine.secret.path)
        await start_sshd(node)
    await shell(pair.primary.node, _FURNISH)
    for side, other in zip(SIDES, SIDES[::-1], strict=True):
        await sshd_answers(pair.server(side).node, Network.address(other, "eth0"))


async def do(pair: Pair, step: Step, before: Said) -> Said:
    """Do what the page says; what an introduction printed `before` goes to the other node."""
    if step.command == "service asha start":
        await pair.rack.start_agent(step.side)
        return Said(0, "", "")
    program, *words = shlex.split(with_own(step.command), comments=True)
    assert program == "asha", step
    words = [before.output.split()[-1] if word.startswith("asha1:") else word for word in words]
    # Not by the rack's own asha, which waits for no move: here the command itself is to wait.
    ran = await pair.server(step.side).node.run([*pair.rack.site.program, *words], 130)
    said = Said(-1 if ran.code is None else ran.code, ran.out, ran.err)
    print(step, said)  # for whom a failure leaves nothing but the test runner's words
    assert said.code == 0 or words[0] in ("check", "status"), (step, said)
    return said
