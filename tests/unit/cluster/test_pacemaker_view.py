"""What Pacemaker says of the resource, and what the resource agent answers."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from appliance.cluster.pacemaker import links, ocf
from appliance.cluster.pacemaker.config_files import install_resource_agent
from appliance.cluster.pacemaker.installation import (
    PacemakerPaths,
    Processes,
    find_pacemaker,
    running_identity,
)
from appliance.cluster.pacemaker.view import Belief, holds, parse, serves
from appliance.cluster.resource import ScriptVerb
from appliance.core.errors import HostError
from appliance.core.reading import Known, Unknown, is_known
from appliance.core.roles import Role, claims_service

MON = """<pacemaker-result><summary><current_dc present="{dc}" name="alpha"/></summary>
<nodes><node name="Alpha" online="true" pending="false"/><node name="bravo" online="true" pending="true"/></nodes>
<resources><group id="asha-service">
<resource id="asha-address" role="Started"/><resource id="asha" role="{role}" managed="true" {more}>{nodes}</resource>
</group></resources>{failures}</pacemaker-result>"""


def belief(
    *nodes: str, dc: str = "true", role: str = "Started", more: str = "", failures: str = ""
) -> Known[Belief]:
    on = "".join(f'<node name="{node}"/>' for node in nodes)
    found = parse(MON.format(dc=dc, role=role, nodes=on, more=more, failures=failures))
    assert found is not None
    return Known(found, 1.0)


def test_a_node_serves_where_the_resource_runs() -> None:
    assert is_known(serves("alpha", belief("Alpha")), True)
    assert is_known(serves("bravo", belief("Alpha")), False)
    assert is_known(holds("alpha", belief("alpha")), "service")
    assert is_known(holds("bravo", belief("alpha")), "nothing")


def test_a_node_that_is_joining_is_not_online() -> None:
    assert belief().value.online == ("alpha",)


def test_what_is_on_its_way_or_without_orders_is_unknown() -> None:
    moving = belief("alpha", more='pending="Stopping"')
    assert isinstance(serves("alpha", moving), Unknown) and is_known(holds("alpha", moving), "moving")
    assert isinstance(serves("alpha", belief("alpha", dc="false")), Unknown)


def test_a_failure_names_its_node() -> None:
    failed = '<failures><failure node="Bravo" rc="1"/><failure node="alpha" rc="0"/></failures>'
    assert belief(failures=failed).value.failed == ("bravo",)


@pytest.mark.parametrize("text", ["", "crm_mon: Error: cluster is not available on this node", "<a"])
def test_what_is_no_xml_says_nothing(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("verb", "found", "status"),
    [
        (ScriptVerb.START, True, 0),
        (ScriptVerb.START, False, 1),
        (ScriptVerb.STOP, True, 0),
        (ScriptVerb.STOP, False, 1),
        (ScriptVerb.STATUS, True, 0),
        (ScriptVerb.STATUS, False, 7),
        (ScriptVerb.STATUS, None, 1),
    ],
)
def test_the_agent_answers_by_exit_status(verb: ScriptVerb, found: bool | None, status: int) -> None:
    assert ocf.answer(verb, found) == ("", status)


def paths(tmp_path: Path) -> PacemakerPaths:
    return replace(find_pacemaker(), ocf_dir=tmp_path)


def test_the_agent_tells_its_meta_data_without_its_program(tmp_path: Path) -> None:
    install_resource_agent(paths(tmp_path), ["/nowhere/python"])
    agent = tmp_path / "asha/service"
    told = subprocess.run([agent, "meta-data"], capture_output=True, text=True, check=True).stdout
    actions = {action.get("name") for action in ET.fromstring(told.split("?>", 1)[1]).iter("action")}
    assert actions == {"start", "stop", "monitor", "meta-data", "validate-all"}


def test_the_agent_passes_pacemakers_words_on(tmp_path: Path) -> None:
    odd = tmp_path / "a b'c"
    odd.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 7\n')
    odd.chmod(0o755)
    install_resource_agent(paths(tmp_path), [odd, "-I"])
    ended = subprocess.run(
        [tmp_path / "asha/service", "monitor"], capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.returncode) == ("-I|monitor|", 7)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"the program pacemakerd .*the directory of the CIB"):
        find_pacemaker(tmp_path)


def process(
    proc: Path,
    pid: int,
    name: str,
    parent: int,
    namespace: str = "pid:[1]",
    state: str = "S",
    words: tuple[str, ...] = (),
) -> None:
    place = proc / str(pid)
    (place / "ns").mkdir(parents=True)
    (place / "comm").write_text(f"{name[:15]}\n")
    (place / "cmdline").write_text("\0".join((name, *words, "")))
    (place / "stat").write_text(
        f"{pid} ({name}) {state} {parent} " + " ".join(["0"] * 17) + f" {pid * 10} 0\n"
    )
    (place / "ns/pid").symlink_to(namespace)


def test_the_processes_of_containers_the_dead_and_those_that_tell_a_version_are_not_ours(
    tmp_path: Path,
) -> None:
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").symlink_to("pid:[1]")
    process(tmp_path, 5, "corosync", 1, namespace="pid:[2]")
    process(tmp_path, 6, "corosync", 1, state="Z")
    process(tmp_path, 3, "corosync", 2, words=("-v",))
    process(tmp_path, 4, "pacemakerd", 2, words=("--version",))
    found = Processes(tmp_path)
    assert (found.corosync(), found.controls(), found.of_pacemaker()) == (None, False, ())
    process(tmp_path, 7, "corosync", 1)
    process(tmp_path, 8, "pacemaker-controld", 9)
    process(tmp_path, 9, "pacemakerd", 1)
    process(tmp_path, 10, "pacemaker-execd", 9)
    process(tmp_path, 11, "sh", 10)
    process(tmp_path, 12, "python", 11)
    assert (found.corosync(), found.identity(7), found.controls()) == (7, "7:70", True)
    assert running_identity(tmp_path, tmp_path) == "", "no corosync.conf of ours"
    (tmp_path / "corosync.conf").write_text("# Written by asha\n")
    assert running_identity(tmp_path, tmp_path) == "7:70"
    assert found.of_pacemaker()[0] == 9 and set(found.of_pacemaker()) == {8, 9, 10}
    assert set(found.below((8, 9, 10))) == {11, 12}


@pytest.mark.parametrize(
    ("role", "reaches", "claims"),
    [
        (Role.ACTIVE, True, True),
        (Role.ACTIVE, False, False),
        (Role.ACQUIRING, True, True),
        (Role.ACQUIRING, False, False),
        (Role.RELEASING, True, False),
        (Role.STANDBY, True, False),
    ],
)
def test_service_is_claimed_by_the_node_that_serves_the_telephones(
    role: Role, reaches: bool, claims: bool
) -> None:
    assert claims_service(role, Known(reaches, 1.0)) is claims


NODES = """nodelist.node.0.name (str) = alpha
nodelist.node.0.nodeid (u32) = 1
nodelist.node.0.ring0_addr (str) = 10.0.0.1
nodelist.node.1.nodeid (u32) = 2
nodelist.node.1.ring0_addr (str) = 10.0.0.2
nodelist.node.1.ring1_addr (str) = 10.1.0.2
"""
STATS = """stats.knet.node1.link0.connected (u8) = 1
stats.knet.node2.link0.connected (u8) = 1
stats.knet.node2.link0.mtu (u32) = 1500
stats.knet.node2.link1.connected (u8) = 0
stats.knet.node2.link2.connected (u8) = 0
"""


def test_each_link_to_the_peer_is_told_with_its_address() -> None:
    assert links.parse(NODES, STATS, 2) == ((0, "10.0.0.2", True), (1, "10.1.0.2", False))
    assert links.parse(NODES, STATS, 1) == ((0, "10.0.0.1", True),)
    assert links.parse(NODES, "Can't get key. Error CS_ERR_NOT_EXIST", 2) == ()
