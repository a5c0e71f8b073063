"""The way of a running pair from one cluster engine to the other: what may be in the way, and who does what next.

Two engines cannot share a pair: each of them alone would give service to a node. So the nodes change one after the
other, and each does its part by a note on its own disk (`EngineChange`), whoever is killed meanwhile:

1. The secondary, which stands by, *leads*: it ends its engine, makes the files of the new one, and waits, with both
   off. The primary serves on, alone, under the old one.
2. The secondary asks the primary to change too. The primary ends its engine, which ends service, starts the new one,
   and serves under it; by itself, from the moment at which it has noted the order. When the new one cannot be started
   there, it goes back to the old one, also by itself.
3. The secondary starts the engine that the primary runs by then.

So the secondary's engine is off from before the first moment at which the primary's is no longer the old one, and goes
on only when the primary says under which it serves. That is what keeps both from serving at once. It costs an outage,
from the end of the old engine on the primary until the new one has started Asterisk there.

The secondary decides by what the primary says now, never by how far it believes to have come: `next_step`. It gives the
order once. A primary that says after the order that it is under the old engine, and changes nothing, has gone back or
has never got it; both ways the secondary goes back too.

What is late or told wrongly: an order is taken only when the secondary, asked back by the primary, says that it is
still meant (`order_stands`). One that the secondary has given up is refused by its number.

A primary that cannot be asked may be dead, so the secondary may have to go on *alone*. Two things keep it from doing so
under another engine than a primary that comes back:

- Under which engine: the new one only when the primary is known to have noted the order (not `unsure`), because such a
  primary asks before it serves. A primary that never got the order starts the old one at boot and asks nobody.
- Each node says what it is about to do before it looks at the other: the secondary notes that it begins `alone`, and
  then asks the primary once more over every path; the primary's change is under way on its disk when it asks the
  secondary. So whichever looks last sees the other. The secondary gives way to a primary that answers, and the primary
  to a secondary that is beginning alone. Each begins alone only when nobody answers at the cluster address either.

A change is not over for a node before the other one has said that it runs the same engine (`settled`). A node that is
off for weeks is asked ever more seldom, at least each `ASKED_SELDOM` seconds, and at once when the engine hears it.
Until it has said so a boot goes back to asking (`reopened`), since init starts the engine that was right before. When
each node has gone on alone while no path between them worked at all, both may serve, as after any split
(docs/adr/0025): the line is with the primary then, unless it has let go. When they hear each other again, the one that
does not serve follows (`agreement`); when both or neither do, the secondary does, because the relay obeys the primary
alone.

That an engine runs says nothing by itself. After a boot init may have started it, so the node ends it and begins with
the question again. On a node whose change is not over it may be half started: Corosync without Pacemaker.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.core.errors import UserError
from appliance.core.model import Node
from appliance.core.roles import Role

if TYPE_CHECKING:
    from appliance.core.bound import BoundInputs

TITLES = {"heartbeat": "Heartbeat", "pacemaker": "Pacemaker"}
"""The engines by their value of HAENGINE."""

ENGINE_CHANGES = 15.0
"""Seconds at most for the old engine's end on a node that has let go, and for the new one's start."""

_NO_BOOT = "-"  # what no boot is named

UNREACHED = 10.0
"""Seconds for which a primary that was not ordered to change may be out of reach before the secondary goes back."""

ASKED_AGAIN = 5.0
"""Seconds until a node whose change is over asks the other one again which engine it runs, the first time."""

ASKED_SELDOM = 60.0
"""Seconds between two such questions at most, however long the other node is off."""


def ask_later(pause: float) -> float:
    """Return the seconds until the next question, when the last one came after `pause` and settled nothing."""
    return min(2 * pause, ASKED_SELDOM)


def known_engine(word: str) -> str:
    """Return `word`, a value of HAENGINE that names an engine. Raises UserError."""
    if word not in TITLES:
        raise UserError(f"There is no such engine. There are: {', '.join(TITLES)}.")
    return word


@dataclass(frozen=True, slots=True)
class EngineChange:
    """The note of a change on one node. `to` and `back`: the engines, as values of HAENGINE.

    `leads`: this node is the secondary that leads it. `ordered`: it has ordered the primary to change, and `unsure`: it
    does not know whether the primary has got that. `alone`: it is about to start its engine without a word of the
    primary. `number`: the change's own, the same on both nodes. `boot` and `began` say when it began: which boot, and
    epoch seconds; of one that is over, `boot` is the one in which it ended. `over`: nothing is left to do. `settled`:
    the other node has said since that it runs the same engine. `says`: how it ended, or why it goes back.
    """

    to: str
    back: str
    number: str
    leads: bool = False
    ordered: bool = False
    boot: str = ""
    began: float = 0.0
    by: str = ""
    over: bool = False
    says: str = ""
    unsure: bool = False
    alone: bool = False
    settled: bool = False

    def ordering(self) -> EngineChange:
        """Return the change as one that the primary is ordered to take part in."""
        return replace(self, ordered=True, unsure=True)

    def heeded(self) -> EngineChange:
        """Return the change as one of which the primary knows."""
        return replace(self, unsure=False)

    def beginning_alone(self, alone: bool) -> EngineChange:
        """Return the change as one in which the secondary is about to start its engine without the primary, or not."""
        return replace(self, alone=alone)

    def following(self, to: str) -> EngineChange:
        """Return the same change, on its way to the engine `to` that the other node runs."""
        return replace(
            self, to=to, boot=_NO_BOOT, says="", ordered=True, unsure=False, alone=False, over=False
        )

    def returning(self, why: str) -> EngineChange:
        """Return the same change on its way back because of `why`."""
        return replace(self, to=self.back, ordered=True, alone=False, says=why)

    def ended(self, says: str, boot: str) -> EngineChange:
        """Return the change as one that is over since this `boot`."""
        return replace(self, over=True, says=says, boot=boot, unsure=False, alone=False)

    def reopened(self, engine: str) -> EngineChange:
        """Return the change as one that asks again which engine runs, from a node that has `engine` since then.

        There is no other way back from it, and where the other node is by now is not known.
        """
        why = "this node has booted before both had said which engine they run"
        return replace(
            self, to=engine, back=engine, boot=_NO_BOOT, says=why, ordered=True, unsure=True, over=False
        )

    @property
    def goes_back(self) -> bool:
        """True when it is on its way to the engine from which it came."""
        return self.to == self.back


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What a node says of its engines before and during a change. Engines are named by their value of HAENGINE.

    `engine`: the one that its agent works with, and `running` the one that runs, "" for none. `versions`: by engine, of
    those that are installed. `at_boot`: those that init starts. `hindrances`: what is in the way of the engine that was
    asked for, here. `secret`: a fingerprint of that engine's secret, "" when there is none yet. `calls`: how many are
    up, None when that is not known or this node does not serve. `change`: the last one, and
    `trouble` what holds it up.
    """

    node: str
    name: str
    version: str
    engine: str
    running: str
    role: str
    fit: bool = False
    peer_alive: bool | None = None
    maintenance: bool = False
    versions: tuple[str, ...] = ()
    at_boot: tuple[str, ...] = ()
    hindrances: tuple[str, ...] = ()
    secret: str = ""
    calls: int | None = None
    change: EngineChange | None = None
    trouble: str = ""

    @property
    def changes(self) -> bool:
        """True while a change is under way there."""
        return self.change is not None and not self.change.over


