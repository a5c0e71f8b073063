"""The asking side of the standing connection: questions to the peer's `asha-source serve`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from appliance.core.answers import PeerSaid
from appliance.core.document import parse_object
from appliance.core.errors import AshaError, SyncError
from appliance.host.bounded import TooMuch
from appliance.host.process import run
from appliance.host.stream import Stream
from appliance.sync.errors import Fault, SyncProblem, understood
from appliance.sync.server import PAGE, PAGE_BYTES, unpack
from appliance.sync.ssh import NOT_KEPT, Ssh
from appliance.sync.trees import TreeEntry

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


# A single question to the peer's gate over its own ssh connection, and the proof that the gate holds.


_GATE_PATIENCE = 30.0


def ask_once(
    ssh: Ssh, verb: str, document: Message | None = None, *, patience: float = _GATE_PATIENCE
) -> Message:
    """Ask `asha-source VERB` at the peer one question, `document`, and return the answer.

    Raises SyncProblem, which names the peer, also when the answer has not come after `patience` seconds.
    """
    asked = json.dumps(document or {}) + "\n"
    # A connection that is kept open would hold our pipes, and would answer by an earlier key instead of this
    # one.
    own = replace(ssh, socket=NOT_KEPT)
    said = run(own.argv("asha-source", verb), deadline=patience, stdin=asked)
    if said.code is None:
        raise SyncProblem(Fault.INTERRUPTED, f"{ssh.host} has not answered for {patience:.0f} s.")
    try:
        answer = parse_object(said.output)
    except TooMuch as problem:
        raise SyncProblem(Fault.OTHER, f"{ssh.host}: {problem}") from problem
    except ValueError:
        raise own.diagnose(said.error.strip(), said.code) from None
    if not answer.pop("ok", False):
        raise SyncProblem(Fault.OTHER, f"{ssh.host}: {answer.get('says')}")
    return answer


def is_accepted(ssh: Ssh) -> bool:
    """Return whether the peer accepts our key. Raises SyncProblem when that cannot be known."""
    try:
        _ask(ssh)
    except SyncProblem as problem:
        if problem.kind not in (Fault.KEY_REFUSED, Fault.INTERRUPTED):
            raise
        return False
    return True


def prove(ssh: Ssh) -> None:
    """Check that the peer answers our key, and that the key opens nothing more.

    Raises SyncProblem when the peer does not answer, SyncError when the key opens more than it should.
    """
    _ask(ssh)
    refused = run(ssh.argv("true"), deadline=20.0)
    if refused.code != SyncError.exit_code:  # the exit status of the peer's gate; any other proves nothing
        raise SyncError(
            f"With our key {ssh.host} runs more than it should ({refused.explain()}). "
            "Remove the key there from every line of authorized_keys that does not begin with command=, then do "
            "this again."
        )


def _ask(ssh: Ssh) -> None:
    ask_once(ssh, "serve", {"verb": "health"})


# Applying the values of the High Availability tab at the peer too, over the ssh channel.
#
# The peer's end is cli.peer_questions.


def apply_at_peer(ssh: Ssh, name: str, values: Mapping[str, str], by: str) -> PeerSaid:
    """Have the peer, `name`, apply `values`, and return how it went.

    `by` names the person or program that made the change. A value the peer did not take stays there as it
    was. HAMEDIA lines with ucast are not sent, see `_is_one_nodes`. Never raises AshaError.
    """
    shared = {key: value for key, value in values.items() if not _is_one_nodes(key, value)}
    own = (
        f" HAMEDIA names a node's own way to the other node: set it on {name} itself."
        if shared != values
        else ""
    )
    if not shared:
        return PeerSaid(False, own.strip() or f"{name} was asked nothing.")
    try:
        answer = ask_once(ssh, "conf", {"values": shared, "by": by})
    except AshaError as problem:
        kept = f"{name} does not have it, and has what it had before"
        return PeerSaid(False, f"{kept}: {problem} Save again when it can be reached.{own}")
    return PeerSaid(not own, f"{name}: {answer.get('says', '')}{own}")


def _is_one_nodes(key: str, value: str) -> bool:
    """Return whether the value is valid on this node only, and must not be sent.

    With ucast, HAMEDIA names the address of the other node. Copied to the peer, that line would lead from the
    peer to itself.
    """
    return key == "HAMEDIA" and "ucast" in value.lower()
