"""The fence agent fence_asha: its options, and that everything which is no plain yes of the agent is a no."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from appliance.cli import fence_agent
from appliance.cluster.pacemaker.config_files import install_fence_agent
from appliance.cluster.pacemaker.fence_agent import Call, read_call
from appliance.cluster.resource import Answer
from appliance.control import client
from appliance.control.protocol import ControlRequest
from appliance.control.server import ControlServer
from appliance.core.answers import LineHeld, Said
from appliance.core.errors import ClusterError

OFF = ("action=off", "nodename=alpha", "port=alpha", "patience=0.3")


@contextlib.contextmanager
def agent(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[ControlRequest], Awaitable[Any]]
) -> Iterator[None]:
    """An agent's socket that answers as it is told, where fence_asha asks."""
    loop = asyncio.new_event_loop()
    server = ControlServer(folder / "control", answer)
    loop.run_until_complete(server.start())
    thread = Thread(target=loop.run_forever)
    thread.start()
    monkeypatch.setattr(fence_agent, "ask", _asking(folder / "control"))
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(server.stop())
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(task)
        loop.close()


def _asking(path: Path) -> Callable[..., Any]:
    def ask(verb: str, **more: Any) -> Any:
        return client.ask(verb, path=str(path), **more)

    return ask


def test_a_yes_of_the_agent_is_the_only_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ControlRequest] = []

    async def yes(request: ControlRequest) -> Said:
        asked.append(request)
        return Said("it is gone")

    with agent(tmp_path, monkeypatch, yes):
        assert fence_agent.answer_to((), OFF) == Answer("", 0)
        assert fence_agent.answer_to(("-o", "reboot", "-n", "alpha"), ()) == Answer("", 0)
    assert [(one.verb, one.text("node")) for one in asked] == [("peer gone", "alpha")] * 2


def test_a_no_of_the_agent_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def no(request: ControlRequest) -> Said:
        raise ClusterError("Nobody knows whether alpha is gone: the line has not come here.")

    with agent(tmp_path, monkeypatch, no):
        assert fence_agent.answer_to((), OFF) == Answer("", 1)
    assert "the line has not come here" in capsys.readouterr().err


def test_an_agent_that_hangs_is_a_no_within_the_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def never(request: ControlRequest) -> Said:
        await asyncio.Event().wait()
        raise AssertionError

    with agent(tmp_path, monkeypatch, never):
        assert fence_agent.answer_to((), OFF) == Answer("", 1)
    assert "did not answer" in capsys.readouterr().err


def test_no_agent_is_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence_agent, "ask", _asking(tmp_path / "nothing"))
    for action in ("off", "reboot", "status", "monitor", "list", "on", "validate-all"):
        assert fence_agent.answer_to((), (f"action={action}", "port=alpha")) == Answer("", 1)


@pytest.mark.parametrize("answer", [Said(""), LineHeld(True)])
def test_an_agent_of_another_version_is_a_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    async def odd(request: ControlRequest) -> object:
        return answer if isinstance(answer, LineHeld) else None

    with agent(tmp_path, monkeypatch, odd):
        assert fence_agent.answer_to((), OFF) == Answer("", 1)


@pytest.mark.parametrize(("alive", "status"), [(True, 0), (False, 1), (None, 1)])
def test_silence_is_not_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: bool | None, status: int
) -> None:
    async def said(request: ControlRequest) -> object:
        return {"peer": {"name": "alpha", "alive": {"value": alive}}}

    with agent(tmp_path, monkeypatch, said):
        assert fence_agent.answer_to((), ("action=status", "port=alpha")).status == status
        assert fence_agent.answer_to((), ("action=list",)) == Answer("alpha,", 0)
        assert fence_agent.answer_to((), ("action=monitor",)).status == 0


def test_nothing_is_ever_switched_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unasked(request: ControlRequest) -> Said:
        raise AssertionError(request)

    with agent(tmp_path, monkeypatch, unasked):
        assert fence_agent.answer_to((), ("action=on", "port=alpha")) == Answer("", 1)


@pytest.mark.parametrize(
    ("arguments", "lines", "call"),
    [
        ((), ("# a comment", "action=reboot", "plug=alpha", "other=1"), Call("reboot", "alpha")),
        ((), ("nodename=alpha",), Call("off", "alpha")),
        ((), (), Call()),
        (("--action=status", "--plug=alpha", "--patience=7"), (), Call("status", "alpha", 7.0)),
        (("off",), (), None),
        ((), ("patience=long",), None),
        ((), ("patience=nan",), None),
        ((), ("patience=-1",), None),
    ],
)
def test_options_come_as_lines_or_as_arguments(
    arguments: tuple[str, ...], lines: tuple[str, ...], call: Call | None
) -> None:
    assert read_call(arguments, lines) == call


def test_options_that_are_not_understood_are_a_no() -> None:
    assert fence_agent.answer_to(("off",), ()).status == 1


def test_the_installed_agent_tells_its_meta_data_without_its_program(tmp_path: Path) -> None:
    install_fence_agent(tmp_path, ["/nowhere/python"])
    place = tmp_path / "fence_asha"
    asked = (("-o", "metadata"), ("--action=metadata",), ("--action", "metadata"))
    for words, given in (
        *((words, "") for words in asked),
        ((), "action=metadata\n"),
        ((), "a=b\naction=metadata"),
    ):
        told = subprocess.run([place, *words], input=given, capture_output=True, text=True, check=True).stdout
        actions = {action.get("name") for action in ET.fromstring(told.split("?>", 1)[1]).iter("action")}
        assert {"on", "off", "reboot", "status", "monitor", "list", "metadata"} <= actions


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ((), "action=off\nport=metadata1\n"),
        ((), "action=off\nport=action=metadata\n"),
        (("-o", "off", "-n", "metadata"), ""),
        (("-n", "action=metadata", "--action=off"), ""),
    ],
)
def test_a_node_named_like_the_meta_data_is_not_gone_by_that(
    tmp_path: Path, words: tuple[str, ...], given: str
) -> None:
    install_fence_agent(tmp_path, ["/bin/false"])
    ended = subprocess.run(
        [tmp_path / "fence_asha", *words], input=given, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.returncode) == ("", 1)


def test_the_installed_agent_passes_options_on(tmp_path: Path) -> None:
    odd = tmp_path / "a b'c"
    odd.write_text('#!/bin/sh\nprintf "%s|" "$@"\ncat\nexit 1\n')
    odd.chmod(0o755)
    install_fence_agent(tmp_path, [odd, "-I"])
    given = "action=off\nport=$HOME `id` \\\n"
    ended = subprocess.run(
        [tmp_path / "fence_asha"], input=given, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.returncode) == (f"-I|{given}", 1)
    ended = subprocess.run(
        [tmp_path / "fence_asha", "-o", "off"], input="", capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.returncode) == ("-I|-o|off|", 1)
