"""Somebody saves in SARK on the active node: both conf files follow, the agents work by them, telephones are told."""

from __future__ import annotations

import json

from keys_on_rack import asha, open_ssh
from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes import Network
from hwsim.nodes.network import CLUSTER_ADDRESS
from hwsim.nodes.sshd import shell
from hwsim.site import PRIMARY_NAME, SECONDARY_NAME, SYNCHRONISED

_JOB = "/opt/sark/regenerate"
SITE = PAIR_SITE.with_conf({**SYNCHRONISED, "SYNCPERIOD": "600", "SYNCSTALE": "1200", "POSTSYNC": _JOB})
_DB = "/opt/sark/db/sark.db"
# The published columns of high availability, all of them TEXT, and some of the others.
_FURNISH = f"""
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail
sed -i -e '1i # the words of the site' -e 's/^HASYNCH=/# how the data follow\\n&/' /etc/asha.conf
printf '#!/bin/sh\\ncat /etc/asha/provision-address >>/var/lib/told\\n' >{_JOB}; chmod 755 {_JOB}
"""
_SARK = f"""
sqlite3 -cmd ".timeout 5000" {_DB} "CREATE TABLE globals (pkey TEXT PRIMARY KEY, BINDADDR TEXT, EDOMAIN TEXT,
    HAAUTOFAILBACK TEXT, HACLUSTERIP TEXT, HAENCRYPT TEXT, HAMODE TEXT, HAPRINODE TEXT, HASECNODE TEXT, HASYNCH TEXT,
    HAUSECLUSTER TEXT, RESTART TEXT, RHINOSPF TEXT, ZTP TEXT);
INSERT INTO globals (pkey, HAAUTOFAILBACK, HACLUSTERIP, HAMODE, HAPRINODE, HASECNODE, HASYNCH, HAUSECLUSTER, RESTART,
    RHINOSPF) VALUES ('global', 'off', '{CLUSTER_ADDRESS}', 'ON', '{PRIMARY_NAME}', '{SECONDARY_NAME}', 'LAZY', 'NO',
    'NO', 'YES');"
"""


