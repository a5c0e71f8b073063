"""The answer to an engine that asks before it gives service: is the peer surely gone? (docs/fencing.md)

An engine with fencing starts what the peer may still run only when a fence agent has confirmed that the peer does not.
The agent's evidence, in this order; whatever is unknown is no evidence:

- **The line.** Its relay can be at one node only. To a *secondary* whose peer is silent an arrived line says that the
  primary has lost its power or has let go. A *primary* has the line only by its own relay under its own grant; then the
  secondary has not got it, and cannot take it. So of two that hear nothing of each other at most one is told yes: the
  line is a vote that cannot be cast twice. A primary without a grant can learn nothing from the line: its relay is
  released, and the line would stay away whether the secondary lives or not. A relay with a watchdog of its own takes
  the line also from a primary that only stands still, so there an arrived line tells the secondary nothing.
- **HAFENCE**, when it confirms, or has confirmed just now, that the peer's power is off: used under the conditions of
  `core/fencing.py`, but that this node need not have been given service.
- **The peer's own word**, when it is heard and the engine asks all the same, because Pacemaker died there or a stop
  failed: it says that it was granted nothing, and the line has come here. One that says so and keeps the line has
  failed to let it go: HAFENCE, if there is one.

A peer that is heard again while the question stands is not gone: nothing is cut then.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.core.fencing import FENCE_PAUSE, FencePolicy, FenceState, still_counts
from appliance.core.model import Line, Node, Relay
from appliance.core.reading import Known, Unknown, fresh, is_known
from appliance.core.timing import FENCE_DWELL, LINE_LOOK
from appliance.core.transfer import Seen, arrived, doubted_because
from appliance.core.values import changed, held_since

# A look at the line that is older says nothing. It is less than the shortest silence after which an engine asks, so a
# line that counts was seen after the peer's last word.
LINE_MAX_AGE = LINE_LOOK + 0.2
# So long a question without an answer is held, in seconds: what the line will say may be a moment late, and then the
# answer comes with it, and not when the engine asks again.
PATIENCE = 5.0
# A question that comes at most so many seconds after the last is the same one.
SAME_QUESTION = 10.0
# Seconds that the engine gives a question beyond the longest that the agent takes for it.
ENGINE_SLACK = 10.0


class GoneVerdict(enum.Enum):
    """What is to be answered now."""

    GONE = "gone"
    CUT = "cut"  # run HAFENCE: its confirmation is the answer
    WAIT = "wait"  # nobody knows yet
    NO = "no"  # nobody knows, and waiting changes nothing


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict; `why`: a clause, for the engine's log and for people."""

    verdict: GoneVerdict
    why: str


@dataclass(frozen=True, slots=True)
class PeerQuestion:
    """A question that stands; monotonic seconds.

    `since`: since when the engine asks; `last`: when it was seen to ask last. `silent`: the peer was silent while it
    asked. `cut_since`: since when HAFENCE may be used without a break; `disowned_since`: since when the peer, which is
    heard, says that it was granted nothing.
    """

    since: float
    last: float
    silent: bool = False
    cut_since: float | None = None
    disowned_since: float | None = None


@dataclass(frozen=True, slots=True)
class GoneInputs:
    """What an answer is made of.

    `switched`: a relay switches the line between the nodes; `relay_watchdog`: it has a watchdog of its own.
    `granted`: this node holds the engine's grant. `drilling`: a drill is under way. `cut_failed_at`, `cut_says`: when
    HAFENCE last ended without a confirmation, and how.
    """

    seen: Seen
    node: Node
    switched: bool
    granted: bool
    fence: FenceState
    policy: FencePolicy
    drilling: bool = False
    cut_failed_at: float | None = None
    cut_says: str = ""
    relay_watchdog: bool = False


def longest_answer(fence_wait: float) -> float:
    """Return the most seconds that an answer takes with HAFENCEWAIT `fence_wait`: dwell, delay and command."""
    return PATIENCE + FENCE_DWELL + 2 * fence_wait


def ask(before: PeerQuestion | None, now: float) -> PeerQuestion:
    """Return the question that is asked at `now`: a new one, or the one that stands."""
    if before is None or now - before.last > SAME_QUESTION:
        return PeerQuestion(now, now)
    return changed(before, last=now)


def follow(asked: PeerQuestion, inputs: GoneInputs, now: float) -> PeerQuestion:
    """Return the question after one more look."""
    alive = inputs.seen.peer.alive
    return changed(
        asked,
        last=now,
        silent=asked.silent or is_known(alive, False),
        cut_since=held_since(asked.cut_since, now, not _why_not_cut(asked, inputs, now)),
        disowned_since=held_since(asked.disowned_since, now, is_known(alive, True) and _disowned(inputs)),
    )


