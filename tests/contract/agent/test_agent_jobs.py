"""Jobs: one at a time, from a fixed table, their last lines kept, ended at their deadline and with the agent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.agent.components import jobs
from appliance.agent.components.jobs import COMMANDS, JobCommand, Jobs
from appliance.agent.context import Context
from appliance.agent.journal import Journal, JournalFile
from appliance.control.protocol import ControlRequest
from appliance.core.as_json import to_json
from appliance.core.errors import ClusterError, UserError
from appliance.host.clock import SystemClock
from appliance.host.stream import Stream


class Runner:
    """Starts a Python program in the place of each command, and remembers what was asked for."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.asked: list[tuple[str, ...]] = []
        self.children: list[Stream] = []

    def __call__(self, words: tuple[str, ...]) -> Stream:
        self.asked.append(words)
        self.children.append(Stream((sys.executable, "-c", self.code), bound=False))
        return self.children[-1]


def play(tmp_path: Path, runner: Runner, test: Callable[[Jobs], Awaitable[None]]) -> list[dict[str, Any]]:
    """The journal after `test`."""
    file = JournalFile(tmp_path / "journal")

    async def run() -> None:
        journal = Journal(file, SystemClock(), print)
        room = Jobs(Context(tmp_path / "asha.conf", SystemClock(), journal), runner)
        try:
            await test(room)
        finally:
            room.close()
            journal.close()

    asyncio.run(run())
    return file.entries()


async def begin(room: Jobs, name: object) -> Any:
    request = ControlRequest("job start", {"name": name, "by": "anna at 10.0.0.7 (panel)"})
    return to_json(await room.verbs["job start"](request))


async def over(room: Jobs) -> dict[str, Any]:
    assert room._following is not None
    await room._following
    return to_json(await room.verbs["job"](ControlRequest("job")))


def test_the_table_is_that_of_the_contract() -> None:
    assert {name: command.words for name, command in COMMANDS.items()} == {
        "failback plan": ("failback", "--dry-run"),
        "failback": ("failback", "--yes"),
        "sync now": ("sync", "--now"),
        "check": ("check",),
    }


def test_an_job_is_done_and_its_last_lines_are_kept(tmp_path: Path) -> None:
    code = """
import sys
for n in range(60):
    print('line', n)
print('\\x1b[31mred\\x1b[0m ' + 'x' * 999)
print('aside', file=sys.stderr)
"""
    runner = Runner(code)

    async def run(room: Jobs) -> None:
        assert await room.verbs["job"](ControlRequest("job")) is None
        assert "under way" in (await begin(room, "check"))["says"]
        document = await over(room)
        assert (document["name"], document["state"]) == ("check", "done")
        assert len(document["lines"]) == 40 and document["lines"][-1] == "aside"
        assert document["lines"][-3] == "line 59"
        assert all(line.isprintable() and len(line) <= 300 for line in document["lines"])
        assert document["took"] > 0 and json.dumps(document)

    journal = play(tmp_path, runner, run)
    assert runner.asked == [("check",)]
    assert [(entry.says, entry.fields.get("by")) for entry in journal] == [
        ("begun", "anna at 10.0.0.7 (panel)"),
        ("done", None),
    ]


def test_one_that_fails_says_so(tmp_path: Path) -> None:
    async def run(room: Jobs) -> None:
        await begin(room, "failback")
        document = await over(room)
        assert document["state"] == "failed" and document["lines"] == ["asha: not now"]

    play(tmp_path, Runner("import sys; sys.exit('asha: not now')"), run)


def test_only_one_at_a_time_and_the_next_when_it_is_over(tmp_path: Path) -> None:
    runner = Runner("import sys; sys.stdin.read()")

    async def run(room: Jobs) -> None:
        await begin(room, "sync now")
        with pytest.raises(ClusterError, match="'sync now' is under way"):
            await begin(room, "check")
        os.kill(runner.children[0]._process.pid, 15)
        assert (await over(room))["state"] == "failed"
        await begin(room, "check")
        assert len(runner.asked) == 2

    play(tmp_path, runner, run)


def test_an_empty_line_is_not_the_end(tmp_path: Path) -> None:
    code = """
import sys, time
print('one\\n', flush=True)
sys.stdin.readline() or sys.exit('its input was closed: it was taken for ended')
print('two')
"""
    runner = Runner(code)

    async def run(room: Jobs) -> None:
        await begin(room, "check")
        async with asyncio.timeout(10):
            while not room.last().lines:  # noqa: ASYNC110 - a child's word is nowhere told
                await asyncio.sleep(0.01)
        runner.children[0].send(b"go on")
        document = await over(room)
        assert (document["state"], document["lines"]) == ("done", ["one", "two"])

    play(tmp_path, runner, run)


def test_one_that_never_stops_talking_holds_up_nobody(tmp_path: Path) -> None:
    runner = Runner("while True: print('x' * 200)")

    async def run(room: Jobs) -> None:
        await begin(room, "check")
        async with asyncio.timeout(10):
            for _ in range(200):
                await asyncio.sleep(0.0)

    play(tmp_path, runner, run)


@pytest.mark.parametrize("name", ["reboot", "", None, ["check"], "check; reboot", "sync --now", "Check"])
def test_nothing_else_is_run(tmp_path: Path, name: object) -> None:
    runner = Runner("")

    async def run(room: Jobs) -> None:
        with pytest.raises(UserError, match=r"no such job|'name' must be a text"):
            await begin(room, name)

    play(tmp_path, runner, run)
    assert runner.asked == []


def test_one_that_hangs_is_killed_at_its_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "COMMANDS", {"check": JobCommand(("check",), 0.5)})
    runner = Runner("import sys; print('begun', flush=True); sys.stdin.read()")

    async def run(room: Jobs) -> None:
        await begin(room, "check")
        document = await over(room)
        assert document["state"] == "failed" and "was killed" in document["lines"][-1]
        assert runner.children[0]._process.returncode is not None

    play(tmp_path, runner, run)


def test_it_ends_with_the_agent(tmp_path: Path) -> None:
    runner = Runner("import sys; sys.stdin.read()")

    async def run(room: Jobs) -> None:
        await begin(room, "sync now")

    play(tmp_path, runner, run)
    assert runner.children[0]._process.wait(10) == -signal.SIGKILL