async def test_a_save_in_sark_is_followed_on_both_nodes(pair: Pair) -> None:
    for side in ("primary", "secondary"):
        await pair.power_up(side)
        assert (await shell(pair.server(side).node, _FURNISH)).code == 0
    await pair.home()
    await open_ssh(pair)
    assert (await shell(pair.primary.node, _SARK)).code == 0
    for side in ("primary", "secondary"):
        own = Network.address(side, "eth0")
        await pair.until(lambda side=side, own=own: _provisioned(pair, side) == own, "its own address", 20)
        await pair.until(lambda side=side: _agreed(pair, side), f"the {side} has met SARK", 20)
    assert _changes(pair, "primary") == 0, "a first address makes nothing old"

    began = pair.rack.now()
    saved = await _sql(pair, "primary", "UPDATE globals SET HAUSECLUSTER='yes', RESTART='YES'")
    await pair.until(lambda: "HAUSECLUSTER=YES" in _conf(pair, "primary"), "the primary's conf follows", 20)
    assert pair.rack.now() - began < 8.0, saved  # without the kernel's word it is the next look, after 10 s
    for side in ("primary", "secondary"):
        await pair.until(
            lambda side=side: _provisioned(pair, side) == CLUSTER_ADDRESS, f"the {side} is told", 30
        )
        text = _conf(pair, side)
        assert "HAUSECLUSTER=YES\n" in text and "RESTART=YES\n" in text, text
        assert (
            text.startswith("# the words of the site\n") and "# how the data follow\nHASYNCH=LAZY\n" in text
        )
        entry = await pair.entry(side, lambda entry: entry["kind"] == "sark" and bool(entry["keys"]), began)
        assert sorted(entry["keys"]) == ["HAUSECLUSTER", "RESTART"] and "from 'NO' to 'YES'" in entry["says"]
        await pair.entry(side, lambda entry: "POSTSYNC has run after" in str(entry.get("says")), began)
        assert _told(pair, side)[-1] == CLUSTER_ADDRESS
        said = await asha(pair, side, "provision-address")
        assert (said.code, said.output) == (0, f"{CLUSTER_ADDRESS}\n")
        php = pair.server(side).node.path("/etc/asha/provision-address.php")
        assert php.read_text() == f"<?php return '{CLUSTER_ADDRESS}';\n"
        assert (php.stat().st_mode & 0o777, php.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    assert _changes(pair, "primary") == 1, "once"


async def test_the_conf_file_is_followed_where_sark_may_be_written(pair: Pair) -> None:
    assert (await asha(pair, "primary", "conf", "set", "RESTART", "NO")).code == 0
    await pair.until(
        lambda: "RESTART=NO\n" in _conf(pair, "secondary"), "it comes to the secondary by SARK", 30
    )
    assert (await _sql(pair, "primary", "SELECT RESTART FROM globals")).out == "NO\n"

    assert (await asha(pair, "secondary", "conf", "set", "RESTART", "YES")).code == 0
    refused = await asha(pair, "secondary", "sark", "push")
    assert refused.code == 5 and "its data come from the active node" in " ".join(refused.error.split()), (
        refused
    )
    shown = json.loads((await asha(pair, "secondary", "sark", "--json")).output)
    assert shown["writes"] is False and _state(shown, "RESTART") == "push"
    assert (await asha(pair, "secondary", "sark", "pull")).code == 0
    assert "RESTART=NO\n" in _conf(pair, "secondary")


async def test_both_changed_waits_for_a_choice(pair: Pair) -> None:
    """Somebody saves in SARK while another edits the conf file: the agent sees both at once."""
    other = CLUSTER_ADDRESS.rpartition(".")[0] + ".101"
    third = CLUSTER_ADDRESS.rpartition(".")[0] + ".102"
    both = (
        f"sqlite3 {_DB} <<'END'\nBEGIN EXCLUSIVE;\nUPDATE globals SET HACLUSTERIP='{third}';\n"
        f".shell sed -i 's/^HACLUSTERIP=.*/HACLUSTERIP={other}/' /etc/asha.conf\nCOMMIT;\nEND"
    )
    assert (await shell(pair.primary.node, both)).code == 0
    status = await pair.until_status(
        "primary", lambda status: any(third in problem for problem in status["problems"]), "it is named"
    )
    assert sum("SARK" in problem for problem in status["problems"]) == 2, status["problems"]
    assert f"HACLUSTERIP={other}\n" in _conf(pair, "primary")
    shown = await asha(pair, "primary", "sark")
    assert "CONFLICT" in shown.output and "asha sark push" in shown.output, shown
    would = await asha(pair, "primary", "sark", "push", "--dry-run")
    assert would.output == f"SARK would take HACLUSTERIP from '{third}' to '{other}'\n", would
    held = await asha(pair, "primary", "sark", "pull")
    assert held.code == 0 and "cannot change under the running HA engine" in " ".join(held.output.split()), (
        held
    )
    assert f"HACLUSTERIP={other}\n" in _conf(pair, "primary")
    await pair.fresh_agent("primary")
    title = pair.engine.title
    waits = f"HACLUSTERIP was changed in the conf file; it is taken when {title} is stopped on this node"
    status = await pair.until_status("primary", lambda status: waits in status["problems"], "the file waits")
    assert status["address"]["ip"] == CLUSTER_ADDRESS, "the engine has put this one up"
    assert (await asha(pair, "primary", "conf", "set", "HACLUSTERIP", CLUSTER_ADDRESS)).code == 0
    await _sql(pair, "primary", f"UPDATE globals SET HACLUSTERIP='{CLUSTER_ADDRESS}'")
    await pair.fresh_agent("primary")
    await pair.until_status(
        "primary", lambda status: not any("SARK" in one for one in status["problems"]), "nothing waits"
    )


async def test_another_cluster_address_in_sark_waits_until_the_engine_is_gone(pair: Pair) -> None:
    await pair.home()
    other = CLUSTER_ADDRESS.rpartition(".")[0] + ".103"
    title = pair.engine.title
    waits = f"SARK: HACLUSTERIP was changed in SARK; it is taken when {title} is stopped on this node"
    await _sql(pair, "primary", f"UPDATE globals SET HACLUSTERIP='{other}'")
    for side in ("primary", "secondary"):
        status = await pair.until_status(side, lambda status: waits in status["problems"], "it waits")
        assert status["address"]["ip"] == CLUSTER_ADDRESS
        assert f"HACLUSTERIP={CLUSTER_ADDRESS}\n" in _conf(pair, side)

    fault = pair.rack.kill_engine("primary")
    await pair.served(fault, "secondary")
    status = await pair.until_status(
        "primary", lambda status: status["address"]["ip"] == other, "it is taken by itself"
    )
    assert f"HACLUSTERIP={other}\n" in _conf(pair, "primary") and waits not in status["problems"]
    addresses = await shell(pair.primary.node, "ip -o addr show")
    assert CLUSTER_ADDRESS not in addresses.out, "the one that the engine had put up is taken off"
    held = await pair.server("secondary").status()
    assert held is not None and (held["address"]["ip"], held["role"]) == (CLUSTER_ADDRESS, "active")
    assert waits in held["problems"]


async def _sql(pair: Pair, side: str, words: str):
    done = await shell(pair.server(side).node, f'sqlite3 -cmd ".timeout 5000" {_DB} "{words}"')
    assert done.code == 0, done
    return done


def _conf(pair: Pair, side: str) -> str:
    return pair.server(side).node.path("/etc/asha.conf").read_text()


def _provisioned(pair: Pair, side: str) -> str:
    path = pair.server(side).node.path("/etc/asha/provision-address")
    return path.read_text().strip() if path.exists() else ""


def _agreed(pair: Pair, side: str) -> bool:
    path = pair.server(side).node.path("/var/lib/asha/sark.json")
    return path.exists() and len(json.loads(path.read_text())["agreed"]) == 8


def _told(pair: Pair, side: str) -> list[str]:
    path = pair.server(side).node.path("/var/lib/told")
    return path.read_text().split() if path.exists() else []


def _changes(pair: Pair, side: str) -> int:
    """How often the site's job has run because the address had changed; it also follows the last data of a merge."""
    return sum(
        entry["kind"] == "provision" and "POSTSYNC has run" in entry["says"]
        for entry in pair.entries(side, 0.0)
    )


def _state(document: dict[str, object], key: str) -> object:
    settings = document["settings"]
    assert isinstance(settings, list)
    return next(one["state"] for one in settings if one["key"] == key)
