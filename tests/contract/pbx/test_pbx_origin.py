"""What has started Asterisk, from /proc."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from appliance.pbx.origin import started_by


def test_safe_asterisk_is_named_with_its_pid(tmp_path: Path) -> None:
    script = tmp_path / "safe_asterisk"
    script.write_text("#!/bin/sh\nsleep 60 &\necho $!\nwait\n")
    script.chmod(0o755)
    with subprocess.Popen([script], stdout=subprocess.PIPE, text=True, start_new_session=True) as watcher:
        assert watcher.stdout is not None
        pid = int(watcher.stdout.readline())
        try:
            said = started_by(pid)
        finally:
            os.killpg(watcher.pid, 9)
    assert said.startswith(f"started by safe_asterisk, pid {watcher.pid}, which starts it again")


def _proc(folder: Path, pid: int, parent: int, words: str, cgroup: str = "0::/") -> None:
    place = folder / str(pid)
    place.mkdir()
    (place / "stat").write_text(f"{pid} (a (odd) name) S {parent} 1 1 0\n")
    (place / "cmdline").write_text(words.replace(" ", "\0"))
    (place / "cgroup").write_text(cgroup + "\n")


def test_a_unit_is_named(tmp_path: Path) -> None:
    _proc(tmp_path, 40, 1, "/usr/sbin/asterisk -f", "1:name=systemd:/system.slice/asterisk.service")
    assert started_by(40, tmp_path) == "started by the unit asterisk.service"


def test_a_living_parent_is_named(tmp_path: Path) -> None:
    _proc(tmp_path, 40, 30, "asterisk -f")
    _proc(tmp_path, 30, 1, "/usr/bin/monit -c /etc/monitrc")
    assert started_by(40, tmp_path) == "started by '/usr/bin/monit -c /etc/monitrc', pid 30"


def test_an_orphan_and_a_process_that_is_gone_are_what_they_are(tmp_path: Path) -> None:
    _proc(tmp_path, 40, 1, "asterisk -g")
    for pid in (40, 41):
        assert "its starter has ended" in started_by(pid, tmp_path)
