"""The interface of everything that the benchmark compares, and the faults that each contender meets."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hwsim.demo.scenario import ScenarioFailed
from hwsim.rack import Rack


class Contender(Protocol):
    """A way to make two servers one; `note` tells readers of the figures how it was set up."""

    @property
    def name(self) -> str: ...

    @property
    def note(self) -> str: ...

    async def home(self, rack: Rack, part: float) -> None:
        """Bring up the pair on a fresh rack: primary active, line in service, secondary ready.

        `part`, 0 to 1, is how far into the contender's own period (poll, advert, keepalive) the coming fault
        shall fall: a rack is built in nearly the same time every time, and would otherwise meet the same luck
        in every run. Raises ScenarioFailed or RackError.
        """


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
    """Wait until `side` serves: its line is in service and Asterisk there answered after `since`.

    Asterisk must answer on the cluster address. Everything is seen from outside, alike for all contenders.
    Raises ScenarioFailed at the deadline.
    """

    def served() -> bool:
        return rack.in_service(side) and rack.first_answer("sip", side, since) is not None

    if not await rack.history.wait(served, deadline):
        raise ScenarioFailed(f"within {deadline:g} s the {side} did not come into service")
