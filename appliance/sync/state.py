"""How synchronisation stands on this node, in a small file that status pages read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from appliance.core.document import parse_object
from appliance.core.held_back import HeldBack, read_held
from appliance.core.words import printable
from appliance.host.statefile import StateFile


@dataclass(slots=True)
class State:
    """`verified_at`: wall time at which our data were last known to equal the peer's. None: never.

    `problem`: why the last look failed, "" when it did not; `kind` is its name. `phase`, `done`, `total`: the pass
    under way. `left`: files that were being written. `skew`: seconds the peer's clock is ahead of ours.
    `postsync`: how the post job last ended, "" when well. `unsettled`: why the data on which Asterisk was last started
    may not be whole, "" when they were. `conflicts`: how many wait for somebody's choice.
    `telephony`: why the peer's DAHDI configuration is not in place here, "" when it is. `held`: what is left out
    because something is wrong with it; `held_more`: how many more than are named there.
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
    phase: str = ""
    done: int = 0
    total: int = 0


# What is in each field when there is something in it.
_LIKE = State(verified_at=0.0)


def state_file(path: Path) -> StateFile[State]:
    """The file at `path`, which is written anew with every pass."""
    return StateFile(path, _parse, State, "how the data stand is known again after the next pass")


def read_state(path: Path) -> State:
    """The state, or a fresh one when there is none that can be read. Never raises."""
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
    """`value` is of the type of `like`; a whole number stands for any number."""
    if isinstance(like, list):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(like, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(like)


def _shown(value: Any) -> Any:
    """`value` with its texts as people may see them: a version before this one wrote names as they are."""
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return printable(value) if isinstance(value, str) else value


def under_way(phase: str, done: int, total: int) -> str:
    """A pass under way, in words; as much as is known of it."""
    if total:
        return f"{phase}, {min(done, total)} of {total}"
    return f"{phase}, {done}" if done else phase


def age(state: State, wall: float) -> float | None:
    """Seconds since our data were last known to equal the peer's; None when they never were."""
    return None if state.verified_at is None else max(0.0, wall - state.verified_at)


def write_state(path: Path, state: State) -> None:
    """Put `state` where status pages find it."""
    state_file(path).write(json.dumps(asdict(state)), 0o644)
