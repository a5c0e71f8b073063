"""The interface of everything that the benchmark compares, and the faults that each contender meets."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hwsim.demo.scenario import ScenarioFailed
from hwsim.rack import Rack
from hwsim.site import Site


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a contender that costs something: its processes on each node, each with all that it has started.

    `processes` are patterns of command lines, of those that were started first. What matches one of `without` does not
    count though they have started it: Asterisk, and what stands in for a piece of the kernel.
    """

    name: str
    processes: tuple[str, ...]
    without: tuple[str, ...] = ()


class Contender(Protocol):
    """A way to make two servers one; `note` tells readers of the figures how it was set up."""

    @property
    def name(self) -> str: ...

    @property
    def note(self) -> str: ...

    @property
    def site(self) -> Site:
        """The rack that it needs."""

    @property
    def period(self) -> float:
        """The seconds of its own beat (poll, advert, keepalive), over which faults are spread evenly."""

    @property
    def rest(self) -> float:
        """The seconds after a move of the relay from which on that move has no effect any more."""

    @property
    def parts(self) -> Sequence[Part]:
        """Its parts, whose use of processor and memory is measured."""

    @property
    def packages(self) -> Sequence[str]:
        """Debian's packages that have to be installed for it."""

    async def bring_up(self, rack: Rack) -> None:
        """Bring the pair up on a fresh rack: the primary serves, the secondary is ready.

        Raises ScenarioFailed or RackError.
        """

    async def settled(self, rack: Rack, active: str) -> None:
        """Wait until the other node than `active`, which serves, stands by and would take over.

        What an operator must do for that after a fault is done first. Raises ScenarioFailed or RackError.
        """

    async def hand_over(self, rack: Rack, side: str) -> float:
        """Have `side` hand service over as an operator would; return the monotonic time at which it was asked.

        Raises ScenarioFailed or RackError.
        """

    async def fail_back(self, rack: Rack) -> float:
        """Have service return from the secondary to the primary as an operator would; return when it was asked.

        Raises ScenarioFailed or RackError.
        """


async def bring_home(contender: Contender, rack: Rack, part: float = 0.0) -> None:
    """Bring `contender` up on a fresh rack and wait as `ready` does. Raises ScenarioFailed or RackError."""
    await contender.bring_up(rack)
    await ready(contender, rack)
    await rack.pause(contender.period * part)


async def ready(contender: Contender, rack: Rack) -> None:
    """Wait until the primary serves, the secondary is ready, and no move before has any effect any more."""
    await contender.settled(rack, "primary")
    moves = [one.at for one in rack.history.happenings if one.kind == "relay"]
    await rack.pause(max(0.0, moves[-1] + contender.rest - rack.now()) if moves else 0.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault; `strike` applies it to the primary and returns the monotonic time."""

    name: str
    title: str
    strike: Callable[[Rack], float]


FAULTS: tuple[Fault, ...] = (
    Fault(
        "asterisk-killed",
        "Asterisk is killed (SIGKILL)",
        lambda rack: rack.kill_asterisk("primary", signal.SIGKILL),
    ),
    Fault("power-cut", "the primary loses power", lambda rack: rack.power_off("primary")),
)


async def served_by(rack: Rack, side: str, since: float, deadline: float) -> None:
    """Wait until `side` serves, as it has answered after `since` (see `Rack.serves`).

    Everything is seen from outside, alike for all contenders.
    Raises ScenarioFailed at the deadline.
    """

    def served() -> bool:
        return rack.serves(side, since)

    if not await rack.history.wait(served, deadline):
        raise ScenarioFailed(f"within {deadline:g} s the {side} did not come into service")
