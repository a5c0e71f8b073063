"""Corosync's and Pacemaker's files, made from the conf file; Pacemaker's own tool judges the CIB."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from appliance.cluster.pacemaker import cib, config_files, corosync
from appliance.cluster.pacemaker.commands import node_names, stop_engine
from appliance.cluster.pacemaker.config_files import checked_secret, install, made_key, place_key, read_key
from appliance.cluster.pacemaker.corosync import Link, links, render, times
from appliance.cluster.pacemaker.installation import find_pacemaker, is_ours
from appliance.config import Conf
from appliance.config.check import cross_check
from appliance.config.media import Medium
from appliance.core.errors import ClusterError
from appliance.core.model import Node

OWN = {"eth0": "10.0.0.1", "eth1": "10.1.0.1"}
MEDIA = (Medium("ucast", "eth0", "10.0.0.2"), Medium("ucast", "eth1", "10.1.0.2"))
CONF = replace(
    Conf(),
    cluster_ip="10.0.0.9",
    primary_name="alpha",
    secondary_name="bravo",
    media=MEDIA,
    engine="pacemaker",
)
EMPTY = subprocess.run(["/usr/sbin/cibadmin", "--empty"], capture_output=True, text=True, check=True).stdout


def own_address(device: str, peer: str) -> str:
    return peer if peer in OWN.values() else OWN[device]


def test_each_path_is_a_link_and_our_own_entry_is_none() -> None:
    both = (*MEDIA, Medium("ucast", "eth0", "10.0.0.1"))
    found = links(replace(CONF, media=both), own_address)
    assert found == (Link("10.0.0.1", "10.0.0.2"), Link("10.1.0.1", "10.1.0.2"))


@pytest.mark.parametrize("medium", [Medium("bcast", "eth0"), Medium("serial", "/dev/ttyS0")])
def test_another_medium_is_refused_by_name(medium: Medium) -> None:
    with pytest.raises(ClusterError, match=f"HAMEDIA has '{medium.kind}"):
        links(replace(CONF, media=(medium,)), own_address)
    clashes = cross_check(replace(CONF, media=(medium,)))
    assert [clash.key for clash in clashes] == ["HAMEDIA"]
    assert cross_check(replace(CONF, media=(medium,), engine="auto")) == ()


def test_a_path_from_the_cluster_address_is_refused() -> None:
    with pytest.raises(ClusterError, match="HACLUSTERIP"):
        links(CONF, lambda device, peer: CONF.cluster_ip)


SIX = replace(CONF, cluster_ipv6="2001:db8::9/64")


def test_an_address_of_ipv6_is_used_at_once_and_before_asha() -> None:
    group = ET.fromstring(cib.with_own_parts(EMPTY, SIX)).find(f".//group[@id='{cib.GROUP}']")
    assert group is not None
    assert [each.get("id") for each in group] == ["asha-address", "asha-address6", "asha"]
    said = {pair.get("name"): pair.get("value") for pair in group[1].iter("nvpair")}
    assert said == {
        "ip": "2001:db8::9",
        "cidr_netmask": "64",
        "nic": "eth0",
        "nodad": "true",
        "arp_bg": "true",
        "preferred_lft": "0",
    }
    alone = ET.fromstring(cib.with_own_parts(cib.with_own_parts(EMPTY, SIX), replace(SIX, cluster_ip="")))
    assert [each.get("id") for each in alone.iter("primitive")] == ["asha-address6", "asha"]


def test_a_path_by_ipv6_is_a_link_and_none_from_a_cluster_address() -> None:
    way = Medium("ucast", "eth0", "2001:db8::2")
    assert links(replace(SIX, media=(way,)), lambda *path: "2001:db8::1") == (
        Link("2001:db8::1", "2001:db8::2"),
    )
    with pytest.raises(ClusterError, match="only from 2001:db8::9"):
        links(replace(SIX, media=(way,)), lambda *path: "2001:db8::9")


def test_both_nodes_have_the_same_file() -> None:
    ours = tuple(links(CONF, own_address))
    theirs = tuple(Link(way.peer, way.own) for way in ours)
    text = render(CONF, Node.PRIMARY, ours)
    assert text == render(CONF, Node.SECONDARY, theirs)
    assert text.count("ring1_addr") == text.count("mcastport: 694") == 2
    assert text.index("10.0.0.1") < text.index("name: bravo") < text.index("10.0.0.2")


def test_token_and_consensus_are_together_the_deadtime() -> None:
    found = times(replace(CONF, deadtime=3.0, keepalive=0.2))
    assert (found.token + found.consensus, found.ping) == (3000, 200)
    assert found.ping <= found.ping_timeout < found.token
    short = replace(CONF, deadtime=0.9, keepalive=0.1, warntime=0.3)
    with pytest.raises(ClusterError, match="HADEADTIME"):
        times(short)
    assert "HADEADTIME" in [clash.key for clash in cross_check(short)]


def test_pacemaker_takes_the_first_cib(tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_text(cib.with_own_parts(EMPTY, CONF))
    judged = subprocess.run(
        ["/usr/sbin/crm_verify", "-V", "--xml-file", file], capture_output=True, text=True, check=False
    )
    assert (judged.returncode, judged.stderr) == (0, "")


def test_a_cib_that_has_our_parts_is_left_as_it_is() -> None:
    once = cib.with_own_parts(EMPTY, CONF)
    assert cib.with_own_parts(once, CONF) == once


def test_what_the_site_has_added_stays_and_ours_follows_the_conf() -> None:
    root = ET.fromstring(cib.with_own_parts(EMPTY, CONF))
    resources = root.find("configuration/resources")
    fencing = root.find(".//nvpair[@name='stonith-enabled']")
    assert resources is not None and fencing is not None
    ET.SubElement(resources, "primitive", {"id": "bmc", "class": "stonith", "type": "fence_ipmilan"})
    fencing.set("value", "true")
    after = ET.fromstring(
        cib.with_own_parts(ET.tostring(root, encoding="unicode"), replace(CONF, cluster_ip="10.0.0.8"))
    )
    assert after.find(".//primitive[@id='bmc']") is not None
    assert [pair.get("value") for pair in after.iterfind(".//nvpair[@name='stonith-enabled']")] == ["true"]
    assert [pair.get("value") for pair in after.iterfind(".//nvpair[@name='ip']")] == ["10.0.0.8"]
    assert int(after.get("epoch", "")) == int(root.get("epoch", "")) + 1


def test_with_hastonith_pacemaker_takes_the_device_and_without_it_again_nothing_is_left(
    tmp_path: Path,
) -> None:
    asks = replace(CONF, stonith=True, fence_wait=20.0)
    text = cib.with_own_parts(cib.with_own_parts(EMPTY, CONF), asks)
    file = tmp_path / "cib.xml"
    file.write_text(text)
    judged = subprocess.run(
        ["/usr/sbin/crm_verify", "-V", "--xml-file", file], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged
    root = ET.fromstring(text)
    values = {pair.get("name"): pair.get("value") for pair in root.iter("nvpair")}
    device = root.find(".//primitive[@type='fence_asha']")
    assert values["stonith-enabled"] == "true" and device is not None and device.get("class") == "stonith"
    assert values["pcmk_host_list"] == "alpha bravo" and values["pcmk_reboot_action"] == "off"
    assert float(values["patience"] or "") + 5 <= float((values["pcmk_off_timeout"] or "").removesuffix("s"))
    assert cib.with_own_parts(text, asks) == text
    before, after = (ET.fromstring(cib.with_own_parts(one, CONF)) for one in (EMPTY, text))
    after.set("epoch", before.get("epoch", ""))
    pairs = [
        sorted((pair.get("id"), pair.get("value")) for pair in one.iter("nvpair")) for one in (before, after)
    ]
    assert pairs[0] == pairs[1] and after.find(".//primitive[@class='stonith']") is None


def test_a_device_of_the_site_keeps_fencing_on_when_hastonith_ends() -> None:
    root = ET.fromstring(cib.with_own_parts(EMPTY, replace(CONF, stonith=True)))
    resources = root.find("configuration/resources")
    assert resources is not None
    ET.SubElement(resources, "primitive", {"id": "bmc", "class": "stonith", "type": "fence_ipmilan"})
    after = ET.fromstring(cib.with_own_parts(ET.tostring(root, encoding="unicode"), CONF))
    assert [pair.get("value") for pair in after.iterfind(".//nvpair[@name='stonith-enabled']")] == ["true"]
    assert [one.get("id") for one in after.iterfind(".//primitive[@class='stonith']")] == ["bmc"]


def test_hastonith_is_refused_where_nobody_asks() -> None:
    asks = replace(CONF, stonith=True, card_installed=True)
    assert cross_check(asks) == cross_check(replace(asks, engine="auto")) == ()
    assert [clash.key for clash in cross_check(replace(asks, engine="heartbeat"))] == ["HASTONITH"]


@pytest.mark.parametrize("text", ["", "<cib>", "<other/>"])
def test_what_is_no_cib_is_refused(text: str) -> None:
    with pytest.raises(ClusterError):
        cib.with_own_parts(text, CONF)


def test_the_secret_is_made_once_and_carried_as_a_word(tmp_path: Path) -> None:
    secret = made_key(tmp_path)
    assert made_key(tmp_path) == secret == checked_secret(secret)
    assert (tmp_path / "authkey").stat().st_mode & 0o777 == 0o400
    other = tmp_path / "other"
    other.mkdir()
    place_key(other, "aes256", secret)
    place_key(other, "aes256", "0" * 256)
    assert read_key(other) == secret


def test_a_secret_of_another_making_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="not Pacemaker"):
        place_key(tmp_path, "sha1", "0" * 256)
    with pytest.raises(ClusterError, match="hexadecimal"):
        place_key(tmp_path, "aes256", "short")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "authkey").write_bytes(bytes(range(128, 256)))
    with pytest.raises(ClusterError, match="scp"):
        read_key(tmp_path)


def test_a_file_of_another_cluster_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf_dir = tmp_path / "corosync"
    conf_dir.mkdir()
    (conf_dir / "corosync.conf").write_text("totem {\n cluster_name: theirs\n}\n")
    made_key(conf_dir)
    monkeypatch.setattr(config_files, "own_address", own_address)
    monkeypatch.setattr(corosync, "LOG", tmp_path / "log/corosync.log")
    paths = replace(find_pacemaker(), conf_dir=conf_dir, cib_dir=tmp_path)
    assert not is_ours(conf_dir) and stop_engine(paths), "another cluster's daemons are left alone"
    for _ in range(2):
        install(CONF, Node.PRIMARY, paths)
        assert is_ours(conf_dir)
        assert node_names(paths) == ["alpha", "bravo"]
        assert "theirs" in (conf_dir / "corosync.conf.before-asha").read_text()
        assert (tmp_path / "cib.xml").stat().st_mode & 0o777 == 0o600
