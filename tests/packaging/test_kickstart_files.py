"""Kickstart files: what is rendered is valid, a broken one is refused, what is wrong in a site file is named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from conftest import TREE
from installer import parsed

from appliance.core.errors import HostError
from kickstart.build import kept_secret
from kickstart.left_out import left_out
from kickstart.release import ENGINES, RELEASE_BY_NAME, RELEASES, Release
from kickstart.render import render
from kickstart.site import ROLES, SiteError, load
from kickstart.validate import InvalidKickstart, validate

EXAMPLE = TREE / "kickstart/site.example.toml"
SECRET = "5ec7e7" * 6
RUNS = [(release, engine) for release in RELEASES for engine in ENGINES if release.runs(engine)]


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(EXAMPLE.read_text())
    return path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    changed, count = re.subn(rf"^{old}.*$", new, text, count=1, flags=re.MULTILINE)
    assert count == 1, f"{old} is not in the example"
    path.write_text(changed)


def with_engine(site_file: Path, engine: str) -> Path:
    change(site_file, "engine =", f'engine = "{engine}"')
    return site_file


@pytest.mark.parametrize(("release", "engine"), RUNS, ids=lambda one: getattr(one, "name", one))
def test_every_file_is_valid_for_its_release(
    release: Release, engine: str, site_file: Path, tmp_path: Path
) -> None:
    site = load(with_engine(site_file, engine))
    texts = {role: render(site, release, role, SECRET) for role in (*ROLES, None)}
    for role, text in texts.items():
        (tmp_path / f"{role}.ks").write_text(text)
        assert ("\n%end\n" in text) == (release.major != 5)
        assert SECRET in text
    assert len(set(texts.values())) == 3
    validate(release, *tmp_path.glob("*.ks"))


def test_the_barest_site_is_valid_too(site_file: Path, tmp_path: Path) -> None:
    """Everything that has a default left away."""
    said = tomllib.loads(site_file.read_text())
    kept = [
        "[system]",
        f'timezone = "{said["system"]["timezone"]}"',
        f'root_password_hash = "{said["system"]["root_password_hash"]}"',
        "[pair]\ncluster_address = '10.1.1.9'\ngateway = '10.1.1.1'\n[packages]",
        "[primary]\nname = 'a'\naddress = '10.1.1.2'",
        "[secondary]\nname = 'b'\naddress = '10.1.1.3'",
    ]
    site_file.write_text("\n".join(kept))
    for release in (RELEASES[0], RELEASES[-1]):
        path = tmp_path / "a.ks"
        path.write_text(render(load(site_file), release, "primary", SECRET))
        validate(release, path)


@pytest.mark.parametrize(
    ("release", "old", "new"),
    [
        ("el5", "timezone --utc Europe/London", "timezone --utc Europe/London\nsshkey --username=root x"),
        ("el7", "%end\n", ""),
        ("el9", "text\n", "install\ntext\n"),
        ("el9", "zerombr", "zerombr yes"),
        ("el10", "lang ", "langue "),
    ],
)
def test_a_broken_file_is_refused(release: str, old: str, new: str, tmp_path: Path) -> None:
    text = render(load(EXAMPLE), RELEASE_BY_NAME[release], "primary", SECRET)
    assert old in text
    path = tmp_path / "a.ks"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidKickstart):
        validate(RELEASE_BY_NAME[release], path)


def test_no_copy_with_the_passwords_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ksvalidator itself leaves one."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    path = tmp_path / "a.ks"
    path.write_text(render(load(EXAMPLE), RELEASES[-1], "primary", SECRET))
    validate(RELEASES[-1], path)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_one_release_s_file_is_not_another_s(tmp_path: Path) -> None:
    path = tmp_path / "a.ks"
    path.write_text(render(load(EXAMPLE), RELEASE_BY_NAME["el5"], "primary", SECRET))
    with pytest.raises(InvalidKickstart):
        validate(RELEASE_BY_NAME["el10"], path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("release =", 'release = "el6"', "[system] release should be one of el5, el7"),
        ("language =", 'language = "English"', "[system] language should be a locale"),
        ("keyboard =", 'keyboard = "us; reboot"', "[system] keyboard should be"),
        ("timezone =", 'timezone = "Europe/Londno"', "[system] timezone should be a time zone"),
        (
            "root_password_hash =",
            'root_password_hash = "hunter2"',
            "[system] root_password_hash should be what",
        ),
        ("disk =", 'disk = "/dev/sda"', "[system] disk should be a disk's name without /dev/"),
        ("mirror =", 'mirror = "sda"', "[system] mirror should be another disk than disk"),
        ("mirror =", 'mirror = "/dev/sdb"', "[system] mirror should be the name of a second disk"),
        ("swap_mb =", "swap_mb = true", "[system] swap_mb should be megabytes"),
        ("open_ports =", 'open_ports = ["sip"]', "[system] open_ports should be"),
        (
            "cluster_address =",
            'cluster_address = "10.9.9.9"',
            "[pair] cluster_address should be in 192.168.1.0/24",
        ),
        (
            "cluster_address =",
            'cluster_address = "192.168.1.102"',
            "[pair] cluster_address should be another",
        ),
        ("cluster_address =", "", "[pair] cluster_address is missing"),
        ("prefix =", "prefix = 33", "[pair] prefix should be"),
        ("gateway =", 'gateway = "192.168.1"', "[pair] gateway should be an IPv4 address, not '192.168.1'"),
        ("device =", 'device = "eth0 --x"', "[pair] device should be a network interface"),
        ("link_device =", 'link_device = ""', "[pair] link_device and link_address of both nodes"),
        ("link_device =", 'link_device = "eth0"', "[pair] link_device should be another than device"),
        ("device =", 'device = "52:54:00:12:34:56"', "[pair] device should be a network interface"),
        (
            'device = ""',
            'device = "52:54:00:12:34"',
            "[primary] device should be a network interface such as eth0, its MAC",
        ),
        ('device = ""', 'device = "eth1"', "[primary] link_device should be another than device"),
        ("engine =", 'engine = "pcs"', "[pair] engine should be heartbeat or pacemaker"),
        ("serial =", 'serial = "/dev/ttyS0"', '[pair] serial should be ""'),
        ("ha_repository =", 'ha_repository = "mirror"', "[packages] ha_repository should be the URL"),
        ("name =", 'name = "-x"', "[primary] name should be a node's name"),
        ("name =", 'name = "hastandby"', "[conf] HASECNODE=hastandby should be another name"),
        ("ours =", 'ours = ["smesarkha"]', "[packages] ours should be"),
        ("rpms =", 'rpms = "nowhere"', "[packages] rpms should be a folder with RPMs"),
        ("from_distribution =", 'from_distribution = ["%end"]', "[packages] from_distribution should be"),
        ("install_from =", 'install_from = "x y"', "[packages] install_from should be a URL"),
        ("RHINOSPF =", 'RHINOSPF = "maybe"', "[conf] RHINOSPF=maybe should be"),
        ("RHINOSPF =", "RHINOSPF = true", "[conf] RHINOSPF should be a text"),
        ("RHINOSPF =", 'RHINOSFP = "YES"', "[conf] RHINOSFP is no key"),
        ("RHINOSPF =", 'HADEV = "eth7"', "[conf] HADEV should not be there"),
        ("RHINOSPF =", 'HADEADTIME = "100ms"', "[conf] HA"),
        (r"\[conf\]", "[config]", "[config] is no section"),
        ("language =", 'langauge = "x"', "[system] langauge is no key"),  # codespell:ignore langauge
        ("disk =", "disk = sda", "TOML is wanted"),
    ],
)
def test_what_is_wrong_is_named(site_file: Path, old: str, new: str, said: str) -> None:
    change(site_file, old, new)
    with pytest.raises(SiteError) as error:
        load(site_file)
    assert said in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_second_disk_makes_a_mirror(site_file: Path, tmp_path: Path) -> None:
    change(site_file, "mirror =", 'mirror = "sdb"')
    for release in RELEASES:
        path = tmp_path / f"{release.name}.ks"
        path.write_text(render(load(site_file), release, "primary", SECRET))
        validate(release, path)
        handler = parsed(path.read_text(), release).handler
        assert handler.ignoredisk.onlyuse == handler.clearpart.drives == ["sda", "sdb"]
        assert handler.bootloader.driveorder == ["sda", "sdb"]
        assert [(one.mountpoint, one.level, one.members) for one in handler.raid.raidList] == [
            ("/boot", "RAID1", ["raid.11", "raid.12"]),
            ("pv.01", "RAID1", ["raid.21", "raid.22"]),
        ]
        disks = {part.mountpoint: part.disk for part in handler.partition.partitions}
        assert disks == {"raid.11": "sda", "raid.12": "sdb", "raid.21": "sda", "raid.22": "sdb"}


@pytest.mark.parametrize("release", [8, 9, 10])
def test_from_el8_on_a_pair_runs_on_pacemaker(site_file: Path, tmp_path: Path, release: int) -> None:
    change(site_file, "release =", f'release = "el{release}"')
    change(site_file, "ha_repository =", 'ha_repository = "http://mirror.example.com/ha"')
    site = load(site_file)
    text = render(site, site.release, "primary", SECRET)
    (tmp_path / "a.ks").write_text(text)
    validate(site.release, tmp_path / "a.ks")
    handler = parsed(text, site.release).handler
    assert [repo.baseurl for repo in handler.repo.repoList if repo.name == "asha-ha"] == [
        "http://mirror.example.com/ha"
    ]
    assert {"pacemaker", "corosync", "resource-agents"} <= set(handler.packages.packageList)
    assert "694:udp" in handler.firewall.ports
    assert "HAENGINE 'pacemaker'" in text
    assert "HAMEDIA 'ucast eth0 192.168.1.102, ucast eth1 10.0.0.2'" in text
    assert "/etc/corosync/authkey" in text and "ha.d" not in text and "heartbeat" not in text.lower()


@pytest.mark.parametrize(
    ("release", "engine", "repository", "said"),
    [
        ("el7", "pacemaker", "", "[pair] engine should be heartbeat on el7, not 'pacemaker'"),
        ("el9", "heartbeat", "http://mirror.example.com/ha", '[packages] ha_repository should be ""'),
    ],
)
def test_an_engine_that_cannot_be_had_is_named(
    site_file: Path, release: str, engine: str, repository: str, said: str
) -> None:
    change(with_engine(site_file, engine), "release =", f'release = "{release}"')
    change(site_file, "ha_repository =", f'ha_repository = "{repository}"')
    with pytest.raises(SiteError) as error:
        load(site_file)
    assert said in str(error.value)


@pytest.mark.parametrize("release", ["el5", "el7"])
def test_before_el8_a_pair_runs_on_heartbeat(site_file: Path, release: str) -> None:
    change(site_file, "release =", f'release = "{release}"')
    site = load(site_file)
    text = render(site, site.release, "primary", SECRET)
    assert "HAENGINE 'heartbeat'" in text and "corosync" not in text


def test_what_no_package_brings_is_told_when_the_files_are_made(site_file: Path) -> None:
    pacemaker, _ = left_out(load(site_file))
    assert "Pacemaker" in pacemaker and "ha_repository" in pacemaker
    change(site_file, "ha_repository =", 'ha_repository = "http://mirror.example.com/ha"')
    (asterisk,) = left_out(load(site_file))
    assert "Asterisk" in asterisk
    change(site_file, "ha_repository =", 'ha_repository = ""')
    with_engine(site_file, "heartbeat")
    for program in left_out(load(site_file)):
        assert "names no package of" in program
    assert len(left_out(load(site_file))) == 2
    change(site_file, "from_distribution =", 'from_distribution = ["asterisk18-core"]')
    (heartbeat,) = left_out(load(site_file))
    assert "Heartbeat" in heartbeat and "[packages] rpms" in heartbeat
    change(site_file, "from_distribution =", 'from_distribution = ["asterisk", "heartbeat"]')
    assert left_out(load(site_file)) == ()


def test_everything_wrong_is_named_at_once(site_file: Path) -> None:
    change(site_file, "disk =", "disk = 1")
    change(site_file, "prefix =", "prefix = 0")
    with pytest.raises(SiteError, match=r"(?s)\[system\] disk .*\[pair\] prefix "):
        load(site_file)


def test_a_site_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"site\.example\.toml"):
        load(tmp_path / "none.toml")


def test_a_pair_keeps_its_secret_and_no_two_pairs_share_one(site_file: Path, tmp_path: Path) -> None:
    first = kept_secret(load(site_file), tmp_path)
    assert kept_secret(load(site_file), tmp_path) == first
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.authkey")} == {0o600}
    with_engine(site_file, "heartbeat")
    assert kept_secret(load(site_file), tmp_path) != first  # which Heartbeat could not use
    with_engine(site_file, "pacemaker")
    change(site_file, "name =", 'name = "other"')
    assert kept_secret(load(site_file), tmp_path) != first