def judge(asked: PeerQuestion, inputs: GoneInputs, now: float) -> Judgement:
    """Return what is known at `now` about the peer's being gone; `asked` has followed this look."""
    alive = inputs.seen.peer.alive
    if still_counts(inputs.fence.off_at, now):
        return Judgement(GoneVerdict.GONE, "HAFENCE has confirmed that it is off")
    if isinstance(alive, Unknown):
        return Judgement(GoneVerdict.WAIT, f"whether it lives is not known ({alive.reason})")
    if alive.value:
        return _of_a_living(asked, inputs, now)
    if proof := _line_proves(inputs, now):
        return Judgement(GoneVerdict.GONE, proof)
    return _by_power(asked, inputs, now, _why_no_witness(inputs, now))


def _of_a_living(asked: PeerQuestion, inputs: GoneInputs, now: float) -> Judgement:
    if asked.silent:
        return Judgement(GoneVerdict.NO, "it is heard again")
    if not _disowned(inputs):
        return Judgement(GoneVerdict.NO, "it lives")
    if asked.disowned_since is None or now - asked.disowned_since < FENCE_DWELL:
        return Judgement(GoneVerdict.WAIT, "it lives and says that it was granted nothing")
    if inputs.node is Node.PRIMARY or (inputs.switched and _is_here(inputs, now)):
        return Judgement(GoneVerdict.GONE, "its own agent says that it was granted nothing and serves nobody")
    return _by_power(asked, inputs, now, "it lives and has not let the line go")


def _by_power(asked: PeerQuestion, inputs: GoneInputs, now: float, why: str) -> Judgement:
    why_not = _why_not_cut(asked, inputs, now)
    if why_not or asked.cut_since is None:
        return Judgement(GoneVerdict.WAIT, f"{why}, and {why_not or 'HAFENCE was not tried yet'}")
    delay = inputs.policy.wait if inputs.node is Node.SECONDARY and asked.silent else 0.0
    if now - asked.cut_since < FENCE_DWELL + delay:
        return Judgement(GoneVerdict.WAIT, f"{why}, and HAFENCE waits its turn")
    return Judgement(GoneVerdict.CUT, why)


def waits_for_power(asked: PeerQuestion) -> bool:
    """Tell whether HAFENCE will be used if nothing changes, so that the question is to be held until then."""
    return asked.cut_since is not None


def _line_proves(inputs: GoneInputs, now: float) -> str:
    """Return what the line says of a silent peer, as a clause; "" when it proves nothing."""
    if not inputs.switched or not _is_here(inputs, now):
        return ""
    if inputs.node is Node.SECONDARY:
        if inputs.relay_watchdog:
            return ""
        return "the line has come here, so it has lost its power or let go"
    if inputs.granted and is_known(inputs.seen.commanded, Relay.ENERGISED):
        return "this node's relay holds the line, which it cannot take"
    return ""


def _is_here(inputs: GoneInputs, now: float) -> bool:
    return arrived(fresh(inputs.seen.line, now, LINE_MAX_AGE))


def _why_no_witness(inputs: GoneInputs, now: float) -> str:
    if not inputs.switched:
        return "no relay switches a line between the nodes"
    line = fresh(inputs.seen.line, now, LINE_MAX_AGE)
    if isinstance(line, Unknown) or line.value is Line.UNVERIFIABLE:
        return f"nobody can say where the line is ({doubted_because(line)})"
    if inputs.relay_watchdog and arrived(line):
        return "the relay's own watchdog may have taken the line from a node that only stands still"
    if inputs.node is Node.PRIMARY:
        return "this node was not granted the line, so the line tells it nothing"
    return "the line has not come here"


def _why_not_cut(asked: PeerQuestion, inputs: GoneInputs, now: float) -> str:
    """Return why HAFENCE is not to be used now, as a clause; "" when it may be."""
    seen = inputs.seen
    alive = seen.peer.alive
    failed = inputs.cut_failed_at
    whys = {
        "HAFENCE is blank": not inputs.policy.set_up,
        "HAFENCE cuts no power under maintenance": seen.maintenance,
        "HAFENCE cuts no power during a drill": inputs.drilling,
        "it may live": not isinstance(alive, Known)
        or (alive.value and (asked.silent or not _disowned(inputs))),
        "this node does not know that it reaches the LAN": not is_known(seen.lan, True),
        "telephones find an Asterisk at the cluster address": is_known(seen.calls, True),
        inputs.cut_says: failed is not None and now - failed < FENCE_PAUSE,
    }
    return next((why for why, holds in whys.items() if holds), "")


def _disowned(inputs: GoneInputs) -> bool:
    peer = inputs.seen.peer
    return is_known(peer.granted, False) and is_known(peer.serves, False)
