"""The D-channel as a device file would give it: a unix socket in place of one server's /dev/dahdi/NN.

A PBX that connects is attached to the line; when its connection ends, for whatever reason, it is detached.
Both directions carry JSON lines: `{"spans": {"1": {"alarm": "OK", "dchannel": "up"}}}` to the PBX at each
change, `{"restart_span": 1}` from the PBX.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

from hwsim.line.line import LineEvent, TelephoneLine


class LineServer:
    """The server of one side of the line at `path`, as span number `span`.

    Whatever program is connected counts as that side's one PBX.
    """

    def __init__(self, line: TelephoneLine, side: str, path: Path, span: int = 1) -> None:
        self._line = line
        self._side = side
        self._path = path
        self._span = span
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        line.on_change(self._changed)

    async def start(self) -> None:
        """Listen for the PBX."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        self._path.chmod(0o666)

    async def stop(self) -> None:
        """Stop listening, and close the connections."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.close()
            self._path.unlink(missing_ok=True)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._line.attach_pbx(self._side)
        self._writers.add(writer)
        self._send(writer)
        try:
            while line := await reader.readline():
                self._obey(json.loads(line))
        except (OSError, ValueError):
            pass  # a PBX that sends rubbish counts as gone
        finally:
            self._writers.discard(writer)
            if not self._writers:
                self._line.detach_pbx(self._side)
            with contextlib.suppress(OSError):
                writer.close()

    def _obey(self, message: object) -> None:
        if isinstance(message, dict) and message.get("restart_span") == self._span:
            self._line.restart_span(self._side)

    def _changed(self, event: LineEvent) -> None:
        if event.side == self._side:
            for writer in self._writers:
                self._send(writer)

    def _send(self, writer: asyncio.StreamWriter) -> None:
        side = self._line.sides[self._side]
        spans = {str(self._span): {"alarm": side.alarm, "dchannel": side.dchannel}}
        if not writer.is_closing():
            writer.write(json.dumps({"spans": spans}).encode() + b"\n")
