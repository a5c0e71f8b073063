"""What the benchmark asks of everything it compares, and the faults that each of them meets."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hwsim.demo.scenario import ScenarioFailed
from hwsim.rack import Rack


class Contender(Protocol):
    """A way to make two servers one. `note`: how it was set up, for whoever reads the figures."""

    @property
    def name(self) -> str: ...

    @property
    def note(self) -> str: ...

    async def home(self, rack: Rack, part: float) -> None:
        """Bring up the pair on a fresh rack: primary active, line in service, secondary ready.

        `part`, 0 to 1, is how far into its own period (poll, advert, keepalive) the coming fault shall fall: a
        rack is built in nearly the same time every time, and would else meet the same luck in every run.
        Raises ScenarioFailed or RackError.
        """


@dataclass(frozen=True, slots=True)
class Fault:
    """`strike` does it to the primary and returns the monotonic time."""

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
    """Until the line is in service on `side` and Asterisk there has answered on the cluster address after `since`.

    Seen from outside, alike for all. Raises ScenarioFailed at the deadline.
    """

    def served() -> bool:
        return rack.in_service(side) and rack.first_answer("sip", side, since) is not None

    if not await rack.history.wait(served, deadline):
        raise ScenarioFailed(f"within {deadline:g} s the {side} did not come into service")
