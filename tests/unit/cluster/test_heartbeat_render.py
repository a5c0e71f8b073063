from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cluster.heartbeat import engine
from appliance.cluster.heartbeat.config_files import heartbeat_time, install, read_key, render
from appliance.cluster.heartbeat.installation import knows_medium
from appliance.config import Conf, Medium
from appliance.core.errors import ClusterError
from appliance.core.model import Node

CONF = Conf(cluster_ip="192.0.2.10")
WIDE = Conf(
    cluster_ip="192.0.2.10",
    prefix=25,
    device="bond0",
    primary_name="pbx1",
    secondary_name="pbx2",
    media=(
        Medium("ucast", "bond0", "192.0.2.2"),
        Medium("bcast", "eth1"),
        Medium("serial", "/dev/ttyS0", "38400"),
    ),
    auto_failback=True,
    deadtime=1.5,
)


def text_of(conf: Conf, name: str) -> str:
    return next(file.text for file in render(conf, "s3cret") if file.path == Path(name))


def directives(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_ha_cf_by_default() -> None:
    assert directives(text_of(CONF, "ha.cf")) == [
        "logfacility none",
        "logfile /var/log/ha-log",
        "keepalive 200ms",
        "warntime 1",
        "deadtime 2",
        "initdead 120",
        "udpport 694",
        "bcast eth0",
        "auto_failback off",
        "node haprimary hastandby",
        "apiauth asha uid=root",
    ]


def test_ha_cf_with_every_medium() -> None:
    lines = directives(text_of(WIDE, "ha.cf"))
    assert lines[6:] == [
        "udpport 694",
        "baud 38400",
        "ucast bond0 192.0.2.2",
        "bcast eth1",
        "serial /dev/ttyS0",
        "auto_failback off",  # the agent goes back, after the data (ADR 11)
        "node pbx1 pbx2",
        "apiauth asha uid=root",
    ]
    assert "deadtime 1500ms" in lines


SIX = replace(
    CONF, cluster_ip="", cluster_ipv6="2001:db8::10/64", media=(Medium("ucast", "eth0", "2001:db8::2"),)
)


def test_an_address_of_ipv6_is_a_resource_of_ashas_and_has_no_double_colon() -> None:
    """`::` separates a resource's name and words."""
    alone = "asha-ipv6::2001:db8:0:0:0:0:0:10/64/eth0"
    assert directives(text_of(SIX, "haresources")) == [f"haprimary {alone} asha"]
    both = replace(SIX, cluster_ip="192.0.2.10")
    assert directives(text_of(both, "haresources")) == [f"haprimary IPaddr2::192.0.2.10/24/eth0 {alone} asha"]
    assert "ucast6 eth0 2001:db8::2" in directives(text_of(SIX, "ha.cf"))


@pytest.mark.parametrize("has", [True, False])
def test_a_heartbeat_without_ucast6_refuses_a_path_by_ipv6(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has: bool
) -> None:
    if has:
        plugin = tmp_path / "usr/lib64/heartbeat/plugins/HBcomm/ucast6.so"
        plugin.parent.mkdir(parents=True)
        plugin.touch()
    assert knows_medium("ucast6", tmp_path) is has
    monkeypatch.setattr(engine, "knows_medium", lambda kind: knows_medium(kind, tmp_path))
    monkeypatch.setattr(engine, "find_heartbeat", lambda: _Places(tmp_path))
    refusal = (
        contextlib.nullcontext() if has else pytest.raises(ClusterError, match="HAMEDIA has an IPv6 address")
    )
    with refusal:
        engine.HeartbeatEngine().install(SIX, Node.PRIMARY, ["/bin/asha"])
    assert (tmp_path / "haresources").exists() is has
    assert (tmp_path / "asha-ipv6").exists() is has


@dataclass
class _Places:
    ha_dir: Path

    @property
    def resource_dir(self) -> Path:
        return self.ha_dir


def test_haresources_and_authkeys() -> None:
    assert directives(text_of(WIDE, "haresources")) == ["pbx1 IPaddr2::192.0.2.10/25/bond0 asha"]
    assert text_of(CONF, "authkeys") == "auth 1\n1 sha1 s3cret\n"


def test_no_address_no_files() -> None:
    with pytest.raises(ClusterError, match="HACLUSTERIP"):
        render(Conf(), "s")


def test_two_baud_rates_are_refused() -> None:
    two = (Medium("serial", "/dev/ttyS0", "9600"), Medium("serial", "/dev/ttyS1"))
    with pytest.raises(ClusterError, match="19200, 9600"):
        render(Conf(cluster_ip="192.0.2.10", media=two), "s")


@given(st.integers(1, 3_600_000))
def test_times_survive_their_notation(milliseconds: int) -> None:
    text = heartbeat_time(milliseconds / 1000)
    value = int(text[:-2]) if text.endswith("ms") else int(text) * 1000
    assert value == milliseconds


def test_the_primary_makes_the_secret_once(tmp_path: Path) -> None:
    changed = install(CONF, Node.PRIMARY, tmp_path)
    assert {path.name for path in changed} == {"ha.cf", "haresources", "authkeys"}
    method, secret = read_key(tmp_path / "authkeys")
    assert method == "sha1"
    assert len(secret) == 40
    assert (tmp_path / "authkeys").stat().st_mode & 0o777 == 0o600
    assert install(CONF, Node.PRIMARY, tmp_path) == ()
    assert read_key(tmp_path / "authkeys") == (method, secret)
    assert sorted(os.listdir(tmp_path)) == ["authkeys", "ha.cf", "haresources"]


def test_the_secondary_is_told_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        install(CONF, Node.SECONDARY, tmp_path)
    assert f"scp -p -P 22 haprimary:{tmp_path}/authkeys" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_a_given_secret_replaces_the_file(tmp_path: Path) -> None:
    install(CONF, Node.SECONDARY, tmp_path, secret="first")
    assert install(CONF, Node.SECONDARY, tmp_path, secret="second") == (tmp_path / "authkeys",)
    assert read_key(tmp_path / "authkeys") == ("sha1", "second")


def test_an_existing_file_keeps_its_text_and_gets_its_mode(tmp_path: Path) -> None:
    keys = tmp_path / "authkeys"
    keys.write_text("# by hand\nauth 2\n1 crc\n2 md5 hello\n")
    keys.chmod(0o644)
    assert keys in install(CONF, Node.SECONDARY, tmp_path)
    assert keys.read_text() == "# by hand\nauth 2\n1 crc\n2 md5 hello\n"
    assert keys.stat().st_mode & 0o777 == 0o600
    assert read_key(keys) == ("md5", "hello")


@pytest.mark.parametrize(
    "text", ["", "auth 1\n", "auth 1\n2 sha1 x\n", "auth\n1 sha1 x\n", "auth 1\n1 rot13 x\n"]
)
def test_an_unusable_authkeys_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "authkeys").write_text(text)
    with pytest.raises(ClusterError, match="authkeys"):
        install(CONF, Node.PRIMARY, tmp_path)


@pytest.mark.parametrize("secret", ["two words", "line\nbreak", "é", "x" * 257])
def test_a_secret_heartbeat_cannot_take_is_refused(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ClusterError, match="secret"):
        install(CONF, Node.PRIMARY, tmp_path, secret=secret)