def hindrances(secondary: EngineReport, primary: EngineReport, to: str) -> tuple[str, ...]:
    """Return what is in the way of a change of the pair to `to`; both were asked for that engine."""
    return tuple(_of_pair(secondary, primary, to))


def _of_pair(secondary: EngineReport, primary: EngineReport, to: str) -> Iterator[str]:
    for one in (primary, secondary):
        yield from (f"{one.name}: {hindrance}" for hindrance in of_node(one, to))
        if one.running == one.engine and one.peer_alive is not True:
            yield f"{one.name}: {TITLES[one.engine]} does not hear the other node there"
    if primary.version != secondary.version:
        yield f"asha is {primary.version} on {primary.name} and {secondary.version} on {secondary.name}"
    if primary.versions != secondary.versions and not (primary.hindrances or secondary.hindrances):
        yield (
            f"the engines are {', '.join(primary.versions)} on {primary.name}, and {', '.join(secondary.versions)} on "
            f"{secondary.name}"
        )
    if primary.secret and secondary.secret and primary.secret != secondary.secret:
        yield (
            f"the nodes have different secrets for {TITLES[to]}: remove the secondary's, it is then brought from the "
            "primary"
        )
    if primary.engine != secondary.engine:
        yield f"{primary.name} works with {TITLES[primary.engine]}, {secondary.name} with {TITLES[secondary.engine]}"


