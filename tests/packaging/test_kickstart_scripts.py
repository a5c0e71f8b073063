"""A kickstart file's %pre and %post, run: on an EL5-like host, and on one of today."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TREE
from hosts import Host, ok
from installer import lend, parsed, run_post, run_pre
from systemd_host import SystemdHost

from appliance.cluster.pacemaker.config_files import read_key
from kickstart.build import build
from kickstart.release import RELEASE_BY_NAME
from kickstart.site import load

REPO = "/run/install/asha-rpm"  # as the repo line has it
LAN_MAC, LINK_MAC = "52:54:00:aa:00:01", "52:54:00:aa:00:02"
PRIMARY, SECONDARY = "quiet asha.role=primary", "asha.role=secondary text"
# Arguments as mount's: the data medium is the device 11:1.
MOUNT = """#!/bin/sh
for target; do :; done
[ "$1 $2 $3 $4" = "-t iso9660 -o ro" ] && [ "$(cat /tmp/mknod.last)" = "11 1" ] || exit 32
ln -s /medium/asha $target/asha
"""
MKNOD = '#!/bin/sh\n[ "$2" = b ] && echo "$3 $4" >/tmp/mknod.last\n'


def insert(host: Host, kickstarts: Path, place: str) -> None:
    """Put the medium with our packages where `place` says."""
    shutil.copytree(kickstarts / "asha", host.path(place))


def settings(host: Host) -> dict[str, str]:
    lines = host.read("/etc/asha.conf").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def assert_configured(host: Host, kickstarts: Path, peer_link: str) -> None:
    assert "no problem" in ok(host.run("/usr/sbin/asha", "conf", "check"))
    conf = settings(host)
    assert conf["HACLUSTERIP"] == "192.168.1.100" and conf["RHINOSPF"] == "YES"
    assert conf["HAMEDIA"] == f"bcast eth0, ucast eth1 {peer_link}"
    (secret,) = kickstarts.glob("*.secret")
    authkeys = host.path("/etc/ha.d/authkeys")
    assert authkeys.read_text() == f"auth 1\n1 sha1 {secret.read_text()}\n"
    assert authkeys.stat().st_mode & 0o777 == 0o600
    assert f"ucast eth1 {peer_link}\n" in host.read("/etc/ha.d/ha.cf")
    assert "haprimary IPaddr2::192.168.1.100/24/eth0 asha\n" in host.read("/etc/ha.d/haresources")
    assert host.path("/var/lib/asha/ssh/id").stat().st_mode & 0o777 == 0o600
    assert host.read("/var/lib/asha/ssh/id.pub").startswith("ssh-")
    assert "asha ha start" in host.read("/root/asha-next-steps.txt")
    assert host.path("/root/asha-next-steps.txt").stat().st_mode & 0o77 == 0
    assert conf["PANELADDR"] == "0.0.0.0"
    assert re.search(
        r"https://ha\w+:8443/\nIts first visitor needs this code, good for a week: [0-9a-z-]{17}\n",
        host.read("/root/asha-next-steps.txt"),
    )


# ---------------------------------------------------------------------------------------------- %pre


@pytest.fixture
def machine(el5: Host) -> Host:
    """A host with the interfaces that the example names, as its kernel shows them."""
    return with_interfaces(el5)


def with_interfaces(host: Host) -> Host:
    for name, address in (("lo", "00:00:00:00:00:00"), ("eth0", LAN_MAC), ("eth1", LINK_MAC)):
        host.write(f"/sys/class/net/{name}/address", address + "\n")
    return host


def networks(host: Host, path: Path, release: str) -> list[object]:
    """What the installer makes of the file, with what its %pre has written."""
    text = path.read_text().replace("%include /tmp/asha-network.ks\n", host.read("/tmp/asha-network.ks"))
    return list(parsed(text, RELEASE_BY_NAME[release]).handler.network.network)


@pytest.mark.parametrize("release", ["el5", "el7", "el10"])
def test_the_role_comes_from_the_command_line(machine: Host, kickstarts: Path, release: str) -> None:
    insert(machine, kickstarts, "/mnt/source/asha")
    path = kickstarts / f"asha/{release}.ks"
    for command_line, name, address in (
        (PRIMARY, "haprimary", "192.168.1.101"),
        (SECONDARY, "hastandby", "192.168.1.102"),
    ):
        ok(run_pre(machine, path, command_line))
        lan, link = networks(machine, path, release)
        assert (lan.hostname, lan.ip, lan.device) == (name, address, "eth0")
        assert link.device == "eth1"
    if release != "el5":
        assert machine.path(REPO).readlink() == Path("/mnt/source/asha/rpm-el6")


def test_without_a_role_nothing_is_installed(el5: Host, kickstarts: Path) -> None:
    insert(el5, kickstarts, "/mnt/source/asha")
    for command_line in ("quiet", "asha.role=", "asha.role=third", "role=primary"):
        done = run_pre(el5, kickstarts / "asha/el5.ks", command_line)
        assert done.returncode == 1
        assert "asha.role=primary or asha.role=secondary" in done.stderr
    assert not el5.path("/tmp/asha-network.ks").exists()


def test_a_file_for_one_role_asks_nobody(machine: Host, kickstarts: Path) -> None:
    insert(machine, kickstarts, "/mnt/source/asha")
    path = kickstarts / "asha/el5-secondary.ks"
    ok(run_pre(machine, path, PRIMARY))
    (named, _) = networks(machine, path, "el5")
    assert named.hostname == "hastandby"


@pytest.mark.parametrize("name", ["el5-primary", "el9"])
def test_an_interface_that_is_not_there_stops_the_installation(
    machine: Host, kickstarts: Path, name: str
) -> None:
    insert(machine, kickstarts, "/mnt/source/asha")
    machine.path("/sys/class/net/eth1").rename(machine.path("/sys/class/net/enp3s0"))
    done = run_pre(machine, kickstarts / f"asha/{name}.ks", PRIMARY)
    assert done.returncode == 1
    assert "no interface eth1, which the site file names as the link_device of the primary" in done.stderr
    assert f"enp3s0  {LINK_MAC}" in done.stderr and f"eth0  {LAN_MAC}" in done.stderr
    assert f"enp3s0  {LINK_MAC}" in done.stdout  # whatever comes of it


def test_interfaces_are_found_by_their_mac_addresses(machine: Host, by_mac: Path) -> None:
    """They have other names on this machine than on the peer, and than anybody had thought."""
    insert(machine, by_mac, "/mnt/source/asha")
    path = by_mac / "asha/el9-primary.ks"
    machine.path("/sys/class/net/eth0").rename(machine.path("/sys/class/net/enp1s0"))
    ok(run_pre(machine, path, ""))
    lan, link = networks(machine, path, "el9")
    assert (lan.device, link.device) == ("enp1s0", "eth1")


@pytest.fixture(scope="session")
def by_mac(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make kickstart` makes of a site file that knows the primary's interfaces by their addresses."""
    folder = tmp_path_factory.mktemp("by-mac")
    text = (
        (TREE / "kickstart/site.example.toml").read_text().replace('\nengine = ""', '\nengine = "heartbeat"')
    )
    for key, address in (("device", LAN_MAC), ("link_device", LINK_MAC)):
        text = text.replace(f'\n{key} = ""', f'\n{key} = "{address.upper()}"', 1)
    (folder / "site.toml").write_text(text)
    build(load(folder / "site.toml"), TREE / "out/rpm", folder / "out")
    return folder / "out"


