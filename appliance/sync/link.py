"""The asking side of the standing connection: questions to the peer's `asha-source serve`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from appliance.core.document import parse_object
from appliance.host.stream import Stream
from appliance.sync.entry import TreeEntry
from appliance.sync.problems import Fault, SyncProblem, understood
from appliance.sync.source import PAGE, PAGE_BYTES, unpack
from appliance.sync.ssh import Ssh

Message = dict[str, Any]
# Seconds. To answer a question the peer may have to read a page of large recordings.
_PATIENCE = 180.0


class PeerLink:
    """The connection to the peer's data, to be used in a with block. Every method raises SyncProblem."""

    def __init__(self, ssh: Ssh) -> None:
        self.ssh = ssh
        self._stream = Stream(ssh.argv("asha-source", "serve"))

    def __enter__(self) -> PeerLink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.end(1.0)
        self._stream.close()

    def ask(self, verb: str, **fields: object) -> Message:
        """Ask one question and return the peer's answer."""
        self._send(verb, **fields)
        return self._receive()

    def file_list(self, paths: Iterable[bytes], databases: Sequence[str] = ()) -> Path:
        """Have the peer write a list of what is to be fetched, and return the list's path at the peer."""
        said = self.ask("list", paths=[], databases=list(databases))
        with understood(self.ssh.host):
            place = str(said["list"])
        for page in pages(paths):
            self.ask("list", paths=[_name(path) for path in page], list=place)
        return Path(place)

    def manifest(self, paths: Iterable[bytes]) -> Iterator[list[TreeEntry]]:
        """Yield, page by page, the entries of what the peer has at each of `paths` now.

        The peer works on one page while we look at another.
        """
        asked = 0
        for page in pages(paths):
            self._send("manifest", paths=[_name(path) for path in page])
            asked += 1
            if asked == 2:
                yield self._entries()
                asked -= 1
        for _ in range(asked):
            yield self._entries()

    def base(self, under: bytes) -> Iterator[TreeEntry]:
        """Yield what both nodes last had at and below `under`, by the peer's record."""
        after = b""
        while page := self._unpacked(self.ask("base", under=_name(under), after=_name(after))):
            yield from page
            if page[-1].path <= after:
                raise SyncProblem(Fault.OTHER, f"{self.ssh.host} tells the same of its book again and again.")
            after = page[-1].path

    def _entries(self) -> list[TreeEntry]:
        return self._unpacked(self._receive())

    def _unpacked(self, answer: Message) -> list[TreeEntry]:
        with understood(self.ssh.host):
            return [unpack(packed) for packed in answer["entries"]]

    def _send(self, verb: str, **fields: object) -> None:
        try:
            self._stream.send(json.dumps({"verb": verb, **fields}).encode())
        except BrokenPipeError:
            raise self._lost() from None

    def _receive(self) -> Message:
        line = self._stream.line(_PATIENCE)
        if line is None:
            raise SyncProblem(Fault.INTERRUPTED, f"{self.ssh.host} has not answered for {_PATIENCE:.0f} s.")
        if not line:
            raise self._lost()
        with understood(self.ssh.host):
            answer = parse_object(line)
        if not answer.pop("ok", False):
            raise SyncProblem(
                Fault.named(str(answer.get("kind", ""))), f"{self.ssh.host}: {answer.get('says')}"
            )
        return answer

    def _lost(self) -> SyncProblem:
        code = self._stream.end(2.0)
        return self.ssh.diagnose(self._stream.complaint(), -1 if code is None else code)


def pages(paths: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield `paths` in lists that each fit in one question."""
    page: list[bytes] = []
    size = 0
    for path in paths:
        page.append(path)
        size += len(path)
        if len(page) == PAGE or size > PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


def _name(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
