"""The agent's socket: answers, errors in their own branch, silence, absence."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.control.client import AgentAbsent, AgentSilent, ask
from appliance.control.protocol import LINE_LIMIT, ControlRequest, Message
from appliance.control.server import ControlServer
from appliance.core.errors import ClusterError, HardwareError, UserError

Answer = Callable[[Message], Awaitable[Any]]


class Served:
    """A control server on a loop in a thread of its own, as a context."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self._path = path
        self._answer = answer
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Path:
        self._thread.start()
        assert self._ready.wait(60)
        return self._path

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(60)

    def _serve(self) -> None:
        self._loop.run_until_complete(self._live())
        self._loop.close()

    async def _live(self) -> None:
        self._end = asyncio.Event()
        server = ControlServer(self._path, self._answer)
        await server.start()
        self._ready.set()
        await self._end.wait()
        await server.stop()


async def echo(request: ControlRequest) -> Any:
    return {"heard": request.to_json()}


def test_a_request_is_answered_with_its_arguments(tmp_path: Path) -> None:
    with Served(tmp_path / "control", echo) as path:
        assert ask("status", path=str(path), since=7) == {"heard": {"verb": "status", "since": 7}}


@pytest.mark.parametrize("branch", [UserError, HardwareError, ClusterError])
def test_an_error_arrives_in_its_own_branch_with_its_advice(tmp_path: Path, branch: type[Exception]) -> None:
    async def refuse(request: Message) -> Any:
        raise branch("It broke.", todo="Mend it.")  # type: ignore[call-arg]

    with Served(tmp_path / "control", refuse) as path, pytest.raises(branch, match=r"It broke\. Mend it\."):
        ask("status", path=str(path))


def test_no_agent_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(AgentAbsent, match="not running"):
        ask("status", path=str(tmp_path / "control"))


def test_a_silent_agent_is_not_waited_for(tmp_path: Path) -> None:
    async def hang(request: Message) -> Any:
        await asyncio.Event().wait()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control"))
        listener.listen()
        with pytest.raises(AgentSilent, match="did not answer 'status'"):
            ask("status", path=str(tmp_path / "control"), deadline=0.05)


def test_an_agent_that_dies_while_answering_is_absent(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control"))
        listener.listen()

        def accept_and_die() -> None:
            listener.accept()[0].close()

        death = threading.Thread(target=accept_and_die)
        death.start()
        with pytest.raises(AgentAbsent):
            ask("status", path=str(tmp_path / "control"))
        death.join()


def test_rubbish_ends_the_connection_and_not_the_server(tmp_path: Path) -> None:
    with Served(tmp_path / "control", echo) as path:
        for rubbish in (b"\xff\xfe\n", b"[1]\n", b"x" * 400_000 + b"\n"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(60)
                connection.connect(str(path))
                try:
                    connection.sendall(rubbish)
                    connection.recv(1000)
                except OSError:
                    continue  # it was cut off before we had said it all
        assert ask("status", path=str(path)) == {"heard": {"verb": "status"}}


def test_a_request_too_long_is_told_so(tmp_path: Path) -> None:
    with Served(tmp_path / "control", echo) as path, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(b"x" * (LINE_LIMIT + 2))
        assert b"said more than the 262144 bytes" in connection.recv(1000)


def test_only_the_owner_can_open_the_socket(tmp_path: Path) -> None:
    with Served(tmp_path / "control", echo) as path:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_second_agent_is_refused_and_a_dead_ones_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with Served(path, echo):

        async def second() -> None:
            await ControlServer(path, echo).start()

        with pytest.raises(ClusterError, match="Another agent runs"):
            asyncio.run(second())
        assert ask("x", path=str(path)) == {"heard": {"verb": "x"}}