def test_the_packages_are_found_on_a_medium_of_their_own(el5: Host, kickstarts: Path) -> None:
    """In whatever drive: only the right device's mount succeeds here."""
    insert(with_interfaces(el5), kickstarts, "/medium/asha")
    lend(el5)
    el5.path("/bin/mknod").unlink()
    for path, text in (("/bin/mount", MOUNT), ("/bin/umount", "#!/bin/sh\n"), ("/bin/mknod", MKNOD)):
        el5.write(path, text, 0o755)
    for disk, number in (("sda", "8:0"), ("sr0", "11:0"), ("sr1", "11:1")):
        el5.write(f"/sys/block/{disk}/dev", number + "\n")
    ok(run_pre(el5, kickstarts / "asha/el9-primary.ks", ""))
    assert el5.path(f"{REPO}").readlink() == Path("/tmp/asha-medium/asha/rpm-el6")
    assert "asha-2" in ok(el5.run("/bin/ls", f"{REPO}/"))


def test_without_the_packages_nothing_is_installed(machine: Host, kickstarts: Path) -> None:
    done = run_pre(machine, kickstarts / "asha/el9-primary.ks", "")
    assert done.returncode == 1 and "no medium with asha's packages" in done.stderr


# ---------------------------------------------------------------------------------------------- %post


