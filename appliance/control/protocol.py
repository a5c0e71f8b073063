"""The protocol of the control socket: one request and one answer, each a JSON object on one line.

The unix socket can be opened only by root and the panel. An answer follows its request:

`{"verb": "status"}` → `{"ok": true, "result": {…}}` or
`{"ok": false, "error": "…", "todo": "…", "exit_code": 5}`.
"""

from __future__ import annotations

import json
from typing import Any

from appliance.core.document import parse_object
from appliance.core.errors import AshaError, ClusterError, HardwareError, HostError, SyncError, UserError

# The longest line that either side accepts, in bytes; a status document is about 4 kB.
LINE_LIMIT = 256 * 1024

_BRANCHES: dict[int, type[AshaError]] = {
    error.exit_code: error for error in (UserError, HostError, HardwareError, ClusterError, SyncError)
}

Message = dict[str, Any]


def encode(message: Message) -> bytes:
    """Return `message` as one line of bytes."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Return the message on `line`. Raises ClusterError when the line holds none."""
    try:
        return parse_object(line)
    except ValueError:
        raise ClusterError("Something on the control socket does not speak asha's language.") from None


def success(result: object) -> Message:
    """Return the answer to a request that was carried out."""
    return {"ok": True, "result": result}


def failure(error: AshaError) -> Message:
    """Return the answer to a request that failed; the asker raises the same error again."""
    return {"ok": False, "error": str(error.args[0]), "todo": error.todo, "exit_code": error.exit_code}


def unwrap(answer: Message) -> Any:
    """Return the result in `answer`, or raise the error it carries, as the class of its exit code."""
    if answer.get("ok"):
        return answer.get("result")
    branch = _BRANCHES.get(int(answer.get("exit_code", 1)), AshaError)
    raise branch(str(answer.get("error", "no reason given")), todo=str(answer.get("todo", "")))
