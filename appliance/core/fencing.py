"""Fencing: cutting the power of a silent peer that keeps this node from serving (docs/adr/0026-fencing.md).

HAFENCE names a command that cuts it. It is used by a node that the engine has had take service, while the peer is
silent on every link, and only when this node knows that it reaches the LAN and cannot serve fully because of the peer:

- the secondary, when the line does not arrive although the peer's last word was that the line is there, and no
  telephone finds an Asterisk at the cluster address;
- either node, when the peer's hardware address still answers for the cluster address.

A node that is itself cut off never shoots, so that the wrong one of two does not win. Never both: the secondary waits
HAFENCEWAIT longer, in which the primary's command has come to its end (Pacemaker's pcmk_delay_base): the primary, which
may notice the double address later by `claim_noticed`, has so much less time for it. Never twice in a
row without a pause, and never again after the peer was confirmed to be off, until it has been seen alive or this node
has given service up.

Only the command's exit status 0 says that the peer is off. Anything else, a time-out above all, says nothing, and
nothing is concluded from it. A confirmation is no evidence for ever: the peer may be switched on again, and not be
heard. What this node began by it goes on; anything new asks for one that is younger than FENCE_PAUSE.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.model import Line, Node
from appliance.core.reading import Known, is_known
from appliance.core.timing import FENCE_DWELL, LEAST_FENCE_TIME, claim_noticed
from appliance.core.transfer import Goal, Seen, Transfer, arrived
from appliance.core.values import changed

# Seconds after a command that confirmed nothing before the next one is begun.
FENCE_PAUSE = 60.0
_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class FencePolicy:
    """What the conf file says.

    `set_up`: HAFENCE names a command. `wait`: HAFENCEWAIT, in seconds. `rise`: PROBERISE, the rounds of the LAN in
    which an address must answer at another machine until that counts.
    """

    set_up: bool = False
    wait: float = 20.0
    rise: int = 2

    def deadline(self, node: Node) -> float:
        """Return after how many seconds the command of `node` is killed: before the other node's would begin."""
        late = 0.0 if node is Node.SECONDARY else claim_noticed(self.rise)
        return max(self.wait - late, LEAST_FENCE_TIME)


@dataclass(frozen=True, slots=True)
class FenceOutcome:
    """How the last command ended, at `at` (monotonic seconds). `confirmed`: it says that the peer is off."""

    at: float
    confirmed: bool
    says: str


@dataclass(frozen=True, slots=True)
class FenceInputs:
    """What a turn looks at for fencing.

    `address_at_peer`: the peer's hardware address answers for the cluster address. `drilling`: a drill is under way.
    `outcome`: how the last command ended. `asked`: the engine asks whether the peer is gone (`core/peer_gone.py`).
    """

    address_at_peer: bool = False
    drilling: bool = False
    outcome: FenceOutcome | None = None
    asked: bool = False


@dataclass(frozen=True, slots=True)
class FenceState:
    """What is remembered; monotonic seconds.

    `line_at_peer`: what the peer's last word about its line was. `because`, `since`: why it is to be fenced, and since
    when without a break. `begun`: when the command was begun last; `ended`: when it ended. `off`: the peer was
    confirmed to be off, and has not been seen alive since; this node has served by that, or it is still young.
    """

    line_at_peer: bool = False
    because: str = ""
    since: float | None = None
    begun: float = _NEVER
    ended: float = _NEVER
    off: bool = False

    @property
    def under_way(self) -> bool:
        """Tell whether a command has been begun and has not ended."""
        return self.begun > self.ended

    @property
    def off_at(self) -> float | None:
        """Return when the peer was confirmed to be off; None when it is not taken to be."""
        return self.ended if self.off else None


NO_FENCING = FencePolicy()
NOTHING_SEEN = FenceInputs()
NEVER_FENCED = FenceState()


def follow(
    state: FenceState, inputs: FenceInputs, seen: Seen, transfer: Transfer | None, now: float
) -> FenceState:
    """Return the state after one more look.

    Args:
        state: The state before.
        inputs: What this turn looks at.
        seen: The readings.
        transfer: The transfer under way; None, or one that lets go, when this node does not act under a grant.
        now: Monotonic seconds.
    """
    line = seen.peer.line
    if isinstance(line, Known):
        state = changed(state, line_at_peer=arrived(line))
    outcome = inputs.outcome
    if outcome is not None and outcome.at > state.ended and outcome.at >= state.begun:
        state = changed(state, ended=max(outcome.at, state.begun), off=outcome.confirmed)
    serves = transfer is not None and transfer.goal is Goal.ACQUIRE
    if is_known(seen.peer.alive, True) or not (serves or still_counts(state.off_at, now)):
        state = changed(state, off=False)
    because = "" if inputs.drilling else _why(state, inputs, seen, transfer)
    since = (now if state.since is None else state.since) if because else None
    return changed(state, because=because, since=since)


def is_due(state: FenceState, policy: FencePolicy, node: Node, now: float) -> bool:
    """Tell whether the command is to be begun now."""
    if not policy.set_up or state.since is None or state.under_way or state.off:
        return False
    dwell = FENCE_DWELL + (policy.wait if node is Node.SECONDARY else 0.0)
    return now - state.since >= dwell and now - state.ended >= FENCE_PAUSE


def still_counts(off_at: float | None, now: float) -> bool:
    """Tell whether a confirmation at `off_at` may be believed anew: the peer may have been switched on again since."""
    return off_at is not None and now - off_at <= FENCE_PAUSE


def begun(state: FenceState, now: float) -> FenceState:
    """Return the state after the command was begun at `now`."""
    return changed(state, begun=now)


def _why(state: FenceState, inputs: FenceInputs, seen: Seen, transfer: Transfer | None) -> str:
    """Return why the peer is to be fenced, as a clause; "" when it is not."""
    if transfer is None or transfer.goal is not Goal.ACQUIRE or seen.maintenance:
        return ""
    if not is_known(seen.peer.alive, False) or not is_known(seen.lan, True):
        return ""
    if inputs.address_at_peer and transfer.aside.since is None:
        return "the other node is silent, and the cluster address still answers from its hardware address"
    policy = transfer.policy
    kept = policy.node is Node.SECONDARY and policy.has_line and state.line_at_peer
    if kept and is_known(seen.line, Line.ABSENT) and not is_known(seen.calls, True):
        return "the other node is silent and keeps the line"
    return ""