@pytest.fixture
def installing(make_el5: Callable[[], Host], kickstarts: Path) -> Host:
    """An EL5-like system under its own installer: what is /mnt/sysimage there is itself."""
    host = make_el5()
    host.path("/mnt").mkdir()
    host.path("/mnt/sysimage").symlink_to("/")
    for service in ("heartbeat", "asterisk"):
        host.write(f"/etc/rc.d/init.d/{service}", "#!/bin/sh\n# chkconfig: 345 75 25\n", 0o755)
    host.write("/usr/bin/ssh-keygen", KEYGEN, 0o755)
    lend(host)
    host.up()
    for service in ("heartbeat", "asterisk"):
        ok(host.run("/sbin/chkconfig", "--add", service))
    insert(host, kickstarts, "/mnt/source/asha")
    return host


# OpenSSH 4.3's knows no ed25519.
KEYGEN = """#!/bin/sh
type= file=
while [ $# -gt 0 ]; do
    case $1 in
        -t) type=$2 ;;
        -f) file=$2 ;;
    esac
    shift
done
[ "$type" = rsa ] || exit 1
echo private >"$file"
echo "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7 root@localhost" >"$file.pub"
"""


@pytest.mark.parametrize(
    ("name", "command_line", "peer"), [("el5", SECONDARY, "10.0.0.1"), ("el5-primary", "", "10.0.0.2")]
)
def test_el5_ends_installed_configured_and_off(
    installing: Host, kickstarts: Path, name: str, command_line: str, peer: str
) -> None:
    done = run_post(installing, kickstarts / f"asha/{name}.ks", command_line)
    ok(done)
    assert_configured(installing, kickstarts, peer)
    assert ok(installing.rpm("-q", "asha", "asha-runtime")).count("2.0.0") == 2
    assert "asha-hwsim" in installing.rpm("-q", "asha-hwsim").stdout  # 'package asha-hwsim is not installed'
    assert installing.rpm("-q", "asha-hwsim").returncode == 1
    # The page alone: it moves nothing, and says what there is to start.
    assert {path.name for path in installing.path("/etc/rc.d").glob("rc[2-5].d/S*")} == {"S76asha-panel"}
    assert not installing.path("/root/asha-rpms").exists()
    assert "chkconfig asha on" in installing.read("/root/asha-next-steps.txt")
    (secret,) = kickstarts.glob("*.secret")
    assert secret.read_text() not in done.stdout + done.stderr


