"""The role of deploy/ansible, played on two Debian servers without asha: it makes a pair, then nothing is left."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import jinja2
import pytest
from conftest import TREE, Rpms
from debian_host import DebianHost, debian_root
from furnished import agent_pid
from hosts import ok, until
from test_signing import environment as environment  # noqa: PLC0414 - a fixture: a builder with a key
from test_signing import run

from appliance.config import Conf
from appliance.config.parse import parse
from appliance.config.schema import KEYS

ROLE = TREE / "deploy/ansible"
SECRET = "it's $mine-alone"
ADDRESSES = {"pbx1": "10.0.0.1", "pbx2": "10.0.0.2"}
NAMES = {"pbx1": "haprimary", "pbx2": "hastandby"}
# What the role expects a repository to have, Ansible itself needs, and a firewall for each.
_ALSO = ("python3", "python3-apt", "heartbeat", "rsync", "openssh-server", "ufw", "firewalld")
# As Ansible's ssh plugin calls ssh: options, where to, command. Where to is the number of a process on that host.
_INTO = """#!/bin/sh
while [ $# -gt 2 ]; do shift; done
exec nsenter --target="$1" --mount --pid --net --uts --ipc \\
    env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -c "$2"
"""


@dataclass(frozen=True, slots=True)
class Play:
    """What ansible-playbook has said, and how many changes it counts on each host."""

    status: int
    text: str
    changed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """Two hosts, and the folder from which an administrator plays the role on them."""

    folder: Path
    hosts: Mapping[str, DebianHost]

    def play(self, *words: str, **conf: object) -> Play:
        """Play the role. `conf`: keys of the conf file that are set besides, or otherwise."""
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps({"asha": {"hosts": self._hosts(), "vars": self._vars(conf)}}))
        settings = {
            "ANSIBLE_SSH_EXECUTABLE": str(self.folder / "into"),
            "ANSIBLE_SSH_TRANSFER_METHOD": "piped",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOG_PATH": str(self.folder / "log"),
            "LC_ALL": "C.UTF-8",
        }
        argv = [TREE / "out/ansible/bin/ansible-playbook", "-i", inventory, "-vv", *words, ROLE / "pair.yml"]
        done = subprocess.run(
            argv,
            env=os.environ | settings,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        text = done.stdout + done.stderr
        counted = re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", text, re.MULTILINE)
        return Play(done.returncode, text, {name: int(count) for name, count in counted})

    def _hosts(self) -> dict[str, dict[str, str]]:
        return {
            name: {
                "ansible_host": host.root.parts[2],  # /proc/NUMBER/root
                "ansible_python_interpreter": "/usr/bin/python3",
                "asha_address": ADDRESSES[name],
            }
            for name, host in self.hosts.items()
        }

    def _vars(self, conf: Mapping[str, object]) -> dict[str, object]:
        return {
            "ansible_user": "root",
            "asha_primary": "pbx1",
            "asha_secondary": "pbx2",
            "asha_repository": "file:/srv/packages",
            "asha_repository_key": str(self.folder / "asha.asc"),
            "asha_panel_from": ["10.0.0.0/24"],
            "asha_conf": {"HACLUSTERIP": "10.0.0.5", "HAMEDIA": "bcast eth0", "AMISECRET": SECRET} | conf,
        }


@pytest.fixture
def site(
    request: pytest.FixtureRequest, tmp_path: Path, debs: Rpms, environment: dict[str, str]
) -> Iterator[Site]:
    (tmp_path / "into").write_text(_INTO)
    (tmp_path / "into").chmod(0o755)
    root = debian_root(request.config.getoption("--debian"), request.config.getoption("--archive"), _ALSO)
    hosts = {name: DebianHost(tmp_path / name, root) for name in NAMES}
    try:
        for name, host in hosts.items():
            host.up()
            ok(host.sh(f"hostname {NAMES[name]} && hostname >/etc/hostname && ip link del eth0"))
            ok(host.sh("rm -f /etc/ssh/ssh_host_* && ssh-keygen -A && systemctl start ssh"))
            host.path("/etc/apt/sources.list").unlink()  # there is no way to Debian's archive
            repository = shutil.copytree(debs["asha"].parent, host.path("/srv/packages"))
            signed = ["gpg", "--clearsign", "--output", repository / "InRelease", repository / "Release"]
            run(signed, environment)
        _cable(hosts)
        ok(hosts["pbx1"].sh("ufw --force enable"))
        ok(hosts["pbx2"].sh("systemctl start firewalld"))
        yield Site(tmp_path, hosts)
    finally:
        for host in hosts.values():
            host.down()


def _cable(hosts: Mapping[str, DebianHost]) -> None:
    """Connect the two by a cable of their own."""
    one, two = (host.root.parts[2] for host in hosts.values())
    cable = ["ip", "link", "add", "eth0", "netns", one, "type", "veth", "peer", "name", "eth0", "netns", two]
    subprocess.run(cable, check=True, timeout=20)
    for name, host in hosts.items():
        ok(host.sh(f"ip address add {ADDRESSES[name]}/24 brd + dev eth0 && ip link set eth0 up"))


def test_the_linter_finds_nothing() -> None:
    programs = TREE / "out/ansible/bin"
    settings = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    run_in = subprocess.run(
        [programs / "ansible-lint", "--strict"],
        env=settings,
        cwd=ROLE,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run_in.returncode == 0, run_in.stdout + run_in.stderr
    assert "'production' was required, and it passed" in run_in.stderr


def test_the_role_hides_the_keys_that_the_product_calls_secret() -> None:
    written = re.search(
        r"^asha_secret_keys: \[(.*)\]$", (ROLE / "roles/asha/vars/main.yml").read_text(), re.MULTILINE
    )
    assert written and set(written[1].split(", ")) == {key.name for key in KEYS if key.secret}


@pytest.mark.parametrize(
    "value", ["plain", "it's", '"', "a'b\"c\\d$HOME`e`", "back\\slash", "# none", "${NAME}"]
)
def test_what_the_inventory_says_is_what_the_conf_file_says(value: str) -> None:
    template = (ROLE / "roles/asha/templates/asha.conf.j2").read_text()
    # As Ansible renders: the end of a line that holds only a block is left out.
    made = jinja2.Environment(trim_blocks=True, autoescape=False).from_string(template)
    conf = parse(made.render(asha_conf_all={"AMISECRET": value}))
    assert isinstance(conf, Conf), conf
    assert conf.ami_secret == value


@pytest.mark.timeout(900)  # seven plays
def test_the_role_makes_a_pair_and_then_nothing_more(site: Site) -> None:
    looked = site.play("--check", "--diff")
    assert looked.status == 0, looked.text
    assert {host.state("asha") for host in site.hosts.values()} == {""}, "check mode installs nothing"
    made = site.play("--diff")
    assert made.status == 0, made.text
    _see_the_pair(*site.hosts.values())
    again = site.play("--diff")
    assert (again.status, again.changed) == (0, {"pbx1": 0, "pbx2": 0}), again.text

    _change_the_conf(site)
    _see_no_secret(site)


@pytest.mark.timeout(900)  # three plays
def test_the_role_starts_the_engine_where_it_is_asked_to(site: Site) -> None:
    asked = ("--extra-vars", '{"asha_start_engine": true}')
    started = site.play(*asked)
    assert started.status == 0, started.text
    for host in site.hosts.values():
        until(partial(_hears_the_other, host), "the other node is heard through the firewall", 90)
    assert len({host.read("/etc/ha.d/authkeys") for host in site.hosts.values()}) == 1, "one secret"
    again = site.play(*asked)
    assert (again.status, again.changed) == (0, {"pbx1": 0, "pbx2": 0}), again.text
    alone = site.play("--limit", "pbx2", *asked)
    assert (alone.status, alone.changed) == (0, {"pbx2": 0}), alone.text


def _hears_the_other(host: DebianHost) -> bool:
    """Tell whether Heartbeat has begun its work; alone it does so after HAINITDEAD only, two minutes."""
    return host.run("cl_status", "hbstatus").returncode == 0


def _see_the_pair(first: DebianHost, second: DebianHost) -> None:
    for host in (first, second):
        assert "no problem" in ok(host.run("asha", "conf", "check"))
        assert ok(host.run("asha", "conf", "get", "AMISECRET")) == f"{SECRET}\n"
        assert host.path("/etc/asha.conf").stat().st_mode & 0o777 == 0o640
        assert ok(host.run("systemctl", "is-active", "asha", "asha-panel")) == "active\nactive\n"
        ok(host.run("asha", "ssh-setup", "--check"))
    assert re.search(r"694/udp +ALLOW +10\.0\.0\.2", ok(first.run("ufw", "status")))
    assert 'source address="10.0.0.1" port port="694"' in ok(second.run("firewall-cmd", "--list-rich-rules"))


def _change_the_conf(site: Site) -> None:
    """Foretell a change, refuse wrong ones, and make it; the running agent then has it."""
    first = site.hosts["pbx1"]
    before = first.read("/etc/asha.conf")
    foretold = site.play("--check", "--diff", SYNCPERIOD="90")
    assert foretold.status == 0 and foretold.changed["pbx1"] > 0, foretold.text
    wrong = site.play(SYNCPERIOD="soon")
    assert wrong.status != 0 and "SYNCPERIOD=soon should be a time" in wrong.text, wrong.text
    no_text = site.play(PANEL=False)
    assert no_text.status != 0 and "Not text: PANEL." in no_text.text, no_text.text
    assert first.read("/etc/asha.conf") == before
    agent = agent_pid(first)
    changed = site.play(SYNCPERIOD="90")
    assert changed.status == 0, changed.text
    assert ok(first.run("asha", "conf", "get", "SYNCPERIOD")) == "90\n"
    assert agent_pid(first) == agent, "it was reloaded, not restarted"
    assert "the conf file was read again" in ok(first.run("asha", "events"))


def _see_no_secret(site: Site) -> None:
    """Neither what Ansible wrote here nor what the hosts logged holds it; a conf file writes it with a backslash."""
    part = SECRET[SECRET.index("$") :]
    journals = [ok(host.run("journalctl", "--no-pager")) for host in site.hosts.values()]
    assert all("ansible" in journal for journal in journals), "what Ansible did there is in the journal"
    assert [text for text in ((site.folder / "log").read_text(), *journals) if part in text] == []
