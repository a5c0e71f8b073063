"""A single question to the peer's gate over its own ssh connection, and the proof that the gate holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from appliance.core.document import parse_object
from appliance.core.errors import SyncError
from appliance.host.bounded import TooMuch
from appliance.host.process import run
from appliance.sync.problems import Fault, SyncProblem
from appliance.sync.ssh import NOT_KEPT, Ssh

Message = dict[str, Any]
_PATIENCE = 30.0


def ask_once(ssh: Ssh, verb: str, document: Message | None = None) -> Message:
    """Ask `asha-source VERB` at the peer one question, `document`, and return the answer.

    Raises SyncProblem, which names the peer.
    """
    asked = json.dumps(document or {}) + "\n"
    # A connection that is kept open would hold our pipes, and would answer by an earlier key instead of this
    # one.
    own = replace(ssh, socket=NOT_KEPT)
    said = run(own.argv("asha-source", verb), deadline=_PATIENCE, stdin=asked)
    if said.code is None:
        raise SyncProblem(Fault.INTERRUPTED, f"{ssh.host} has not answered for {_PATIENCE:.0f} s.")
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
