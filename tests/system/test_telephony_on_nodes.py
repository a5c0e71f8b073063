"""DAHDI configuration between two nodes: what fits follows, what does not stays out and is named."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from data_on_nodes import CONF, hang_up, introduce, mark_served, one_pass

from hwsim.dahdi.cards import R1E1, R1T1, R2T1, SpanCard
from hwsim.dahdi.tree import DahdiTree
from hwsim.nodes import Node
from hwsim.nodes.pair import Pair, pair
from hwsim.nodes.sshd import shell

T1 = "span=1,1,0,esf,b8zs\nbchan=1-23\ndchan=24\nechocanceller=mg2,1-23\n"
E1 = "span=1,1,0,ccs,hdb3,crc4\nbchan=1-15,17-31\ndchan=16\n"
SECOND = "span=2,2,0,esf,b8zs\nbchan=25-47\ndchan=48\n"
CHANNELS = "signalling = pri_cpe\nchannel => 1-23\n"
_FURNISH = """
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail/default
sqlite3 /opt/sark/db/sark.db 'create table t (n)'
echo a >/etc/asterisk/a.conf
"""
_SLOTS = {
    "assigned-spans.conf": "@PCI_Bus_02_Slot_09 1:1:1",
    "span-types.conf": "* *:T1",
    "xpp_order": "serial:x",
}


@asynccontextmanager
async def cards(primary: Sequence[SpanCard], secondary: Sequence[SpanCard]) -> AsyncIterator[Pair]:
    """A pair with those cards. DAHDI is loaded on both: there is a ctl file for dahdi_cfg to open."""
    async with pair() as rack:
        for node, has in ((rack.primary, primary), (rack.secondary, secondary)):
            DahdiTree(node.shared / node.name, has)
            conf = f"{CONF}TELEPHONY=/etc/dahdi\nDAHDIROOT=/run/hwsim/{node.name}\n"
            node.prepare(files={"/etc/asha.conf": conf}, empty=("/etc/dahdi",))
        await rack.boot()
        await introduce(giving=rack.primary, asking=rack.secondary)
        for node in (rack.primary, rack.secondary):
            node.write("/dev/dahdi/ctl", "")
        assert (await shell(rack.primary, _FURNISH)).code == 0
        yield rack
        for node in (rack.primary, rack.secondary):
            await hang_up(node)


def put(node: Node, **files: str) -> None:
    for name, text in files.items():
        node.write(f"/etc/dahdi/{name.replace('__', '-').replace('_conf', '.conf')}", text)


def dahdi(node: Node) -> dict[str, str]:
    return {path.name: path.read_text() for path in node.path("/etc/dahdi").iterdir()}


def told(node: Node) -> tuple[str, list[str], int]:
    """What the node's status has on TELEPHONY, everything else that is wrong, and its generation."""
    state = json.loads(node.path("/var/lib/asha/sync/state.json").read_text())
    assert state["verified_at"] is not None
    wrong = [state["problem"], state["postsync"], *state["warnings"]]
    return state["telephony"], [text for text in wrong if text], state["generation"]


def test_what_fits_follows_and_what_describes_slots_stays() -> None:
    async def scenario() -> None:
        async with cards([R1T1], [R1T1]) as rack:
            primary, secondary = rack.primary, rack.secondary
            put(primary, system_conf=T1, dahdi__channels_conf=CHANNELS, modules="r1t1\n")
            for name, text in _SLOTS.items():
                primary.write(f"/etc/dahdi/{name}", text)
            secondary.write("/etc/dahdi/xpp_order", "its own")
            await one_pass(secondary, primary)
            assert dahdi(secondary) == {
                "system.conf": T1,
                "dahdi-channels.conf": CHANNELS,
                "modules": "r1t1\n",
                "xpp_order": "its own",
            }
            assert told(secondary) == ("", [], 1)
            changed = T1.replace("mg2", "oslec")
            put(primary, system_conf=changed)
            await shell(primary, "chmod 600 /etc/dahdi/modules")  # its content is there already
            assert await one_pass(secondary, primary) == "2 0 0"
            assert dahdi(secondary)["system.conf"] == changed
            assert told(secondary) == ("", [], 2)

    asyncio.run(scenario())


