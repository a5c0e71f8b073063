"""`asha check --peer` on the rack: both nodes beside each other, and what only the two together can show."""

from __future__ import annotations

import json
from typing import Any

from keys_on_rack import open_ssh
from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes.engines import HEARTBEAT
from hwsim.nodes.sshd import AUTHORIZED_KEYS, shell
from hwsim.server import Said
from hwsim.site import SYNCHRONISED

SITE = PAIR_SITE.with_conf(SYNCHRONISED)
# As firewalld does it to a cluster engine: what comes in for UDP 694 is dropped silently. Rules of routing instead of a
# packet filter's, whose programs the rack does not have.
DROP = (
    "ip rule add pref 100 lookup local; ip rule del pref 0; "
    "for d in eth0 eth1; do ip rule add pref 10 iif $d ipproto udp dport 694 blackhole; done"
)
PASS = "while ip rule del pref 10 2>/dev/null; do :; done"


async def checked(pair: Pair, side: str) -> tuple[Said, dict[str, Any]]:
    said = await pair.server(side).asha("check", "--peer", "--json")
    return said, json.loads(said.output)


def level(report: dict[str, Any], what: str) -> str:
    return next(one["level"] for one in report["findings"] if one["what"] == what)


def compared(document: dict[str, Any]) -> dict[str, str]:
    return {one["what"]: one["level"] for one in document["compared"]}


def not_right(document: dict[str, Any]) -> list[str]:
    """What is an error or not known, on either node or of the two together."""
    findings = [*document["here"]["findings"], *document["peer"]["findings"], *document["compared"]]
    return [f"{one['what']}: {one['says']}" for one in findings if one["level"] not in ("ok", "warning")]


async def test_a_good_pair_is_good_on_both_nodes(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    for side, other in (("primary", "secondary"), ("secondary", "primary")):
        said, document = await checked(pair, side)
        assert not_right(document) == [] and said.code == 0, said.error
        assert (document["here"]["node"], document["peer"]["node"]) == (side, other)
        assert set(compared(document).values()) == {"ok"}, document["compared"]
        for what in ("address", "in use", "links", "hearing", "disks", "ssh", "agent"):
            assert (level(document["here"], what), level(document["peer"], what)) == ("ok", "ok"), document
        # What is compared is a fingerprint: the secret is in no report.
        secret = pair.primary.node.path(pair.engine.secret.path).read_text().split()[-1]
        assert secret not in said.output
    shown = await pair.primary.asha("check", "--peer")
    lines = shown.output.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("ok   address"))
    assert "haprimary" in lines[at] and lines[at + 1].startswith("ok   address     hastandby")


async def test_what_differs_and_what_is_heard_one_way_is_named(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    standby = pair.secondary.node
    authkeys = standby.path(pair.engine.secret.path)
    kept = authkeys.read_text()
    authkeys.write_text(kept.rstrip()[:-1] + "0")
    # Corosync probes a link both ways at once, so neither node hears the other then (docs/engines.md).
    one_way = pair.engine is HEARTBEAT
    await shell(standby, DROP)
    try:
        await pair.until_status(
            "secondary", lambda status: "up" not in status["peer"]["links"].values(), "it hears nothing"
        )
        said, document = await checked(pair, "primary")
    finally:
        await shell(standby, PASS)
        authkeys.write_text(kept)
    assert said.code == 3
    assert compared(document)["authkeys"] == compared(document)["each way"] == "error"
    (each_way,) = (one for one in document["compared"] if one["what"] == "each way")
    assert each_way["says"].startswith(
        "hastandby does not hear haprimary" if one_way else "Neither node hears the other whole"
    )
    assert level(document["here"], "hearing") == ("ok" if one_way else "error")
    assert level(document["peer"], "hearing") == "error"


async def test_a_peer_of_an_older_version_and_one_that_does_not_answer_are_said_plainly(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    authorized = pair.secondary.node.path(AUTHORIZED_KEYS)
    kept = authorized.read_text()
    # The words with which the gate of an older asha refuses a question that it does not know.
    older = "echo \"asha: This key does not allow that: 'asha-source' is none of what this key is for.\" >&2; exit 6"
    pair.secondary.node.write("/usr/local/bin/older", f"#!/bin/sh\n{older}\n", 0o755)
    before, _, rest = kept.partition('command="')
    authorized.write_text(f'{before}command="/usr/local/bin/older"{rest.partition(chr(34))[2]}')
    try:
        said, document = await checked(pair, "primary")
        assert said.code == 3 and document["peer"] is None
        assert "older version" in document["compared"][0]["says"]
        authorized.write_text("")
        said, document = await checked(pair, "primary")
        assert said.code == 3 and document["peer"] is None
        assert "asha ssh-setup" in document["compared"][0]["remedy"]
    finally:
        authorized.write_text(kept)


async def test_the_conf_files_are_compared_and_a_secret_stays_at_home(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    alike = await pair.primary.asha("conf", "diff", "--json")
    found = json.loads(alike.output)
    assert alike.code == 0, f"{alike.output}{alike.error}"
    assert (found["here"], found["there"]) == ("haprimary", "hastandby")
    path = pair.secondary.node.path("/etc/asha.conf")
    kept = path.read_text()
    try:
        path.write_text(f"{kept}\nSYNCSTALE=1234\nNOTIFYCOMMUNITY=hushhush\n")
        path.chmod(0o600)
        differs = await pair.primary.asha("conf", "diff", "--json")
        seen = {one["key"]: one for one in json.loads(differs.output)["differences"] if not one["expected"]}
        assert differs.code == 1 and seen.keys() == {"SYNCSTALE", "NOTIFYCOMMUNITY"}
        assert seen["SYNCSTALE"]["there"] == "1234" and seen["NOTIFYCOMMUNITY"]["there"] is None
        assert "hushhush" not in differs.output
    finally:
        path.write_text(kept)
    authorized = pair.secondary.node.path(AUTHORIZED_KEYS)
    aside = authorized.rename(authorized.with_suffix(".aside"))
    try:
        refused = await pair.primary.asha("conf", "diff", "--json")
    finally:
        aside.rename(authorized)
    told = json.loads(refused.error)
    assert (refused.code, told["exit_code"], refused.output) == (6, 6, ""), told
    assert "Permission denied" in told["error"] and told["todo"]
