"""`rpm -e` in every order of the packages, while this node serves: the relay goes first, and nothing stays behind.

The rpm of EL5 erases in the reverse order of its command line, whatever the packages require; the one here does not, so
each order is played by commands of one package each.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from conftest import CORE, TREE, Rpms
from furnished import agent_pid, answers, asterisk_pid, furnish, relay, serve, simulate_card
from hosts import Host, ok, until
from panel_on_host import bring_openssl

_GLUE = ("asha-runtime", "asha", "el5sarkha")
# Each order of those with scripts; the simulator, which has none, stands elsewhere in each.
_ORDERS = [
    (*order[: number % 4], "asha-hwsim", *order[number % 4 :])
    for number, order in enumerate(itertools.permutations(_GLUE))
]
_PYTHON = "/opt/asha/runtime/bin/python3.11"
_TOOL = "/usr/local/bin/rhinofailover"
_CONF = "HACLUSTERIP=10.0.0.5 RHINOSPF=YES SIPPORT=0 HASYNCH=LOOSE POSTSYNC= RHINODRIVER="
# What the stand-ins for card, tool and Asterisk write.
_OTHERS = ("var/log/relay", "root/card.py", "var/run/asterisk", "var/tmp/")
_LEFT = r"""
for words in /proc/[0-9]*/cmdline; do tr '\000' ' ' <$words 2>/dev/null; echo; done |
    grep -e '/usr/sbin/asha ' -e 'libexec/keeper' -e 'appliance[.]cli' | grep -v -e 'grep' -e '/bin/sh -c'
"""


@pytest.fixture
def bare(el5: Host) -> Host:
    """A host with the programs of others, and nothing of ours."""
    furnish(el5)
    bring_openssl(el5)
    el5.path("/etc/asha.conf").unlink()
    return el5


def install(host: Host, rpms: Iterable[Path], *, driver: str = "tool") -> None:
    """Everything is installed; agent and page run. With the driver "serial", hwsim's card is plugged in."""
    ok(host.rpm("-Uvh", *rpms))
    if driver == "serial" and not host.path("/dev/ttyUSB0").is_symlink():
        simulate_card(host)
    settings = (word.partition("=") for word in f"{_CONF}{driver}".split())
    ok(
        host.run(
            "/usr/sbin/asha", "conf", "set", *(part for key, _, value in settings for part in (key, value))
        )
    )
    for service in ("asha", "asha-panel"):
        ok(host.run("/sbin/service", service, "start"))


def documented() -> set[str]:
    """What the manual names as left behind by a removal."""
    removal = (TREE / "docs/install.md").read_text().partition("\n## A removal\n")[2].partition("\n## ")[0]
    return {path.strip("/") for path in re.findall(r"`(/[^`]+)`", removal)}


def left_running(host: Host) -> list[str]:
    return [line for line in host.sh(_LEFT).stdout.splitlines() if line]


def has_let_go(host: Host) -> None:
    """The relay fell while everything was there, and nothing of ours runs any more, nor Asterisk for us."""
    assert relay(host)[-1] == "RELAYOFF installed", relay(host)
    assert left_running(host) == []
    assert not host.path(f"{host.RUN}/asterisk/asterisk.pid").exists()
    assert not host.path(f"{host.RUN}/heartbeat.pid").exists()


# ------------------------------------------------------------------------------------------------ every order


@pytest.mark.parametrize("half", [0, 1])
def test_every_order_lets_go_before_the_interpreter_goes(bare: Host, all_rpms: Rpms, half: int) -> None:
    for order in _ORDERS[half::2]:
        before = bare.files()
        install(bare, (all_rpms[name] for name in order), driver="serial")
        serve(bare)
        for name in order:
            ok(bare.rpm("-e", "--nodeps", name))
            if name in ("asha", "asha-runtime"):
                has_let_go(bare)
        left = {name for name in bare.files() ^ before if not name.startswith(_OTHERS)}
        assert left == {"etc/asha.conf.rpmsave"} and left <= documented(), order
        saved = bare.path("/etc/asha.conf.rpmsave")
        # What el5sarkha has set is taken back by it, if the conf file is still there.
        assert ("PANELPREFIX=/asha\n" in saved.read_text()) is (
            order.index("el5sarkha") > order.index("asha")
        )
        saved.unlink()


