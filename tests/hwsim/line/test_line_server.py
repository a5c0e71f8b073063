"""The socket that stands for /dev/dahdi/NN: who connects is attached, who leaves is detached."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hwsim.line.line import TelephoneLine
from hwsim.line.profiles import PROFILES
from hwsim.line.server import LineServer
from hwsim.simtime import LoopTime


class Pbx:
    """A client of the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def at(cls, path: Path) -> Pbx:
        return cls(*await asyncio.open_unix_connection(str(path)))

    async def until(self, **wanted: str) -> dict[str, Any]:
        """Read on until span 1 is as `wanted`."""
        async with asyncio.timeout(60):
            while True:
                span = json.loads(await self.reader.readline())["spans"]["1"]
                if span == {**span, **wanted}:
                    return span

    async def gone(self) -> None:
        """Read on until the other end has closed."""
        async with asyncio.timeout(60):
            while await self.reader.readline():
                pass


Scene = Callable[[TelephoneLine, Path], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Scene], None]:
    async def body(scene: Scene) -> None:
        line = TelephoneLine(LoopTime(), dict.fromkeys(("primary", "secondary"), PROFILES["r1t1"]))
        server = LineServer(line, "primary", tmp_path / "run/primary.line")
        await server.start()
        line.connect("primary")
        await scene(line, tmp_path / "run/primary.line")
        await server.stop()
        assert not list((tmp_path / "run").iterdir())

    return lambda scene: asyncio.run(body(scene))


async def until_detached(line: TelephoneLine) -> None:
    changed = asyncio.Event()
    line.on_change(lambda _: changed.set())
    async with asyncio.timeout(60):
        while line.sides["primary"].pbx:
            await changed.wait()
            changed.clear()


def test_a_pbx_is_told_at_once_and_at_each_change_and_its_leaving_is_seen(play) -> None:
    async def scene(line: TelephoneLine, path: Path) -> None:
        pbx = await Pbx.at(path)
        await pbx.until(alarm="RED", dchannel="down")
        await pbx.until(alarm="RECOVERING")
        await pbx.until(dchannel="up")
        pbx.writer.close()
        await until_detached(line)

    play(scene)


def test_a_stuck_d_channel_is_restarted_by_its_span_number_only(play) -> None:
    async def scene(line: TelephoneLine, path: Path) -> None:
        pbx = await Pbx.at(path)
        await pbx.until(dchannel="up")
        line.stick_dchannel("primary")
        await pbx.until(dchannel="down")
        pbx.writer.write(b'{"restart_span": 7}\n[]\n3\n')
        pbx.writer.write(b'{"restart_span": 1}\n')
        await pbx.until(dchannel="up")
        pbx.writer.close()

    play(scene)


def test_a_second_client_does_not_disturb_the_first(play) -> None:
    async def scene(line: TelephoneLine, path: Path) -> None:
        first = await Pbx.at(path)
        await first.until(dchannel="up")
        second = await Pbx.at(path)
        await second.until(dchannel="up")
        second.writer.close()
        line.cut()
        await first.until(alarm="RED", dchannel="up")
        assert line.sides["primary"].pbx
        first.writer.close()

    play(scene)


def test_a_pbx_that_talks_rubbish_is_let_go(play) -> None:
    async def scene(line: TelephoneLine, path: Path) -> None:
        pbx = await Pbx.at(path)
        pbx.writer.write(b"rubbish\n")
        await pbx.gone()
        await until_detached(line)
        pbx.writer.close()

    play(scene)