def test_what_does_not_fit_stays_out_is_named_and_holds_nothing_else_up() -> None:
    async def scenario() -> None:
        async with cards([R2T1], [R1T1]) as rack:
            primary, secondary = rack.primary, rack.secondary
            put(primary, system_conf=T1, modules="rxt1\nr1t1\n")
            await one_pass(secondary, primary)
            before = dahdi(secondary)
            assert before["system.conf"] == T1

            put(primary, system_conf=T1 + SECOND, modules="rxt1\n", new_conf="channel => 25-47\n")
            await shell(primary, "echo b >/etc/asterisk/a.conf")
            assert await one_pass(secondary, primary) == "1 0 0"
            assert dahdi(secondary) == before
            assert secondary.path("/etc/asterisk/a.conf").read_text() == "b\n"
            why, wrong, generation = told(secondary)
            assert why == (
                "DAHDI configuration stays as it was here: "
                "span 2: the configuration sets it up, this node has only span 1. "
                "'asha dahdi fit' compares both nodes."
            )
            assert (wrong, generation) == ([], 2)

            # Neither a change nor a generation is made of it, however often it is looked at.
            assert await one_pass(secondary, primary) == "0 0 0"
            assert told(secondary) == (why, [], 2)
            # A pass that looks at something else does not take the word back.
            await shell(primary, "echo c >/etc/asterisk/a.conf")
            assert await one_pass(secondary, primary, "only", "/etc/asterisk") == "1 0 0"
            assert told(secondary) == (why, [], 3)

            # dahdi_cfg has its own word, also when the spans would do.
            put(primary, system_conf=T1.replace("esf", "efs"), modules="r1t1\n", new_conf="")
            assert await one_pass(secondary, primary) == "0 0 0"
            assert "dahdi_cfg does not accept system.conf: line 1: Framing(T1)" in told(secondary)[0]
            assert dahdi(secondary) == before

            put(primary, system_conf=T1.replace("mg2", "oslec"))
            assert await one_pass(secondary, primary) == "3 0 0"
            assert dahdi(secondary)["system.conf"] == T1.replace("mg2", "oslec")
            assert told(secondary) == ("", [], 4)

            # What would take the only configuration away is no fit either.
            await shell(primary, "cd /etc/dahdi; rm system.conf modules")
            assert await one_pass(secondary, primary) == "0 0 0"
            assert "this node has span 1, and the configuration sets up nothing" in told(secondary)[0]
            assert "system.conf" in dahdi(secondary)

    asyncio.run(scenario())


def test_a_node_whose_spans_cannot_be_seen_takes_nothing() -> None:
    async def scenario() -> None:
        async with cards([R1T1], [R1T1]) as rack:
            primary, secondary = rack.primary, rack.secondary
            put(primary, system_conf=T1)
            await shell(secondary, "mv /run/hwsim/secondary/proc /run/hwsim/secondary/off")
            await one_pass(secondary, primary)
            assert dahdi(secondary) == {}
            assert "this node's spans cannot be seen: DAHDI is not loaded" in told(secondary)[0]
            await shell(secondary, "mv /run/hwsim/secondary/off /run/hwsim/secondary/proc")
            assert await one_pass(secondary, primary) == "1 0 0"
            assert dahdi(secondary) == {"system.conf": T1}
            assert told(secondary)[0] == ""

    asyncio.run(scenario())


def test_the_way_back_passes_the_same_guard() -> None:
    async def scenario() -> None:
        async with cards([R1T1], [R1E1]) as rack:
            primary, secondary = rack.primary, rack.secondary
            await introduce(giving=secondary, asking=primary)
            for node, text in ((primary, T1), (secondary, E1)):
                put(node, system_conf=text, init_conf="same\n")
            primary.write("/etc/dahdi/gone", "x\n")
            await one_pass(secondary, primary)
            assert dahdi(secondary)["system.conf"] == E1
            assert "the configuration says T1 (esf), this node's span 1 R1T1/0 is E1" in told(secondary)[0]

            mark_served(secondary, 100.0)
            secondary.write("/run/serving", "")
            put(secondary, system_conf=E1 + "loadzone=fr\n")
            await shell(secondary, "echo there >/etc/asterisk/a.conf")
            assert (await one_pass(primary, secondary)).split()[4] == "1"
            assert dahdi(primary)["system.conf"] == T1
            assert primary.path("/etc/asterisk/a.conf").read_text() == "there\n"
            take = "from appliance.cli.main import main; main()"
            taken = await primary.run(
                [sys.executable, "-c", take, "conflicts", "take", "/etc/dahdi/system.conf"], 30
            )
            assert taken.code == 6, taken
            assert "the configuration says E1 (ccs), this node's span 1 R1T1/0 is T1" in taken.err
            assert dahdi(primary)["system.conf"] == T1

    asyncio.run(scenario())
