"""From two machines that know nothing to a pair that serves, by what the panel asks and nothing else: no shell."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pair_on_rack import Pair, Status

from hwsim.nodes import CLUSTER_ADDRESS, Network
from hwsim.nodes.sshd import shell, sshd_answers, start_sshd
from hwsim.rack import SIDES
from hwsim.server import CONTROL
from hwsim.site import AMI_SECRET, AMI_USER, Site

SITE = Site(boot_time=0.1, profile="dynamic", move_dwell=7.0, names=("pbx1", "pbx2"))
# What an installer has put into the file and the tab does not offer.
_INSTALLED = "# freshly installed\nDAHDIROOT=/run/hwsim/{side}.dahdi\nAMIUSER={user}\nAMISECRET={secret}\n"
_TAB = {
    "HACLUSTERIP": CLUSTER_ADDRESS,
    "HAPRINODE": "pbx1",
    "HASECNODE": "pbx2",
    "HASYNCH": "LAZY",
    "RHINOSPF": "YES",
    "HAKEEPALIVE": "100ms",
    "HAWARNTIME": "250ms",
    "HADEADTIME": "1500ms",
    "HAINITDEAD": "3",
}
# Paths that the engine knows: Corosync has no broadcast (docs/engines.md).
_PATHS = {
    "heartbeat": "bcast eth0, bcast eth1",
    "pacemaker": ", ".join(
        f"ucast {link} {Network.address(side, link)}" for link in ("eth0", "eth1") for side in SIDES
    ),
}
_FURNISH = """
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail
sqlite3 /opt/sark/db/sark.db 'create table if not exists t (n)'
echo secret >/etc/asterisk/a.conf
"""
_BY = "anna at 10.0.0.7 (panel)"
_SERVES = "This node (primary) is active: the line is in service here."


async def ask(pair: Pair, side: str, verb: str, **arguments: object) -> Any:
    """The result of `verb` on the agent of `side`; its error as it is."""
    answer = await said(pair, side, verb, **arguments)
    assert answer["ok"], answer
    return answer["result"]


async def said(pair: Pair, side: str, verb: str, **arguments: object) -> dict[str, Any]:
    path = str(pair.server(side).node.path(CONTROL))
    reader, writer = await asyncio.open_unix_connection(path, limit=1 << 20)
    try:
        writer.write(json.dumps({"verb": verb, "by": _BY, **arguments}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
    finally:
        writer.close()
    return answer


async def set_up(pair: Pair, side: str, role: str = "off") -> Status:
    return await pair.until_status(
        side, lambda status: status["set_up"] and status["role"] == role, f"the {side} is set up"
    )


async def furnish(pair: Pair) -> None:
    for side in SIDES:
        node = pair.server(side).node
        conf = _INSTALLED.format(side=side, user=AMI_USER, secret=AMI_SECRET)
        node.write("/etc/asha.conf", conf, 0o600)
        node.unlink(pair.engine.secret.path)
        await start_sshd(node)
        await pair.rack.start_agent(side)
    await shell(pair.primary.node, _FURNISH)
    for side, other in zip(SIDES, SIDES[::-1], strict=True):
        await sshd_answers(pair.server(side).node, Network.address(other, "eth0"))


async def test_two_blank_machines_become_a_pair(pair: Pair) -> None:
    await furnish(pair)
    await nothing_yet(pair)
    await introduced(pair)
    await started(pair)
    await steered(pair)


async def nothing_yet(pair: Pair) -> None:
    """They say that they are not set up, and move nothing."""
    began = pair.rack.now()
    for side in SIDES:
        status = await ask(pair, side, "status")
        assert (status["set_up"], status["role"], status["relay"]["card"]) == (False, "not set up", None)
        shown = await pair.server(side).asha("status")
        assert shown.code == 3 and "fill in the High Availability tab first" in shown.output, shown
        refused = await said(pair, side, "ha start")
        assert not refused["ok"] and "not set up" in refused["error"]
    assert pair.moved_since(began) == []


def missing(blank: Any, full: Any, at: str = "status") -> list[str]:
    """What the whole document has and the one of a machine that is not set up has not; a page reads both alike."""
    if not isinstance(full, dict) or not isinstance(blank, dict) or set(full) == {"value", "why"}:
        return []
    lacking = [f"{at}.{key}" for key in full if key not in blank]
    return lacking + [
        one for key in blank.keys() & full.keys() for one in missing(blank[key], full[key], f"{at}.{key}")
    ]


async def introduced(pair: Pair) -> None:
    """The tab on the primary; its introduction on the secondary, and that one's on the primary."""
    blank = await ask(pair, "primary", "status")
    engine = {"HAENGINE": pair.engine.name, "HAMEDIA": _PATHS[pair.engine.name]}
    answer = await ask(pair, "primary", "conf set", values={**_TAB, **engine})
    assert "+HACLUSTERIP" in answer["diff"] and answer["peer"] is None
    whole = await set_up(pair, "primary")
    assert missing({**blank, "probes": whole["probes"]}, whole) == []
    # The names the wrong way round, and back: while the engine is off the agent begins anew as the other node.
    for names, node in ((("pbx2", "pbx1"), "secondary"), (("pbx1", "pbx2"), "primary")):
        swapped = dict(zip(("HAPRINODE", "HASECNODE"), names, strict=True))
        await ask(pair, "primary", "conf set", values=swapped)
        await pair.until_status(
            "primary", lambda status, node=node: status["node"] == node, f"it is the {node}"
        )
    first = await ask(pair, "primary", "introduction")
    assert first["other"] is None
    taken = await ask(pair, "secondary", "introduction take", text=first["text"])
    assert "pbx1 is known here" in taken["says"] and "has not accepted this node yet" in taken["says"]
    await set_up(pair, "secondary")
    conf = pair.secondary.node.path("/etc/asha.conf").read_text()
    assert (
        conf.startswith("# freshly installed") and f"HAPRIADDR={Network.address('primary', 'eth0')}" in conf
    )
    back = await ask(pair, "secondary", "introduction")
    assert (back["other"]["name"], back["other"]["proven"]) == ("pbx1", False)
    closed = await ask(pair, "primary", "introduction take", text=back["text"])
    assert "the way is proven" in closed["says"], closed
    for side in SIDES:
        shown = await ask(pair, side, "introduction")
        assert shown["other"]["proven"] is True, shown
    again = await ask(pair, "secondary", "introduction take", text=first["text"])
    assert (
        "the way is proven" in again["says"]
        and pair.secondary.node.path("/etc/asha.conf").read_text() == conf
    )