def of_node(report: EngineReport, to: str) -> Iterator[str]:
    """Yield what is in the way of a change of this node to `to`."""
    yield from report.hindrances
    if report.changes:
        yield "a change of the engine is under way there"
    if report.running != report.engine:
        yield f"{TITLES[report.engine]} does not run ('asha ha start')"
    elif report.engine == to:
        yield f"it runs {TITLES[to]} already"
    if report.maintenance:
        yield "somebody works there (maintenance)"
    if report.node == Node.PRIMARY.value:
        yield from _of_primary(report)
    elif report.role != Role.STANDBY.value or not report.fit:
        yield f"it is not a standby that is ready (it is {report.role}{'' if report.fit else ', not fit'})"


def _of_primary(report: EngineReport) -> Iterator[str]:
    if report.role != Role.ACTIVE.value:
        yield f"it does not serve (it is {report.role}); a change begins with service on the primary: 'asha failback'"
    elif report.calls is None:
        yield "it is not known whether calls are up"
    elif report.calls:
        yield f"calls are up ({report.calls}), and the change would end them"


def outage(site: BoundInputs) -> float:
    """Return for how long nobody serves at the most, in seconds, while both nodes do their part.

    Letting go and serving again take no longer than a planned move to the primary. Between them lie the end of the old
    engine and the new one's start.
    """
    from appliance.core.bound import bound_of  # noqa: PLC0415 - 'asha engine status' needs no bounds

    return bound_of(site, "standby", Node.PRIMARY).whole + ENGINE_CHANGES


def patience(site: BoundInputs) -> float:
    """Return the seconds after which a primary that was ordered to change has come to its end, one way or the other.

    A primary that is alone waits for the secondary, for HAINITDEAD, before it serves.
    """
    return outage(site) + site.timing.initdead


def plan(
    secondary: EngineReport, primary: EngineReport, to: str, *, seconds: float, alone: float
) -> tuple[str, ...]:
    """Return what will be done, on which node, in its order.

    `seconds`: the outage, at the most. `alone`: how much longer it is when the secondary does not come up (HAINITDEAD).
    """
    was, new = TITLES[primary.engine], TITLES[to]
    boot = "init starts it at boot instead" if primary.at_boot else "init starts neither at boot, as before"
    return (
        f"{secondary.name}: {was} is stopped, HAENGINE={to} set, {new}'s files written and {was}'s taken away; "
        f"{primary.name} serves on, without a standby",
        f"{primary.name}: {was} is stopped: nobody serves from here on, and calls end",
        f"{primary.name}: HAENGINE={to} is set, {new}'s files written and {was}'s taken away ({boot}); {new} is "
        "started, and this node serves again",
        f"{secondary.name}: {new} is started, and this node is on standby",
        f"nobody serves for at most {seconds:g} s, and for HAINITDEAD ({alone:g} s) longer if {secondary.name} "
        f"does not come up; if {new} cannot be started on {primary.name}, the pair goes back to {was}, which takes as "
        "long again",
    )


