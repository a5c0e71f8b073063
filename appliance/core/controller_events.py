"""What the controller is told: the events that can happen to a node, and what a turn looks at.

Whoever drives `core/controller.py` makes these from what its sensors show. They carry what was seen, never a
conclusion.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.decide import WatchPolicy
from appliance.core.engine_requests import NOTHING_ASKED, Asked
from appliance.core.engine_target import EngineTarget
from appliance.core.fencing import NO_FENCING, NOTHING_SEEN, FenceInputs, FencePolicy
from appliance.core.grant import Grant, Verb, Verdict
from appliance.core.reading import Reading, Unknown
from appliance.core.transfer import Policy, Seen
from appliance.core.waking import Woke

_UNASKED = Unknown("nobody has asked the engine", 0.0)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a turn looks at.

    `engine`: the engine runs here; `engine_id` names its master, "" when none is known. `engine_serves`: the
    engine believes that this node serves. `engine_moving`: it says that it is moving resources. `peer_seen`:
    the peer was seen since the engine started. `fit`: this node could serve. `wall`: the time of day, in
    seconds since the epoch. `engine_target`: whether the engine is to run.
    `pbx_started_by`: what has started the Asterisk that runs here, for people. `woke`: how the machine went on
    after it stood still the last time. `fence`: see `core/fencing.py`. `asked`: what was asked of the engine, and
    `loses_requests`: it may drop requests for an hour (`core/engine_traits.py`).
    """

    seen: Seen
    engine: Reading[bool]
    engine_id: str = ""
    engine_serves: Reading[bool] = _UNASKED
    engine_moving: bool = False
    peer_seen: bool = False
    fit: bool = False
    wall: float = 0.0
    pbx_started_by: str = ""
    engine_target: EngineTarget = EngineTarget.UNSET
    woke: Woke | None = None
    fence: FenceInputs = NOTHING_SEEN
    asked: Asked = NOTHING_ASKED
    loses_requests: bool = True


@dataclass(frozen=True, slots=True)
class Starting:
    """The agent starts, and has asked the engine what it knows; nothing else has been looked at.

    `grant_lost`: no grant, held or not, is on file; only the engine can say whether this node is to serve.
    """

    inputs: Inputs
    grant_lost: bool


@dataclass(frozen=True, slots=True)
class Started:
    """The agent has looked at everything, and knows the grant as it is on file by now.

    A resource script that found no agent may have changed it since the agent began.
    """

    inputs: Inputs
    grant: Grant


@dataclass(frozen=True, slots=True)
class ScriptSpoke:
    """The engine has spoken through the resource script: what it said, the grant on file since, what became of it."""

    verb: Verb
    grant: Grant
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class GrantSeen:
    """The grant is on file like this now: a resource script that found no agent may have changed it."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class HandOver:
    """An operator wants service to go to the peer. `force`: by ending the engine, which may drop every request."""

    reason: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class StartPbx:
    """An operator wants Asterisk started under the present grant."""

    reason: str


@dataclass(frozen=True, slots=True)
class ClearNode:
    """Everything is to be let go, whatever the role: before the engine is started."""

    reason: str


@dataclass(frozen=True, slots=True)
class AcknowledgeMoves:
    """Somebody has looked at why service moved so often; `by` is who."""

    by: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has gone by, or something was seen."""

    inputs: Inputs


@dataclass(frozen=True, slots=True)
class ControllerPolicy:
    """What the conf file says. `peer_max_age`: seconds after which the peer's word is too old to go by."""

    transfer: Policy
    watch: WatchPolicy
    peer_max_age: float
    fence: FencePolicy = NO_FENCING


ControllerEvent = (
    Starting | Started | ScriptSpoke | GrantSeen | HandOver | StartPbx | ClearNode | AcknowledgeMoves | Tick
)
