"""What is played in the lab: a call, the line moved to the other node and back with a call at each, and a cut.

Each figure is in seconds. What a node's reader said counts as that node's view of the line: "clear" or "absent".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from hwsim.dahdi_lab.lab import Lab
from hwsim.dahdi_lab.machine import Machine, Said
from hwsim.dahdi_lab.relay import EXCHANGE, NODES

_BOOT, _CHANGE, _NOTICED = 120.0, 30.0, 40.0  # seconds to wait at most, on a machine with much else to do
_REST = 1.0  # seconds in which a hung up call is over at both ends
_CLEAR, _ABSENT, _UP, _DOWN = "reader clear", "reader absent", "dchannel up", "dchannel down"


@dataclass(slots=True)
class Story:
    """What was measured, in the order in which it was, and who answered each call."""

    figures: dict[str, float] = field(default_factory=dict)
    answered: list[tuple[str, ...]] = field(default_factory=list)

    def table(self) -> str:
        """Return the figures as lines of text."""
        return "\n".join(f"{seconds:8.2f} s  {what}" for what, seconds in self.figures.items())


def play(lab: Lab) -> Story:
    """Play the whole story. Raises LabError when a machine does not say what it has to."""
    story, began = Story(), time.monotonic()
    primary, secondary = (lab.machines[name] for name in NODES)
    _boot(lab, story)
    _call(lab, story, "before the move")
    _move(lab, story, primary, secondary)
    _call(lab, story, "after the move")
    _move(lab, story, secondary, primary)
    _call(lab, story, "after the move back")
    _cut(lab, story)
    story.figures["the whole story, from the start of the machines"] = time.monotonic() - began
    return story


def _boot(lab: Lab, story: Story) -> None:
    """Start with the line at the primary, and wait until its D-channel is up at both ends."""
    lab.move("primary")
    exchange, primary, secondary = (lab.machines[name] for name in (EXCHANGE, *NODES))
    for words, what in (
        ("booted", "start of the machines → the last kernel has booted"),
        ("configured", "start of the machines → the last one has loaded DAHDI and set up its span"),
        ("ready", "start of the machines → libpri has begun on the last one"),
    ):
        story.figures[what] = max(
            machine.wait_for(words, deadline=_BOOT).at - machine.started for machine in lab.machines.values()
        )
    for machine in (exchange, primary):
        machine.wait_for(_UP, deadline=_CHANGE)
    primary.wait_for(_CLEAR, deadline=_CHANGE)
    secondary.wait_for(_ABSENT, deadline=_CHANGE)


def _call(lab: Lab, story: Story, when: str) -> None:
    """Have the exchange call, hear its own voice sent back, and hang up."""
    exchange, since = lab.machines[EXCHANGE], time.monotonic()
    exchange.tell("dial")
    dialled = exchange.wait_for("call dialled", since, _CHANGE)
    answer = exchange.wait_for("call answer", since, _CHANGE)
    heard = exchange.wait_for("call heard", since, _CHANGE)
    story.figures[f"call {when}: dialled → answered"] = answer.at - dialled.at
    story.figures[f"call {when}: answered → voice there and back"] = heard.at - answer.at
    exchange.tell("hang up")
    exchange.wait_for("call hangup", since, _CHANGE)
    time.sleep(_REST)
    story.answered.append(tuple(name for name in NODES if _said(lab.machines[name], "call ring", since)))


def _move(lab: Lab, story: Story, old: Machine, new: Machine) -> None:
    """Move the line, and wait for all that follows, until `old` has noticed that its D-channel is gone."""
    moved = lab.move(new.name)
    for machine, words, what in (
        (new, _CLEAR, "clear there by the product's reader"),
        (new, _UP, "D-channel up there"),
        (old, _ABSENT, "absent at the old node by the product's reader"),
        (old, _DOWN, "D-channel down at the old node"),
    ):
        figure = f"line moved to the {new.name} → {what}"
        story.figures[figure] = machine.wait_for(words, moved, _NOTICED).at - moved


def _cut(lab: Lab, story: Story) -> None:
    """Lead the line nowhere: the exchange and the primary see RED, and the secondary still does."""
    cut = lab.move(None)
    for machine, words in ((lab.machines["primary"], _ABSENT), (lab.machines[EXCHANGE], "span 0x8")):
        said = machine.wait_for(words, cut, _CHANGE)
        story.figures[f"line cut → RED at the {machine.name}"] = said.at - cut


def _said(machine: Machine, words: str, since: float) -> list[Said]:
    return [one for one in machine.said(since) if one.words == words]
