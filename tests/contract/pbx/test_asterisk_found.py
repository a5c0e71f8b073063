"""Asterisk is found whoever started it and wherever it writes, and what the kernel shows of one that is silent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.reading import Known, Unknown, is_known
from appliance.host.clock import SystemClock
from appliance.pbx import service
from appliance.pbx.activity import sip_unread, works
from appliance.pbx.control_socket import control_sockets, listener
from appliance.pbx.probes import bye
from appliance.pbx.process import find_pid

CLOCK = SystemClock()


def start(conf: Conf) -> int:
    pid = service.start(conf, CLOCK)
    assert service.wait_booted(conf, CLOCK, 10.0)
    return pid


def test_its_control_socket_names_it_before_anything_is_searched(asterisk) -> None:
    pid = start(asterisk.conf)
    asterisk.conf.pbx_pidfile.unlink()
    assert find_pid(asterisk.conf, 1.0, thorough=False) == Known(pid, 1.0)
    os.kill(pid, signal.SIGSTOP)
    assert listener(asterisk.conf) == pid, "a hung one is still the one who listens"


def test_a_pid_file_of_another_process_names_nobody(asterisk) -> None:
    pid = start(asterisk.conf)
    reader = subprocess.Popen(
        ["tail", "-f", "/dev/null", asterisk.conf.pbx_program], stderr=subprocess.DEVNULL
    )
    try:
        asterisk.conf.pbx_pidfile.write_text(str(reader.pid))
        assert find_pid(asterisk.conf, 1.0) == Known(pid, 1.0)
        assert service.start(asterisk.conf, CLOCK) == pid
    finally:
        reader.kill()
        reader.wait()


def test_one_that_runs_in_another_directory_under_another_name_is_found(asterisk, tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    run = tmp_path / "elsewhere"
    (folder / "asterisk.conf").write_text(f"[directories]\nastrundir => {run}\n[files]\nastctl = pbx.ctl\n")
    conf = replace(asterisk.conf, asterisk_dir=folder)
    assert control_sockets(conf) == (run / "pbx.ctl", conf.pbx_pidfile.parent / "asterisk.ctl")
    run.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(run / "pbx.ctl"))
        listens = (
            f"import signal, socket; one = socket.socket(fileno={server.fileno()}); one.listen(1); "
            "print('up', flush=True); signal.pause()"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", listens], pass_fds=[server.fileno()], stdout=subprocess.PIPE, text=True
        )
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "up\n"
            assert find_pid(conf, 1.0, thorough=False) == Known(child.pid, 1.0)
            assert service.start(conf, CLOCK) == child.pid, "a second one is never started"
        finally:
            child.kill()
            child.wait()
    assert find_pid(conf, 2.0) == Known(None, 2.0), "the socket of a dead one names nobody"


def test_one_that_somebody_else_started_first_is_taken(asterisk, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = start(asterisk.conf)
    looks = iter([None])
    real = service.running_pid
    monkeypatch.setattr(service, "running_pid", lambda conf, clock: next(looks, pid) and real(conf, clock))
    assert service.start(asterisk.conf, CLOCK) == pid


def test_a_stopped_one_does_nothing_and_one_that_turns_works(asterisk) -> None:
    pid = start(asterisk.conf)
    os.kill(pid, signal.SIGSTOP)
    while Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "T":
        pass
    assert is_known(works(pid, 1.0), False)
    turning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        assert any(is_known(works(turning.pid, 1.0), True) for _ in range(10_000))
    finally:
        turning.kill()
        turning.wait()
    assert isinstance(works(turning.pid, 1.0), Unknown)


def test_what_a_hung_one_was_asked_lies_unread(asterisk) -> None:
    conf = asterisk.conf
    assert isinstance(sip_unread(conf.sip_port, 1.0), Unknown), "nobody listens"
    pid = start(conf)
    assert is_known(sip_unread(conf.sip_port, 1.0), False)
    os.kill(pid, signal.SIGSTOP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.sendto(bye("127.0.0.1:9", f"127.0.0.1:{conf.sip_port}", "0" * 32), ("127.0.0.1", conf.sip_port))
    assert is_known(sip_unread(conf.sip_port, 1.0), True)
