"""The SysV script under an rc like that of EL5 and EL6: what must be stopped before a shutdown is stopped."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

TREE = Path(__file__).parents[3]
RPM = TREE / "rpm/asha"
ASHA = """#!/bin/sh
echo "$*" >>{root}/told
case $1 in status) cat {root}/up ;; agent) echo off >{root}/up; exec sleep 60 ;; leave) : >{root}/left ;; esac
"""
GRANT = '{"held": true}'


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A host with the script, the keeper, and an `asha` that notes what it is called for."""
    for folder in ("var/run", "var/log", "var/lock/subsys", "run", "rc0.d", "rc3.d", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    program(tmp_path / "bin/asha", ASHA.format(root=tmp_path))
    text = (RPM / "asha.init").read_text()
    text = text.replace("[ -d /run/systemd/system ]", "false").replace(
        "/usr/sbin/asha", f"{tmp_path}/bin/asha"
    )
    text = text.replace("/opt/asha/libexec/keeper", f"{tmp_path}/bin/keeper")
    program(tmp_path / "bin/keeper", (RPM / "keeper").read_text())
    text = re.sub(r"(?<![\w.])/(var/|run/asha)", rf"{tmp_path}/\1", text)
    script = program(tmp_path / "asha", text.replace("PATH=/sbin", f"PATH={tmp_path}/bin:/sbin"))
    (tmp_path / "rc0.d/K06asha").symlink_to(script)
    (tmp_path / "rc3.d/S74asha").symlink_to(script)
    yield tmp_path
    pid = tmp_path / "var/run/asha.pid"
    if pid.exists():
        subprocess.run([script, "stop"], check=True, capture_output=True, timeout=30)


def program(place: Path, text: str) -> Path:
    place.write_text(text)
    place.chmod(0o755)
    return place


def enter(root: Path, runlevel: int) -> None:
    """Enter a runlevel by the stand-in for EL5's rc, which the packages are tried under too."""
    text = (TREE / "tests/packaging/el5/rc").read_text()
    text = text.replace("/etc/rc.d/", f"{root}/").replace("/var/", f"{root}/var/")
    subprocess.run(
        ["sh", "-c", text, "rc", str(runlevel)], check=True, capture_output=True, timeout=30, env=os.environ
    )


def kill_agent(root: Path) -> None:
    """Kill the keeper first, so that the agent is not started again."""
    keeper = (root / "var/run/asha.pid").read_text().strip()
    (child,) = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    subprocess.run(["kill", "-KILL", keeper, child], check=True, timeout=5)


def test_a_shutdown_has_the_node_leave(root: Path) -> None:
    enter(root, 3)
    assert (root / "var/lock/subsys/asha").exists() and not (root / "left").exists()
    enter(root, 0)
    assert (root / "left").exists() and not (root / "var/lock/subsys/asha").exists()
    assert not (root / "var/run/asha.pid").exists()


@pytest.mark.parametrize("held", [True, False])
def test_after_an_agent_that_died_a_grant_decides(root: Path, held: bool) -> None:
    enter(root, 3)
    if held:
        (root / "run/asha/grant").write_text(GRANT)
    kill_agent(root)
    enter(root, 0)
    assert (root / "left").exists() is held


@pytest.mark.parametrize("name", ["asha", "asha-panel"])
def test_each_script_names_itself_to_rc(name: str) -> None:
    assert f"running=/var/lock/subsys/{name}\n" in re.sub(r" #.*", "", (RPM / f"{name}.init").read_text())