class NextStep(enum.Enum):
    """What the leading secondary, whose engines are off, does next."""

    ORDER = "order the primary to change"
    WAIT = "wait for the primary"
    START = "start the engine"
    FOLLOW = "change to the engine that the other node runs"
    GO_BACK = "go back to the old engine"
    ALONE = "start the engine without a word of the other node, unless it has the cluster address"
    SETTLED = "nothing: both run the same engine"


def next_step(
    change: EngineChange, primary: EngineReport | None, *, unreached: float, patience: float, boot: str
) -> NextStep:
    """Return what the secondary does now, ready to start `change.to`.

    Args:
        change: Its note.
        primary: What the primary says now; None when it cannot be asked.
        unreached: For how long it could not be asked, in seconds.
        patience: The longest that a change may take, in seconds.
        boot: This boot of the secondary.
    """
    if change.goes_back:
        return _on_the_way_back(change, primary, unreached)
    if primary is None:
        return _out_of_reach(change, unreached, patience)
    if primary.changes:  # what runs there may be half started, and about to be left
        return NextStep.WAIT
    if primary.running == change.to:
        return NextStep.START
    fresh = not change.ordered and change.boot == boot and primary.running == change.back
    return NextStep.ORDER if fresh else NextStep.GO_BACK


def _on_the_way_back(change: EngineChange, primary: EngineReport | None, unreached: float) -> NextStep:
    if primary is None:
        # One that is sure to know of the way back was last heard of under the old engine, and cannot have left that
        # since.
        start = NextStep.ALONE if change.unsure else NextStep.START
        return start if unreached >= UNREACHED else NextStep.WAIT
    if primary.changes:
        return NextStep.WAIT
    return NextStep.START if primary.running in ("", change.to) else NextStep.FOLLOW


def _out_of_reach(change: EngineChange, unreached: float, patience: float) -> NextStep:
    if not change.ordered:
        return NextStep.GO_BACK if unreached >= UNREACHED else NextStep.WAIT
    if unreached < patience:
        return NextStep.WAIT
    return NextStep.GO_BACK if change.unsure else NextStep.ALONE


def order_stands(secondary: EngineReport, to: str, number: str) -> bool:
    """Tell whether the secondary means an order to change to `to` that has come to the primary, by its own words."""
    change = secondary.change
    return (
        change is not None
        and secondary.changes
        and (change.number, change.to) == (number, to)
        and change.leads
        and change.ordered
        and not secondary.running
    )


def step_of_primary(change: EngineChange, secondary: EngineReport) -> NextStep:
    """Return what the primary does, ready to start `change.to`, when the secondary may have gone on without it.

    It may have while the primary's machine was off, or when the primary is on its way back. A secondary whose change is
    not over may have started its engine in part only, or be about to start it alone: it either completes that, or ends
    it.
    """
    other = secondary.change
    if secondary.running == change.to:
        return NextStep.START
    if secondary.running:
        return NextStep.WAIT if secondary.changes else NextStep.FOLLOW
    if other is None or other.over:
        return NextStep.START
    if other.alone and other.to != change.to:
        return NextStep.WAIT
    returns = other.goes_back and other.to != change.to and not change.goes_back
    return NextStep.GO_BACK if returns else NextStep.START


def agreement(own: EngineReport, other: EngineReport) -> NextStep:
    """Return what a node does whose change is over, by what the other one says: SETTLED, FOLLOW or WAIT.

    Both may have gone on alone, each under its own engine, while no path between them worked.
    """
    if other.changes or not other.running:
        return NextStep.WAIT
    if other.running == own.engine:
        return NextStep.SETTLED
    if not own.running:
        return NextStep.WAIT
    serves, other_serves = (report.role == Role.ACTIVE.value for report in (own, other))
    follows = other_serves if serves != other_serves else own.node == Node.SECONDARY.value
    return NextStep.FOLLOW if follows else NextStep.WAIT
