from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.cluster.heartbeat.commands import standby, stop_engine, takeover
from appliance.cluster.heartbeat.installation import HeartbeatPaths, is_master, orphans
from appliance.cluster.heartbeat.status import Heartbeat
from appliance.cluster.heartbeat.view import Held, NodeStatus
from appliance.core.errors import ClusterError, RequestDropped
from appliance.core.reading import Known, Unknown
from tests.plugins.hand_clock import HandClock

MASTER = "heartbeat: master control process"


def process(proc: Path, pid: int, title: str, comm: str = "heartbeat", parent: int = 1) -> None:
    (proc / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "cmdline").write_text(title)
    (proc / str(pid) / "comm").write_text(comm + "\n")
    (proc / str(pid) / "stat").write_text(f"{pid} (a) b) S {parent} 1 1 0")


def program(path: Path, words: str) -> Path:
    path.write_text(f"#!/bin/sh\n{words}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def paths(tmp_path: Path) -> HeartbeatPaths:
    (tmp_path / "run").mkdir()
    (tmp_path / "proc").mkdir()
    one = tmp_path / "absent"
    return HeartbeatPaths(one, one, one, one, tmp_path, tmp_path, tmp_path, (tmp_path / "run",))


def heartbeat(paths: HeartbeatPaths, tmp_path: Path) -> Heartbeat:
    return Heartbeat(paths, tmp_path / "proc")


@pytest.mark.parametrize(
    ("title", "comm", "expected"),
    [
        (MASTER, "heartbeat", 77),
        ("/usr/libexec/heartbeat/heartbeat\0", "heartbeat", 77),
        ("heartbeat: FIFO reader", "heartbeat", None),
        ("/usr/sbin/cron\0", "cron", None),
        ("", "heartbeat", None),
    ],
)
def test_the_pid_file_is_not_believed(
    paths: HeartbeatPaths, tmp_path: Path, title: str, comm: str, expected: int | None
) -> None:
    process(tmp_path / "proc", 77, title, comm)
    (tmp_path / "run/heartbeat.pid").write_text("        77\n")
    assert heartbeat(paths, tmp_path).master_pid() == expected


@pytest.mark.parametrize("text", ["", "abc", "-1", "99999"])
def test_a_pid_file_without_a_process(paths: HeartbeatPaths, tmp_path: Path, text: str) -> None:
    (tmp_path / "run/heartbeat.pid").write_text(text)
    assert heartbeat(paths, tmp_path).master_pid() is None


def test_orphans_are_children_without_a_master(tmp_path: Path) -> None:
    process(tmp_path, 10, MASTER)
    process(tmp_path, 11, "heartbeat: FIFO reader", parent=10)
    process(tmp_path, 12, "heartbeat: write: ucast eth0", parent=1)
    process(tmp_path, 13, "heartbeat: read: ucast eth0", comm="sh", parent=1)
    process(tmp_path, 14, "grep heartbeat: ", comm="grep", parent=1)
    process(tmp_path, 15, "/usr/lib/heartbeat/heartbeat\0-V\0", parent=1)
    assert is_master(10, tmp_path) and not is_master(15, tmp_path)
    assert orphans(tmp_path) == (12,)


def test_cl_status_is_read_as_words(paths: HeartbeatPaths, tmp_path: Path) -> None:
    words = "case $1 in nodestatus) echo active;; rscstatus) echo all;; *) exit 1;; esac"
    seen = heartbeat(replace(paths, cl_status=program(tmp_path / "cl_status", words)), tmp_path)
    assert seen.peer_status("bravo", 3.0) == Known(NodeStatus.ACTIVE, 3.0)
    assert seen.held(3.0) == Known(Held.ALL, 3.0)
    assert not seen.answers()


@pytest.mark.parametrize("words", ["exec sleep 60", "echo 'Heartbeat is stopped' >&2; exit 1", "echo zombie"])
def test_cl_status_that_says_nothing_is_unknown(paths: HeartbeatPaths, tmp_path: Path, words: str) -> None:
    seen = heartbeat(replace(paths, cl_status=program(tmp_path / "cl_status", words)), tmp_path)
    assert isinstance(seen.peer_status("bravo", 3.0, deadline=0.1), Unknown)
    assert isinstance(seen.held(3.0, deadline=0.1), Unknown)


def test_no_cl_status_is_unknown(paths: HeartbeatPaths, tmp_path: Path) -> None:
    assert isinstance(heartbeat(paths, tmp_path).held(3.0), Unknown)


def test_a_request_that_heartbeat_drops_is_refused_with_how_long_it_will(
    paths: HeartbeatPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "ha-log"
    line = (
        "bravo heartbeat: [5]: WARN: Standby in progress- new request from bravo ignored [{} seconds left]\n"
    )
    log.write_text(line.format(3599))  # of an earlier one
    monkeypatch.setattr("appliance.cluster.heartbeat.commands.LOG_FILE", log)
    monkeypatch.setattr(Heartbeat, "master_pid", lambda self: 1)
    asked = replace(paths, hb_standby=program(tmp_path / "hb_standby", "exit 0"))
    standby(asked)
    drops = f"echo '{line.format(3580).strip()}' >>{log}"
    with pytest.raises(RequestDropped, match="another 3580 s") as dropped:
        standby(replace(paths, hb_standby=program(tmp_path / "hb_standby", drops)))
    assert dropped.value.seconds_left == 3580.0


@pytest.mark.parametrize(("releases", "ends", "heeded"), [(9, 12, True), (9, 99, False), (0, 99, False)])
def test_a_stop_that_heartbeat_does_not_heed_is_carried_out_by_force(
    paths: HeartbeatPaths,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    releases: int,
    ends: int,
    heeded: bool,
) -> None:
    """It runs until the look number `ends`, and releases until that number `releases`."""
    looks, killed, clock = [0], list[int](), HandClock(sleeping=True)
    commands = "appliance.cluster.heartbeat.commands"

    def master_pid(self: Heartbeat) -> int | None:
        looks[0] += 1
        return None if killed or looks[0] > ends else 1

    monkeypatch.setattr(Heartbeat, "master_pid", master_pid)
    monkeypatch.setattr(f"{commands}.is_listened_on", lambda sockets: True)
    monkeypatch.setattr(f"{commands}.in_session", lambda leader: ())
    monkeypatch.setattr(f"{commands}._kill_master", lambda heartbeat, pid, clock: killed.append(pid))
    asked = replace(paths, daemon=program(tmp_path / "heartbeat", "exec sleep 60"))
    began = clock.now()
    assert stop_engine(asked, lambda: looks[0] < releases, clock=clock, heeded=0.2) is heeded
    assert clock.now() - began < 10.0
    assert bool(killed) is not heeded


@pytest.mark.parametrize("command", [standby, takeover])
def test_a_switch_without_heartbeat_is_refused(paths: HeartbeatPaths, command: object) -> None:
    assert callable(command)
    with pytest.raises(ClusterError, match="not running"):
        command(paths)
