"""The protocol of the control socket: one request and one answer, each a JSON object on one line.

The unix socket can be opened only by root and the panel. An answer follows its request:

`{"verb": "status"}` → `{"ok": true, "result": {…}}` or
`{"ok": false, "error": "…", "todo": "…", "exit_code": 5}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from appliance.core.document import parse_object
from appliance.core.errors import AshaError, ClusterError, HardwareError, HostError, SyncError, UserError

# The longest line that either side accepts, in bytes; a status document is about 4 kB.
LINE_LIMIT = 256 * 1024

_BRANCHES: dict[int, type[AshaError]] = {
    error.exit_code: error for error in (UserError, HostError, HardwareError, ClusterError, SyncError)
}

# A line of the protocol as JSON has it. Nothing but this package sees one.
Message = dict[str, Any]


class ControlRequest(NamedTuple):
    """A request to the agent: a verb and its arguments, which are read by name and type.

    Each reader returns its default when the argument is missing, and raises UserError, which is the asker's answer,
    when the argument is something else. Arguments that no reader asks for are of another version of asha, and are
    ignored. It is no dataclass, because the resource script loads it in every call of Heartbeat, and that would cost a
    sixth of it.
    """

    verb: str
    arguments: Mapping[str, object] = MappingProxyType({})

    @property
    def by(self) -> str:
        """The name that the asker gives; "" when it gives none."""
        by = self.arguments.get("by", "")
        return by if isinstance(by, str) else ""

    def text(self, name: str) -> str:
        """Return the text `name`, or ""."""
        value = self.arguments.get(name, "")
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def flag(self, name: str) -> bool:
        """Return the truth value `name`, or False."""
        value = self.arguments.get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Return the number `name`, or `default`; without a default it must be there."""
        value = self.arguments.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        try:
            return float(value)
        except OverflowError:
            raise self._wrong(name, "a number of a sensible size") from None

    def whole(self, name: str, default: int) -> int:
        """Return the whole number `name`, or `default`."""
        value = self.arguments.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "a whole number")
        return value

    def naming(self, by: str) -> ControlRequest:
        """Return the request as one of `by`."""
        return ControlRequest(self.verb, {**self.arguments, "by": by})

    def to_json(self) -> dict[str, object]:
        """Return the request as it travels."""
        return {"verb": self.verb, **self.arguments}

    def _wrong(self, name: str, wanted: str) -> UserError:
        return UserError(f"The agent cannot do '{self.verb}': '{name}' must be {wanted}.")


def read_request(line: bytes) -> ControlRequest:
    """Return the request on `line`. Raises ClusterError when the line holds no object, UserError without a verb."""
    said = decode(line)
    verb = said.pop("verb", None)
    if not isinstance(verb, str):
        raise UserError("A request names a 'verb', as a text.")
    return ControlRequest(verb, said)


def encode(message: Mapping[str, object]) -> bytes:
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
    code = answer.get("exit_code", 1)
    branch = _BRANCHES.get(code, AshaError) if isinstance(code, int) else AshaError
    raise branch(str(answer.get("error", "no reason given")), todo=str(answer.get("todo", "")))
