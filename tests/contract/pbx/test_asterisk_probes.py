"""Three ways to ask whether Asterisk answers. Silence is Unknown, with why."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.model import DChannel
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.clock import SystemClock
from appliance.pbx import service
from appliance.pbx.dchannel import read_dchannel, restart_spans
from appliance.pbx.probes import probes_for
from hwsim.line.line import TelephoneLine
from hwsim.line.profiles import PROFILES
from hwsim.line.server import LineServer
from hwsim.simtime import LoopTime

CLOCK = SystemClock()


def ask(conf: Conf, times: int = 1) -> dict[str, Reading[str]]:
    async def body() -> dict[str, Reading[str]]:
        probes = probes_for(conf)
        answers: dict[str, Reading[str]] = {}
        for _ in range(times):
            answers = {probe.name: await probe.ask(CLOCK.now) for probe in probes}
        for probe in probes:
            probe.close()
        return answers

    return asyncio.run(body())


def start(conf: Conf) -> None:
    service.start(conf, CLOCK)
    assert service.wait_booted(conf, CLOCK, 10.0)


def test_all_three_are_answered_again_and_again(asterisk) -> None:
    start(asterisk.conf)
    answers = ask(asterisk.conf, times=3)
    assert set(answers) == {"ami", "cli", "sip"}
    assert all(isinstance(answer, Known) for answer in answers.values()), answers
    assert answers["sip"].value == "SIP/2.0 481 Call/Transaction Does Not Exist"


@pytest.mark.parametrize("reply", ["404 Not Found", "503 Service Unavailable", "401 Unauthorized"])
def test_any_sip_reply_is_a_sign_of_life(asterisk, reply: str) -> None:
    asterisk.set(sip_reply=reply)
    start(asterisk.conf)
    answer = ask(replace(asterisk.conf, ami_user=""))["sip"]
    assert isinstance(answer, Known)
    assert reply in answer.value


@pytest.mark.parametrize("fault", [signal.SIGUSR1, signal.SIGSTOP])
def test_a_deadlocked_one_answers_nothing_and_blocks_nobody(asterisk, fault: int) -> None:
    start(asterisk.conf)
    asterisk.signal(fault)
    ticks = []

    async def body() -> list[Reading[str]]:
        async def tick() -> None:
            while True:
                ticks.append(CLOCK.now())
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        probes = probes_for(replace(asterisk.conf, probe_deadline=0.3))
        answers = await asyncio.gather(*(probe.ask(CLOCK.now) for probe in probes))
        ticking.cancel()
        return list(answers)

    answers = asyncio.run(body())
    assert all(isinstance(answer, Unknown) for answer in answers), answers
    assert len(ticks) > 5, "the loop stood still"


def test_silent_sip_alone_is_told_apart(asterisk) -> None:
    start(asterisk.conf)
    asterisk.signal(signal.SIGUSR2)
    conf = asterisk.conf
    assert isinstance(ask(replace(conf, ami_user="", probe_deadline=0.3))["sip"], Unknown)
    assert isinstance(ask(replace(conf, sip_port=0))["ami"], Known)


def test_nobody_there_says_that_nothing_listens(asterisk) -> None:
    answers = ask(asterisk.conf)
    assert all(isinstance(answer, Unknown) for answer in answers.values())
    assert "nothing listens" in answers["ami"].reason
    assert "nothing listens" in answers["sip"].reason


def test_a_wrong_ami_secret_says_what_to_check(asterisk) -> None:
    start(asterisk.conf)
    answer = ask(replace(asterisk.conf, ami_secret="wrong"))["ami"]
    assert isinstance(answer, Unknown)
    assert "AMISECRET" in answer.reason


def test_ami_that_comes_back_is_connected_to_again(asterisk) -> None:
    async def body() -> list[Reading[str]]:
        (ami,) = [probe for probe in probes_for(asterisk.conf) if probe.name == "ami"]
        first = await ami.ask(CLOCK.now)
        await asyncio.to_thread(service.stop, asterisk.conf, CLOCK, 2.0)
        second = await ami.ask(CLOCK.now)
        await asyncio.to_thread(start, asterisk.conf)
        third = await ami.ask(CLOCK.now)
        ami.close()
        return [first, second, third]

    start(asterisk.conf)
    first, second, third = asyncio.run(body())
    assert isinstance(first, Known)
    assert isinstance(second, Unknown)
    assert isinstance(third, Known)


@pytest.mark.parametrize("greeting", [b"", b"\xff" * 100, b"Asterisk Call Manager/1.1\r\nrubbish\r\n\r\n"])
def test_something_else_on_the_ami_port_is_unknown(asterisk, greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", asterisk.conf.ami_port)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)

        other = threading.Thread(target=serve)
        other.start()
        answer = ask(replace(asterisk.conf, sip_port=0))["ami"]
        other.join(30)
    assert isinstance(answer, Unknown)


def test_d_channels_follow_the_line_and_a_stuck_one_is_restarted(asterisk, tmp_path: Path) -> None:
    async def body() -> None:
        line = TelephoneLine(LoopTime(), dict.fromkeys(("primary", "secondary"), PROFILES["r1t1"]))
        server = LineServer(line, "primary", tmp_path / "line")
        await server.start()
        line.connect("primary")
        await asyncio.to_thread(start, asterisk.conf)
        await until(DChannel.UP)
        line.stick_dchannel("primary")
        await until(DChannel.DOWN)
        await asyncio.to_thread(restart_spans, asterisk.conf, 30.0)
        await until(DChannel.UP)
        await asyncio.to_thread(service.stop, asterisk.conf, CLOCK, 2.0)
        await server.stop()

    async def until(state: DChannel) -> None:
        end = time.monotonic() + 60
        while True:
            reading = await asyncio.to_thread(read_dchannel, asterisk.conf, CLOCK.now, 1.0)
            if isinstance(reading, Known) and reading.value is state:
                return
            assert time.monotonic() < end, reading

    asterisk.set(line_socket=tmp_path / "line")
    asyncio.run(body())
