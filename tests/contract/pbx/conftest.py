"""A stand-in Asterisk of one's own: files in a temporary directory, ports nobody else has."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.reading import Known
from appliance.host.clock import SystemClock
from appliance.pbx.process import find_pid
from hwsim.asterisk import install


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class StandIn:
    """The conf to reach it by, and its settings to change before it starts."""

    conf: Conf
    settings: Path

    def set(self, **values: object) -> None:
        with self.settings.open("a") as file:
            file.writelines(f"{key} = {value}\n" for key, value in values.items())

    @property
    def pid(self) -> int:
        found = find_pid(self.conf, 0.0)
        assert isinstance(found, Known)
        assert found.value is not None
        return found.value

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)


@pytest.fixture
def asterisk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    program = tmp_path / "sbin/asterisk"
    install(program)
    ami, sip = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    settings = tmp_path / "hwsim.conf"
    settings.write_text(f"[asterisk]\nboot_time = 0.05\nrun_dir = {tmp_path}/run\nsip_port = {sip}\n")
    (tmp_path / "manager.conf").write_text(f"[general]\nport = {ami}\n\n[asha]\nsecret = s3cret\n")
    monkeypatch.setenv("HWSIM_ASTERISK_CONF", str(settings))
    conf = Conf(
        pbx_program=str(program),
        pbx_pidfile=tmp_path / "run/asterisk.pid",
        ami_port=ami,
        ami_user="asha",
        ami_secret="s3cret",
        sip_port=sip,
        probe_deadline=30.0,  # only what hangs takes it: a test of that has a shorter one
        pbx_start_deadline=10.0,
        pbx_stop_deadline=1.0,
    )
    yield StandIn(conf, settings)
    found = find_pid(replace(conf), SystemClock().now())
    if isinstance(found, Known) and found.value is not None:
        with suppress(ProcessLookupError):
            os.kill(found.value, signal.SIGKILL)
