"""What the .debs are, without installing them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from conftest import CORE, TREE, Rpms

package = pytest.mark.parametrize("name", CORE)


def said(*words: str | Path) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout


def test_lintian_finds_nothing_that_is_not_explained(debs: Rpms) -> None:
    argv = ["lintian", "--allow-root", "--fail-on=error,warning,info", "--display-info", *debs.values()]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)
    found = [line for line in done.stdout.splitlines() if not line.startswith("N: ")]
    assert (done.returncode, found) == (0, []), done.stdout + done.stderr


@package
def test_each_override_has_a_reason(name: str) -> None:
    lines = (TREE / "deb" / name / "lintian-overrides").read_text().splitlines()
    assert lines
    for above, line in zip(("", *lines), lines, strict=False):
        assert line.startswith("# ") or above.startswith(("# ", f"{name}: ")), line


@package
def test_its_files_are_those_of_the_rpm_but_where_debian_wants_them_elsewhere(
    debs: Rpms, rpms: Rpms, name: str
) -> None:
    ours = set(said("rpm", "-qpl", "--nosignature", rpms[name]).splitlines())
    theirs = set(re.findall(r" \.(/.*?)/?$", said("dpkg-deb", "-c", debs[name]), re.M))
    elsewhere = {
        "/etc/asha.conf": "/usr/share/asha/asha.conf",
        **{
            f"/etc/udev/rules.d/{name}.rules": f"/usr/lib/udev/rules.d/{name}.rules"
            for name in ("60-asha-card", "95-asha-card")
        },
    }
    left_out = ("/etc/rc.d/", "/usr/share/doc/")  # SysV's scripts; the documentation has Debian's names
    assert {path for path in ours if not path.startswith(left_out)} - theirs <= set(elsewhere)
    files = set(re.findall(r"^[^d].* \.(/.*)$", said("dpkg-deb", "-c", debs[name]), re.M))
    added = {path for path in files - ours if not path.startswith(("/usr/share/doc/", "/usr/share/lintian/"))}
    assert added == (set(elsewhere.values()) if name == "asha" else set())


def test_what_it_needs_of_the_system_is_little(debs: Rpms) -> None:
    needed = {name: said("dpkg-deb", "-f", debs[name], "Depends").strip() for name in CORE}
    version = said("dpkg-deb", "-f", debs["asha"], "Version").strip()
    runtime = f"asha-runtime (= {version})"
    assert needed == {"asha-runtime": "", "asha": f"{runtime}, passwd", "asha-hwsim": runtime}
    assert said("dpkg-deb", "-f", debs["asha"], "Recommends").startswith("heartbeat | pacemaker,")


def test_a_conffile_is_only_what_asha_itself_never_changes(debs: Rpms) -> None:
    assert said("dpkg-deb", "-I", debs["asha"], "conffiles").split() == ["/etc/logrotate.d/asha"]


@package
def test_its_scripts_are_plain_shell(debs: Rpms, name: str, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-e", debs[name], tmp_path / "control"], check=True, timeout=30)
    for script in ("preinst", "postinst", "prerm", "postrm"):
        path = tmp_path / "control" / script
        if path.exists():
            assert path.read_text().startswith("#!/bin/sh\n") and "@" not in path.read_text()
            subprocess.run(["sh", "-n", path], check=True, timeout=10)


def test_checksums_and_repository_are_those_of_the_packages(debs: Rpms) -> None:
    out = debs["asha"].parent
    subprocess.run(
        ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=out, check=True, timeout=60
    )
    listed = {line.split()[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in debs.values()}
    assert set(re.findall(r"^Package: (.*)$", (out / "Packages").read_text(), re.M)) == set(CORE)
