"""An agent whose conf names another machine: it answers what it can, and knows when it is told who it is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.agent import unconfigured
from appliance.agent.components.file_troubles import FileTroubles
from appliance.agent.components.settings import Threads, why_not_set_up
from appliance.agent.end_order import EndOrder
from appliance.agent.unconfigured import UnconfiguredAgent
from appliance.cli.status import status_lines
from appliance.config import load
from appliance.control.protocol import ControlRequest
from appliance.core.as_json import to_json
from appliance.core.errors import UserError
from appliance.core.operator_actions import OperatorAction
from appliance.core.status import from_json
from appliance.host.clock import SystemClock
from appliance.host.service_manager import ServiceManager

TEXT = "# ours\nHAPRINODE=elsewhere1\nHASECNODE=elsewhere2\nAMISECRET=hush\n"


def play(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, test: Callable[[UnconfiguredAgent], Awaitable[None]]
) -> str:
    """Run `test` with a set-up agent whose conf is in `tmp_path`; the journal afterwards."""
    monkeypatch.setattr(
        FileTroubles, "_look", lambda self, conf: ()
    )  # this machine's own files are not looked at
    monkeypatch.setattr(unconfigured, "JOURNAL", tmp_path / "journal")
    monkeypatch.setattr(unconfigured, "SOCKET", str(tmp_path / "control"))
    conf = tmp_path / "asha.conf"
    if not conf.exists():
        conf.write_text(TEXT)
        conf.chmod(0o600)

    async def run() -> None:
        order = EndOrder()
        order.take_signals()
        await test(UnconfiguredAgent(conf, SystemClock(), ServiceManager(""), Threads(), order))

    asyncio.run(run())
    journal = tmp_path / "journal"
    return journal.read_text() if journal.exists() else ""


async def told(agent: UnconfiguredAgent, request: ControlRequest) -> Any:
    """The answer as it goes over the socket."""
    return to_json(await agent.answer(request))


def test_status_says_what_to_do_and_refuses_every_wish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(agent: UnconfiguredAgent) -> None:
        document = await told(agent, ControlRequest("status"))
        assert (document["set_up"], document["role"]) == (False, "not set up")
        assert {wish.value for wish in OperatorAction} <= set(document["permits"])
        assert all(not permit["allowed"] for permit in document["permits"].values())
        assert document["names"] == {"primary": "elsewhere1", "secondary": "elsewhere2"}
        lines = status_lines(from_json(json.loads(json.dumps(document))))
        assert "fill in the High Availability tab first" in lines[0]
        assert any("neither HAPRINODE (elsewhere1)" in line for line in lines[1:])

    play(tmp_path, monkeypatch, look)


def test_there_is_nothing_to_look_at_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def look(agent: UnconfiguredAgent) -> None:
        assert await told(agent, ControlRequest("history")) == []
        assert await told(agent, ControlRequest("job")) is None
        assert (await told(agent, ControlRequest("trends")))["step"] == 60
        assert (await told(agent, ControlRequest("meters")))["relay_moves"] == 0

    play(tmp_path, monkeypatch, look)


@pytest.mark.parametrize(
    "verb", ["start", "stop", "running", "ha start", "takeover", "job start", "nonsense"]
)
def test_nothing_is_moved_or_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    async def ask(agent: UnconfiguredAgent) -> None:
        with pytest.raises(UserError, match="not set up"):
            await told(agent, ControlRequest(verb, {"ticket": 1.0}))

    play(tmp_path, monkeypatch, ask)


def test_it_goes_on_as_soon_as_the_conf_names_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = os.uname().nodename

    async def fill_in(agent: UnconfiguredAgent) -> None:
        running = asyncio.create_task(agent.run())
        looked = await told(agent, ControlRequest("conf preview", {"values": {"HAPRINODE": name}}))
        assert f"+HAPRINODE={name}" in looked["diff"] and "HA engine is off" in looked["restarts"][0]
        wrong = await told(agent, ControlRequest("conf preview", {"values": {"HACLUSTERIP": "localhost"}}))
        assert wrong["problems"][0]["key"] == "HACLUSTERIP"
        half = await told(
            agent, ControlRequest("conf set", {"values": {"HACLUSTERIP": "10.0.0.9"}, "by": "anna"})
        )
        assert half["says"].startswith("Saved.") and not running.done()
        with pytest.raises(UserError, match="'peer' must be true or false"):
            wish = {"values": {"HAPRINODE": name}, "peer": "yes", "by": "anna"}
            await told(agent, ControlRequest("conf set", wish))
        assert f"HAPRINODE={name}" not in (tmp_path / "asha.conf").read_text(), (
            "what is wrong is refused before anything is written"
        )
        whole = await told(agent, ControlRequest("conf set", {"values": {"HAPRINODE": name}, "by": "anna"}))
        assert f"+HAPRINODE={name}" in whole["diff"]
        assert await running is True

    journal = play(tmp_path, monkeypatch, fill_in)
    assert why_not_set_up(load(tmp_path / "asha.conf")) == ""
    assert (tmp_path / "asha.conf").read_text().startswith("# ours\n")
    kinds = [json.loads(line)["kind"] for line in journal.splitlines()]
    assert kinds == ["agent", "conf", "conf", "agent"]
    assert "anna" in journal and "hush" not in journal


def test_told_to_end_it_ends_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def end(agent: UnconfiguredAgent) -> None:
        running = asyncio.create_task(agent.run())
        await told(agent, ControlRequest("conf"))  # a turn of its thread: the signals are taken by then
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running is False

    play(tmp_path, monkeypatch, end)
    assert not (tmp_path / "control").exists()


def test_the_panels_notes_and_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def note(agent: UnconfiguredAgent) -> None:
        says = 'anna logged in\n{"kind": "grant"}' + "x" * 1000
        await told(agent, ControlRequest("panel note", {"says": says, "by": "anna at 10.0.0.7 (panel)"}))
        entries = await told(agent, ControlRequest("journal", {"newest": 5}))
        while not entries:  # the journal is written by a thread of its own
            entries = await told(agent, ControlRequest("journal", {"newest": 5}))
        (entry,) = entries
        assert (entry["kind"], entry["by"]) == ("panel", "anna at 10.0.0.7 (panel)")
        assert "\n" not in entry["says"] and len(entry["says"]) <= 200
        with pytest.raises(UserError):
            await told(agent, ControlRequest("journal", {"newest": "all"}))

    play(tmp_path, monkeypatch, note)


def test_a_flood_of_notes_does_not_push_out_what_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def flood(agent: UnconfiguredAgent) -> None:
        for _ in range(60):
            await told(agent, ControlRequest("panel note", {"says": "refused login"}))
        with pytest.raises(UserError, match="More than 60 notes"):
            await told(agent, ControlRequest("panel note", {"says": "refused login"}))

    assert play(tmp_path, monkeypatch, flood).count("refused login") <= 60


def test_a_wrong_conf_is_not_taken_by_a_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def signal_twice(agent: UnconfiguredAgent) -> None:
        refused = asyncio.Event()
        note = agent._journal.note

        def noting(kind: str, **fields: object) -> None:
            note(kind, **fields)
            if "not taken" in str(fields.get("says")):
                refused.set()

        monkeypatch.setattr(agent._journal, "note", noting)
        running = asyncio.create_task(agent.run())
        await told(agent, ControlRequest("conf"))  # a turn of its thread: the signals are taken by then
        conf = tmp_path / "asha.conf"
        conf.write_text("RESTART=maybe\n")
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            await refused.wait()
        shown = await told(agent, ControlRequest("conf"))
        assert shown["problems"] == [{"key": "RESTART", "value": "maybe", "want": "YES or NO"}]
        assert not running.done()
        conf.write_text(f"HASECNODE={os.uname().nodename}\n")
        os.kill(os.getpid(), signal.SIGHUP)
        assert await running is True

    assert "the conf file was not taken" in play(tmp_path, monkeypatch, signal_twice)


def test_a_conf_file_that_cannot_be_used_is_said_and_taken_when_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asha.conf").write_bytes(b"\xff\xfe no conf")

    async def look(agent: UnconfiguredAgent) -> None:
        document = await told(agent, ControlRequest("status"))
        assert document["set_up"] is False and "cannot be used" in document["headline"]
        assert any("asha.conf" in problem for problem in document["problems"])
        with pytest.raises(UserError, match=r"asha\.conf"):
            await told(agent, ControlRequest("ha start"))
        (tmp_path / "asha.conf").write_text(f"HAPRINODE={os.uname().nodename}\nHASECNODE=two\n")
        (tmp_path / "asha.conf").chmod(0o600)
        assert await asyncio.wait_for(agent.run(), 10) is True, "it goes on as a node by itself"

    play(tmp_path, monkeypatch, look)