# ------------------------------------------------------------------------------------------------ whatever is wrong

# The vendor's tool, of which nothing needs the runtime. It refuses while /root/refuses is there.
_PLAIN_TOOL = """#!/bin/sh
installed=gone
[ ! -e /usr/sbin/asha ] || installed=installed
[ "$2" != RELAYOFF ] || [ ! -e /root/refuses ] || { echo "the card says no"; exit 1; }
echo "$2 $installed" >>/var/log/relay
"""


@pytest.fixture
def serving(bare: Host, rpms: Rpms) -> Host:
    """It is installed and serves, with the vendor's tool."""
    bare.write(_TOOL, _PLAIN_TOOL, 0o755)
    install(bare, rpms.values())
    serve(bare)
    return bare


def install_again(host: Host, rpms: Rpms) -> None:
    host.path("/etc/asha.conf.rpmsave").unlink(missing_ok=True)
    install(host, rpms.values())
    serve(host)


def test_whatever_has_died_or_hangs_the_line_is_let_go(serving: Host, rpms: Rpms) -> None:
    agent = "/bin/kill -{} " + agent_pid(serving)
    keeper, heartbeat = "$(cat /var/run/asha.pid)", "$(cat /var/run/heartbeat.pid)"
    ok(serving.sh(agent.format("STOP")))
    ok(serving.rpm("-e", "--nodeps", "asha-runtime"))
    has_let_go(serving)
    ok(serving.rpm("-e", "asha", "asha-hwsim"))
    assert not serving.path("/opt/asha").exists()

    install_again(serving, rpms)
    asterisk = asterisk_pid(serving)
    dead = f"/bin/kill -9 {keeper} {agent_pid(serving)} {heartbeat}"
    ok(serving.sh(f"{dead}; rm /var/run/heartbeat.pid; echo nonsense >>/etc/asha.conf"))
    ok(serving.rpm("-e", "--nodeps", "asha-runtime"))
    has_let_go(serving)
    assert not serving.path(f"/proc/{asterisk}").exists()
    ok(serving.rpm("-e", "asha", "asha-hwsim"))


def test_a_relay_that_cannot_be_let_go_keeps_everything_installed(serving: Host) -> None:
    serving.write("/root/refuses", "")
    for name in ("asha-runtime", "asha"):
        refused = serving.rpm("-e", "--nodeps", name)
        assert refused.returncode != 0
        assert "the card says no" in refused.stderr and "Pull the card's USB plug" in refused.stderr
        assert serving.rpm("-V", "asha", "asha-runtime").stdout.split() == [
            "S.5....T.",
            "c",
            "/etc/asha.conf",
        ]
        assert answers(serving), "the agent tries on, and shows it"
        assert relay(serving)[-1] != "RELAYOFF installed"
    serving.path("/dev/ttyUSB0").unlink()
    ok(serving.rpm("-e", "--nodeps", "asha-runtime"))
    assert left_running(serving) == []
    ok(serving.rpm("-e", "asha", "asha-hwsim"))
    assert not serving.path("/opt/asha").exists()