def test_el5_is_configured_for_the_names_that_its_addresses_have(installing: Host, by_mac: Path) -> None:
    shutil.rmtree(installing.path("/mnt/source/asha"))
    insert(installing, by_mac, "/mnt/source/asha")
    with_interfaces(installing)
    installing.path("/sys/class/net/eth0").rename(installing.path("/sys/class/net/eth2"))
    ok(run_post(installing, by_mac / "asha/el5-primary.ks", ""))
    conf = settings(installing)
    assert (conf["HADEV"], conf["HAMEDIA"]) == ("eth2", "bcast eth2, ucast eth1 10.0.0.2")
    assert "bcast eth2\n" in installing.read("/etc/ha.d/ha.cf")
    assert "/24/eth2 asha\n" in installing.read("/etc/ha.d/haresources")


def test_el5_without_its_packages_says_so(installing: Host, kickstarts: Path) -> None:
    shutil.rmtree(installing.path("/mnt/source/asha/rpm"))
    done = run_post(installing, kickstarts / "asha/el5-primary.ks", "")
    assert done.returncode == 1 and "no medium with asha's packages" in done.stderr


def test_today_s_release_ends_installed_configured_and_off(systemd: SystemdHost, kickstarts: Path) -> None:
    installed_today(systemd, kickstarts)
    assert_configured(systemd, kickstarts, "10.0.0.2")
    for service in ("asha", "heartbeat"):
        assert systemd.run("systemctl", "is-enabled", f"{service}.service").stdout.strip() == "disabled"
        assert systemd.run("systemctl", "is-active", f"{service}.service").stdout.strip() == "inactive"
    assert "systemctl enable asha" in systemd.read("/root/asha-next-steps.txt")


def test_today_s_release_ends_configured_for_pacemaker(systemd: SystemdHost, on_pacemaker: Path) -> None:
    installed_today(systemd, on_pacemaker)
    conf = settings(systemd)
    assert conf["HAENGINE"] == "pacemaker"
    assert conf["HAMEDIA"] == "ucast eth0 192.168.1.102, ucast eth1 10.0.0.2"
    (secret,) = on_pacemaker.glob("*.authkey")
    authkey = systemd.path("/etc/corosync/authkey")
    assert authkey.read_text() == secret.read_text()
    assert authkey.stat().st_mode & 0o777 == 0o400
    assert read_key(authkey.parent) == secret.read_text()  # asha can give it to the other node
    assert "Pacemaker, and the pair with it" in systemd.read("/root/asha-next-steps.txt")


@pytest.fixture(scope="session")
def on_pacemaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make kickstart` makes of the example as it is."""
    out = tmp_path_factory.mktemp("on-pacemaker")
    build(load(TREE / "kickstart/site.example.toml"), TREE / "out/rpm", out)
    return out


def installed_today(systemd: SystemdHost, kickstarts: Path) -> None:
    """Have the medium's primary installed on a host of today."""
    systemd.write("/root/.rpmmacros", "%_dbpath /var/lib/rpm\n")
    insert(systemd, kickstarts, "/run/install/repo/asha")
    path = kickstarts / "asha/el9.ks"
    ok(systemd.sh("ip link add eth1 type veth peer name cable1"))
    ok(run_pre(systemd, path, PRIMARY))
    handler = parsed(path.read_text(), RELEASE_BY_NAME["el9"]).handler
    (repo,) = handler.repo.repoList
    ours = [name for name in handler.packages.packageList if name.startswith("asha")]
    files = from_repository(systemd, repo.baseurl.removeprefix("file://"), ours)
    ok(systemd.rpm("-Uvh", *files))
    ok(systemd.run("systemctl", "is-enabled", "asha.service"))
    ok(run_post(systemd, path, PRIMARY))


def from_repository(host: Host, folder: str, names: list[str]) -> list[str]:
    """The files that the repository's own index has for `names`."""
    index = ok(host.sh(f"gzip -dc {folder}/repodata/primary.xml.gz"))
    space = "{http://linux.duke.edu/metadata/common}"
    found = {
        package.findtext(f"{space}name"): package.find(f"{space}location").attrib["href"]
        for package in ET.fromstring(index)
    }
    return [f"{folder}/{found[name]}" for name in names]
