"""The state of synchronisation on this node, in a small file that status pages read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from appliance.core.document import parse_object
from appliance.core.held_back import HeldBack, read_held
from appliance.core.text import printable
from appliance.host.statefile import StateFile


@dataclass(slots=True)
class State:
    """The state of synchronisation.

    `verified_at`: epoch seconds at which our data was last known to equal the peer's, None for never.
    `generation`: the number of the newest generation.

    `problem`: why the last pass failed, "" when it did not; `kind` is the name of its kind. `warnings`:
    sentences from the last pass that went well. `phase`, `done`, `total`: the pass under way. `left`: how
    many files were being written. `skew`: seconds by which the peer's clock is ahead of ours. `postsync`: how
    the post job last failed, "" when it ended well. `unsettled`: why the data on which Asterisk was last
    started may not be whole, "" when it was. `conflicts`: how many wait for the operator's choice.
    `telephony`: why the peer's DAHDI configuration is not in place here, "" when it is. `held`: what is left
    out because something is wrong with it; `held_more`: how many items beyond those in `held`. `merged`: how
    many messages merges have brought here so far.
    """

    verified_at: float | None = None
    generation: int = 0
    kind: str = ""
    problem: str = ""
    warnings: list[str] = field(default_factory=list)
    left: int = 0
    skew: float = 0.0
    postsync: str = ""
    unsettled: str = ""
    conflicts: int = 0
    telephony: str = ""
    held: list[HeldBack] = field(default_factory=list)
    held_more: int = 0
    merged: int = 0
    phase: str = ""
    done: int = 0
    total: int = 0


# An example that shows the type of each field when it is set.
_LIKE = State(verified_at=0.0)


def state_file(path: Path) -> StateFile[State]:
    """Return the state file at `path`. Every pass renews its content."""
    return StateFile(path, _parse, State, "how the data stand is known again after the next pass")


def read_state(path: Path) -> State:
    """Return the state, or a fresh one when none can be read. Never raises."""
    return state_file(path).load()


def _parse(content: bytes) -> State:
    found = parse_object(content)
    known = {
        name: _shown(found[name]) for name in State.__dataclass_fields__ if name in found and name != "held"
    }
    state = State(**known, held=read_held(found.get("held")))
    for name in known:
        value = getattr(state, name)
        if not (_is_like(value, getattr(_LIKE, name)) or (name == "verified_at" and value is None)):
            raise ValueError(f"its {name} is {value!r}")
    return state


def _is_like(value: object, like: object) -> bool:
    """Return whether `value` has the type of `like`; a whole number may stand for any number."""
    if isinstance(like, list):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(like, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(like)


def _shown(value: Any) -> Any:
    """Return `value` with its texts made printable: an earlier version wrote file names unchanged."""
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return printable(value) if isinstance(value, str) else value


def age(state: State, wall: float) -> float | None:
    """Return how many seconds ago our data was last known to equal the peer's; None for never.

    `wall` is the time now, in epoch seconds.
    """
    return None if state.verified_at is None else max(0.0, wall - state.verified_at)


def write_state(path: Path, state: State) -> None:
    """Write `state` to `path`, where status pages read it."""
    state_file(path).write(json.dumps(asdict(state)), 0o644)