def test_a_runtime_removed_past_its_scripts_is_not_taken_for_one_that_has_let_go(serving: Host) -> None:
    ok(serving.rpm("-e", "--nodeps", "--noscripts", "asha-runtime"))
    assert relay(serving)[-1] == "RELAYON installed" and left_running(serving)
    serving.write("/root/refuses", "")
    refused = serving.rpm("-e", "asha", "asha-hwsim")
    assert refused.returncode != 0 and "the card says no" in refused.stderr
    assert serving.path("/usr/sbin/asha").exists()
    serving.path("/root/refuses").unlink()
    serving.path("/dev/ttyUSB0").rename(serving.path("/dev/ttyUSB1"))
    renumbered = serving.rpm("-e", "asha")
    assert (
        renumbered.returncode != 0 and "not at /dev/ttyUSB0, and may be at /dev/ttyUSB1" in renumbered.stderr
    )
    assert relay(serving)[-1] == "RELAYON installed", "the line is still held, and nobody says otherwise"
    serving.path("/dev/ttyUSB1").rename(serving.path("/dev/ttyUSB0"))
    said = serving.rpm("-e", "asha")
    assert "Asterisk and the cluster address may still be here" in said.stderr, ok(said)
    assert relay(serving)[-1] == "RELAYOFF installed"
    assert left_running(serving) == []


# ------------------------------------------------------------------------------------------------ not going


def test_nothing_is_let_go_by_what_is_no_erase(serving: Host, rpms: Rpms, next_rpms: Rpms) -> None:
    told, pbx = len(relay(serving)), asterisk_pid(serving)
    for words in (
        ("-Uvh", "--replacepkgs", *rpms.values()),
        ("-Uvh", "--nodeps", next_rpms["asha-runtime"]),
        ("-Uvh", "--nodeps", next_rpms["asha"]),
        ("-Uvh", "--oldpackage", rpms["asha"], rpms["asha-runtime"]),
        ("-Uvh", "--nodeps", next_rpms["asha"]),
    ):
        agent = agent_pid(serving)
        ok(serving.rpm(*words))
        until(lambda: answers(serving), "the agent answers")
        alone = rpms["asha"] not in words and next_rpms["asha"] not in words
        assert (agent_pid(serving) == agent) is alone, "only asha's own scripts restart the agent"
        assert "RELAYOFF" not in " ".join(relay(serving)[told:]), words
        assert asterisk_pid(serving) == pbx


# ------------------------------------------------------------------------------------------------ what stays


def test_newer_data_and_the_mark_outlive_an_erase_in_every_order(installed: Host, rpms: Rpms) -> None:
    """An asha that is installed again finds them. See tests/security/test_mark_lost.py for what it does then."""
    kept = "/var/lib/asha/sync/quarantine/0123/var/spool/asterisk/msg0000.wav"
    code = "from appliance.sync.newer_data_mark import *; from appliance.host.paths import SyncPaths; "
    installed.write(kept, "a voice")
    ok(installed.run(_PYTHON, "-IBc", code + "set_mark(SyncPaths(), 100.0)"))
    ok(
        installed.run(
            _PYTHON, "-IBc", "from appliance.sync.store import *; Store(Path('/var/lib/asha/sync/store.db'))"
        )
    )
    before = {
        name for name in installed.files() if name.startswith(("var/lib/asha/sync/", "etc/asha/served"))
    }
    assert {"var/lib/asha/sync/served", "var/lib/asha/sync/store.db", "etc/asha/served"} <= before
    for order in itertools.permutations(("asha-runtime", "asha")):
        said = ""
        for name in ("asha-hwsim", *order):
            said += ok(installed.rpm("-e", "--nodeps", name))
        assert "newer data than the other" in said and "with two versions are kept" in said
        left = {name for name in installed.files() if "asha" in name.split("/")}
        assert left == before | {"var/lib/asha", "var/lib/asha/sync", "etc/asha"}
        ok(installed.rpm("-Uvh", *rpms.values()))
        assert (
            ok(installed.run(_PYTHON, "-IBc", code + "print(read_mark(SyncPaths()))")) == "100.000 100.000\n"
        )
    ok(installed.run("/sbin/service", "asha", "start"))
    assert '"served": true' in installed.run("/usr/sbin/asha", "status", "--json").stdout
    ok(installed.run(_PYTHON, "-IBc", code + "drop_mark(SyncPaths())"))
    installed.path(kept).unlink()
    for folder in itertools.islice(Path(kept).parents, 5):
        installed.path(str(folder)).rmdir()
    ok(installed.rpm("-e", *CORE))
    assert [name for name in installed.files() if "asha" in name.split("/")] == []
