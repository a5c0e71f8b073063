"""A drill: service is handed to the secondary and brought back, on purpose, and each phase is held against its bound.

A failover that nobody has tried is a hope. A drill is the planned hand-over of every day (`asha standby`, then the way
back of HAAUTOFAILBACK), so it asks for nothing that the pair does not do anyway; what it adds is the comparison with
`core/bound.py`. When it may be held and what its times mean is decided here; `agent/components/drill.py`
carries it out.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from appliance.core.bound import Bound, BoundPhase
from appliance.core.decide import MOVES_WINDOW
from appliance.core.journal_entry import DrillEntry, JournalEntry, PhaseEntry, TransferEntry
from appliance.core.model import Node
from appliance.core.reading import Known, Reading, is_known
from appliance.core.roles import Role
from appliance.core.transfer import Goal, Phase

# For so many minutes from its time on, a scheduled drill waits for a quiet moment.
WINDOW = 60


class Outcome(enum.Enum):
    """What became of a drill."""

    BEGUN = "begun"
    WITHIN = "within its bound"
    MISSED = "missed its bound"
    STOPPED = "stopped"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class DrillFacts:
    """What decides whether a drill may be held now.

    `refusal`: why 'asha standby' is not possible now, with the data in mind; "" when it is. `old_there`: that the
    standby's data are old; "" when they are not. `calls`: how many calls are up. `moved_ago`: seconds since service
    came here. `handed_over_ago`: seconds since this node handed it over before.
    """

    node: Node
    role: Role
    refusal: str
    old_there: str
    peer_fit: Reading[bool]
    maintenance: bool
    peer_maintenance: Reading[bool]
    calls: Reading[int]
    moved_ago: float
    handed_over_ago: float


def why_no_drill(facts: DrillFacts, least_rest: float) -> str:
    """Return why no drill is held now; "" when one may be. `least_rest`: seconds without a move before it."""
    return next(_reasons(facts, least_rest), "")


def _reasons(facts: DrillFacts, least_rest: float) -> Iterator[str]:
    if facts.node is not Node.PRIMARY:
        yield "a drill begins on the primary, which has the service in the end"
    if facts.role is not Role.ACTIVE:
        yield f"the line is not in service here (this node is {facts.role.value})"
    if facts.maintenance or is_known(facts.peer_maintenance, True):
        yield "somebody works on the pair (maintenance)"
    if facts.refusal:
        yield facts.refusal
    if not is_known(facts.peer_fit, True):
        yield "the standby is not known to be ready"
    if facts.old_there:
        yield f"the standby is not ready: {facts.old_there}"
    if facts.moved_ago < least_rest:
        yield f"service has moved {facts.moved_ago:.0f} s ago; a drill waits until {least_rest:.0f} s have passed"
    if facts.handed_over_ago < MOVES_WINDOW:
        minutes = MOVES_WINDOW / 60
        yield f"this node has handed over within the last {minutes:.0f} minutes, so that a fault now would wait"
    if not isinstance(facts.calls, Known):
        yield f"it is not known whether calls are up: {facts.calls.reason}"
    elif facts.calls.value:
        yield f"calls are up ({facts.calls.value}), and a drill would end them"


# -- what was measured ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DrillStep:
    """One phase of one way: how long it took, and how long it may take at the most; seconds."""

    to: str
    phase: str
    seconds: float
    bound: float

    @property
    def within(self) -> bool:
        """True when it was not slower than its bound."""
        return self.seconds <= self.bound

    def __str__(self) -> str:
        verdict = "" if self.within else ", TOO SLOW"
        return f"to the {self.to}: {self.phase} after {self.seconds:.2f} s (bound {self.bound:g} s{verdict})"


def steps_there(bound: Bound, let_go: float, granted: float, served: float) -> tuple[DrillStep, ...]:
    """Return the phases of the way to the secondary; the times are seconds since the hand-over was asked for."""
    releases = bound.of(BoundPhase.DECIDE) + bound.of(BoundPhase.LET_GO)
    moves = releases + bound.of(BoundPhase.ENGINE)
    return (
        DrillStep(bound.to, "let go", let_go, releases),
        DrillStep(bound.to, "granted", granted, moves),
        DrillStep(bound.to, "in service", served, bound.whole),
    )


def steps_back(bound: Bound, granted: float, served: float) -> tuple[DrillStep, ...]:
    """Return the phases of the way back; the times are seconds since Heartbeat was asked for it."""
    moves = sum(bound.of(phase) for phase in (BoundPhase.DECIDE, BoundPhase.ENGINE, BoundPhase.LET_GO))
    return (
        DrillStep(bound.to, "granted", granted, moves),
        DrillStep(bound.to, "in service", served, bound.whole),
    )


def reached(entries: Iterable[JournalEntry], goal: Goal, *phases: Phase) -> float | None:
    """Return when the first of `phases` of a transfer was reached, by the journal's monotonic time; None if not yet."""
    names = {phase.value for phase in phases}
    for entry in entries:
        match entry.detail:
            case PhaseEntry(goal=goal.value, phase=phase) if phase in names:
                return entry.at
    return None


def begun(entries: Iterable[JournalEntry], goal: Goal) -> float | None:
    """Return when a transfer with this goal began, by the journal's monotonic time; None if not yet."""
    for entry in entries:
        match entry.detail:
            case TransferEntry(goal=goal.value):
                return entry.at
    return None


def verdict(steps: Sequence[DrillStep]) -> tuple[Outcome, str]:
    """Return what became of a drill that went both ways, and the sentence for people."""
    slow = [str(step) for step in steps if not step.within]
    times = " and ".join(
        f"to the {step.to} {step.seconds:.1f} s" for step in steps if step.phase == "in service"
    )
    if slow:
        return Outcome.MISSED, f"service moved {times}, and not within the bound: {'; '.join(slow)}"
    return Outcome.WITHIN, f"service moved {times}, each phase within its bound"


# -- what is kept of it --------------------------------------------------------------------------------------

# The kind of journal entries that past drills are made from.
KINDS = frozenset({"drill"})


@dataclass(frozen=True, slots=True)
class PastDrill:
    """A drill as the journal tells it; `at` is seconds since the epoch."""

    at: float
    outcome: str = ""
    says: str = ""
    by: str = ""
    steps: tuple[str, ...] = ()


def past_drills(entries: Iterable[JournalEntry]) -> Iterator[PastDrill]:
    """Yield what `entries` say of drills, in their order."""
    for entry in entries:
        match entry.detail:
            case DrillEntry() as drill:
                steps = tuple(str(step) for step in drill.steps)
                yield PastDrill(entry.wall, drill.outcome, drill.says, drill.by, steps)
