"""A confined program meets what it is shown, and no link leads it out; who may put a link on the way to that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.host.confined import open_step_by_step

NOBODY = 65534
# Shown: a directory and a file. The program is ls, so that what runs is a program with its libraries.
_CONFINE = """
import os, sys
from pathlib import Path
from appliance.host.confined import confine
top, program, *words = sys.argv[1:]
top = Path(top)
confine(top / "root", Path(program), (top / "given", top / "list", top / "missing"))
os.execve(program, (program, *words), {"LC_ALL": "C"})
"""


def confined(top: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", _CONFINE, str(top), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "given/in").mkdir(parents=True)
    (tmp_path / "given/in/file").write_text("given")
    (tmp_path / "list").write_text("listed")
    (tmp_path / "secret").write_text("secret")
    for name, target in (("abroad", "/root"), ("up", "../../secret"), ("full", str(tmp_path / "secret"))):
        (tmp_path / "given" / name).symlink_to(target)
    return tmp_path


def test_nothing_but_what_is_shown_is_there(top: Path) -> None:
    seen = confined(top, "/bin/ls", str(top), str(top / "given/in"), "/etc")
    assert seen.returncode == 0, seen
    lists = {
        place: set(names.split())
        for place, _, names in (part.partition(":") for part in seen.stdout.split("\n\n"))
    }
    assert lists[str(top)] == {"given", "list"}
    assert lists[str(top / "given/in")] == {"file"}
    assert lists["/etc"] <= {"ld.so.cache", "passwd", "group", "nsswitch.conf"}
    for gone in ("/root", "/proc", "/var", "/home", str(top / "secret"), str(top / "missing")):
        assert confined(top, "/bin/ls", "-d", gone).returncode != 0


def test_links_lead_nowhere_else(top: Path) -> None:
    assert confined(top, "/bin/cat", str(top / "given/in/file"), str(top / "list")).stdout == "givenlisted"
    for name in ("abroad", "up", "full"):
        led = confined(top, "/bin/cat", str(top / "given" / name))
        assert led.returncode != 0 and "No such file" in led.stderr, led


def test_nothing_of_it_is_left(top: Path) -> None:
    confined(top, "/bin/true")
    assert [*(top / "root").iterdir()] == [] and str(top) not in Path("/proc/self/mounts").read_text()


def test_one_that_may_not_is_refused_by_name(top: Path) -> None:
    os.chown(top / "given", NOBODY, NOBODY)
    (top / "given").rename(top / "was")
    link(top / "given", "/root", NOBODY)
    refused = confined(top, "/bin/true")
    assert refused.returncode != 0 and "neither root's nor its owner's" in refused.stderr


def link(place: Path, target: str, owner: int) -> None:
    place.symlink_to(target)
    os.chown(place, owner, owner, follow_symlinks=False)


@pytest.mark.parametrize(
    ("links", "allowed"),
    [
        ([("a", "disk", 0)], True),
        ([("a", "roots", 0)], True),
        ([("a", "disk", NOBODY)], True),  # the administrator's link after a chown -R
        ([("a", "roots", NOBODY)], False),
        ([("a", "b", NOBODY), ("b", "roots", 0)], False),
        ([("a", "b", 0), ("b", "roots", NOBODY)], False),
        ([("a", "b/../disk", 0), ("b", "roots", 0)], True),
        ([("a", "a", 0)], False),
        ([("a", "nothing", 0)], False),
    ],
)
def test_whose_link_is_followed(tmp_path: Path, links: list[tuple[str, str, int]], allowed: bool) -> None:
    for name, owner in (("disk", NOBODY), ("roots", 0)):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, owner, owner)
    for name, target, owner in links:
        link(tmp_path / name, target, owner)
    if not allowed:
        with pytest.raises(OSError, match=r"neither root's|Too many|No such"):
            open_step_by_step(tmp_path / "a")
        return
    opened = open_step_by_step(tmp_path / "a")
    try:
        assert os.path.samestat(os.fstat(opened), os.stat(tmp_path / "a"))
    finally:
        os.close(opened)
