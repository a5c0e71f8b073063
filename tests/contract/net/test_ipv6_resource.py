"""Heartbeat's resource asha-ipv6 on the real kernel, called as Heartbeat calls it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from machine import Machine

from appliance.cluster.heartbeat.config_files import IPV6_RESOURCE, install_resource_script
from appliance.core.reading import Known
from appliance.net.address import put_address, read_address

IP, WORD = "2001:db8::100", "2001:db8:0:0:0:0:0:100/64/eth0"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    assert install_resource_script(tmp_path, ["/bin/true"])
    assert not install_resource_script(tmp_path, ["/bin/true"]), "it is as it should be"
    return tmp_path / IPV6_RESOURCE


def called(machine: Machine, script: Path, verb: str) -> tuple[int, str]:
    done = machine.do(subprocess.run, [str(script), WORD, verb], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_each_verb_may_be_repeated(machines: tuple[Machine, Machine], script: Path) -> None:
    a, _ = machines
    for _ in range(2):
        assert called(a, script, "stop") == (0, "")
        assert called(a, script, "status") == (0, "stopped\n")
    for _ in range(2):
        assert called(a, script, "start") == (0, "")
        assert called(a, script, "status") == (0, "running\n")
        assert a.do(read_address, "eth0", IP, 1.0) == Known(True, 1.0)
    assert "deprecated" in a.ip("-6 addr show dev eth0")
    assert called(a, script, "stop") == (0, "")
    assert a.do(read_address, "eth0", IP, 1.0) == Known(False, 1.0)


def test_one_that_the_agent_has_set_is_stopped_too(machines: tuple[Machine, Machine], script: Path) -> None:
    a, _ = machines
    a.do(put_address, "eth0", IP, 64)
    assert called(a, script, "status") == (0, "running\n")
    assert called(a, script, "stop") == (0, "")
    assert a.do(read_address, "eth0", IP, 1.0) == Known(False, 1.0)


def test_one_that_the_kernel_does_not_use_is_set_anew(
    machines: tuple[Machine, Machine], script: Path
) -> None:
    a, _ = machines
    a.ip("link set eth0 down")
    a.ip(f"-6 addr add {IP}/64 dev eth0")  # tentative for as long as the interface is down
    assert called(a, script, "status") == (0, "stopped\n")
    a.ip("link set eth0 up")
    assert called(a, script, "start") == (0, "")
    assert called(a, script, "status") == (0, "running\n")


def test_a_start_that_cannot_be_and_a_wrong_verb_fail(
    machines: tuple[Machine, Machine], script: Path
) -> None:
    a, _ = machines
    a.ip("link del eth0")
    assert called(a, script, "start")[0] != 0
    assert called(a, script, "stop") == (0, "")
    assert called(a, script, "monitor")[0] == 1