async def started(pair: Pair) -> None:
    """HA is started on both; the secondary fetches the secret; the data follow."""
    await ask(pair, "primary", "ha start")
    await ask(pair, "secondary", "ha start")
    keys = [pair.server(side).node.path(pair.engine.secret.path).read_text() for side in SIDES]
    assert keys[0] == keys[1] and keys[0] != pair.engine.secret.text
    await pair.until_status("primary", lambda status: status["headline"] == _SERVES, "the primary serves", 40)
    await pair.until_status(
        "secondary", lambda status: status["role"] == "standby" and status["fit"], "a fit standby", 40
    )
    await pair.until(
        lambda: pair.secondary.node.path("/etc/asterisk/a.conf").exists(), "the data are on the secondary", 40
    )


async def steered(pair: Pair) -> None:
    """A value for both nodes at once, one that must wait, an errand; and the peer out of reach."""
    answer = await ask(pair, "primary", "conf set", values={"MOVEDWELL": "8"}, peer=True)
    assert answer["peer"]["ok"] and answer["peer"]["says"].startswith("pbx2: Saved."), answer
    for side in SIDES:
        assert "\nMOVEDWELL=8\n" in pair.server(side).node.path("/etc/asha.conf").read_text()
    (entry,) = [one for one in pair.entries("secondary", 0) if "MOVEDWELL" in one.get("diff", "")]
    assert entry["by"] == f"{_BY}, by way of pbx1"
    refused = await said(pair, "primary", "conf set", values={"HACLUSTERIP": "10.9.9.9"})
    assert not refused["ok"] and "cannot change under it" in refused["error"]
    root_only = await said(pair, "primary", "conf set", values={"POSTSYNC": "/bin/sh"})
    assert not root_only["ok"] and root_only["exit_code"] == 2

    # On a machine that is slow enough Heartbeat has both nodes serve at first; what the secondary has is merged then.
    await pair.until_status(
        "primary", lambda status: not status["data"]["peer_newer"], "all data are here", 40
    )
    await ask(pair, "primary", "job start", name="failback plan")
    status = await pair.until_status(
        "primary", lambda status: status["job"]["state"] != "running", "the job is over", 40
    )
    assert status["job"]["state"] == "done" and "Nothing to do" in status["job"]["lines"][-1], status["job"]

    pair.rack.power_off("secondary")
    lost = await ask(pair, "primary", "conf set", values={"MOVEDWELL": "9"}, peer=True)
    assert not lost["peer"]["ok"] and lost["peer"]["says"].startswith("pbx2 does not have it")
    assert "\nMOVEDWELL=9\n" in pair.primary.node.path("/etc/asha.conf").read_text()
