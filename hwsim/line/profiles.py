"""The behaviour in time of each span driver and of Q.921.

Source: docs/facts/pri-timing.md; *assumed* where that page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Delay:
    """A delay in seconds: its typical value, and the bounds between which it was seen or may lie."""

    typical: float
    least: float
    most: float

    def pick(self, chance: Random | None) -> float:
        """Return the typical value, or, given `chance`, one within the bounds and most often near it."""
        return self.typical if chance is None else chance.triangular(self.least, self.most, self.typical)


NEVER = Delay(0.0, 0.0, 0.0)
# The framer finds its frame this long after the relay has closed (*assumed*).
_REFRAME = Delay(0.050, 0.010, 0.100)
# DAHDI_ALARMSETTLE_TIME: RED or BLUE gone → RECOVERING is held this long; a relapse restarts it.
_SETTLE = Delay(5.0, 5.0, 5.1)
# wct4xxp's module defaults: losalarmdebounce, aisalarmdebounce 2500 ms, yelalarmdebounce 500 ms.
_DEBOUNCE = Delay(2.5, 2.5, 2.6)
_YELLOW_DEBOUNCE = Delay(0.5, 0.5, 0.6)


@dataclass(frozen=True, slots=True)
class Profile:
    """The timing of one driver.

    `loss_to_red`: signal lost → RED. `ais_to_blue`, `rai_to_yellow`: AIS, RAI received → BLUE, YELLOW.
    `settle` is NEVER for drivers that hold no RECOVERING. `alarms`: the driver raises alarms at all.
    `digital`: the line has a D-channel.
    """

    name: str
    loss_to_red: Delay
    reframe: Delay = _REFRAME
    settle: Delay = _SETTLE
    ais_to_blue: Delay = NEVER
    rai_to_yellow: Delay = NEVER
    alarms: bool = True
    digital: bool = True


_ALL = (
    # No debounce, polled every 64 interrupts. BLUE and YELLOW are seen by the same poll (assumed).
    Profile(
        "r1t1",
        loss_to_red=Delay(0.032, 0.0, 0.064),
        ais_to_blue=Delay(0.032, 0.0, 0.064),
        rai_to_yellow=Delay(0.032, 0.0, 0.064),
    ),
    # Interrupt driven: "few" milliseconds at most, 5 (assumed). BLUE and YELLOW the same (assumed).
    Profile(
        "rxt1",
        loss_to_red=Delay(0.001, 0.0, 0.005),
        ais_to_blue=Delay(0.001, 0.0, 0.005),
        rai_to_yellow=Delay(0.001, 0.0, 0.005),
    ),
    Profile("wct4xxp", loss_to_red=_DEBOUNCE, ais_to_blue=_DEBOUNCE, rai_to_yellow=_YELLOW_DEBOUNCE),
    # TDMoE: RED on silence, no settle. It clears with the first packet; after a pulled cable that takes up to 2.0 s.
    Profile("dynamic", loss_to_red=Delay(1.5, 1.0, 2.0), reframe=Delay(1.5, 0.0, 2.0), settle=NEVER),
    # Rhino's analog driver never raises an alarm; only hook and ring bits change.
    Profile("rcbfx", loss_to_red=NEVER, reframe=NEVER, settle=NEVER, alarms=False, digital=False),
)
PROFILES: Mapping[str, Profile] = MappingProxyType({profile.name: profile for profile in _ALL})


@dataclass(frozen=True, slots=True)
class Q921:
    """The timing of Q.921 in seconds, as libpri plays it.

    Source: docs/facts/pri-timing.md, measured with real libpri.
    """

    t200: float = 1.0
    tries: int = 4  # N200 = 3 repeats: SABME at t = 0, 1, 2, 3, then a gap, 5, 6, 7 …
    gap: float = 2.0
    # The rest of T203 (10 s) when the line is lost; with four T200 6.9 s in all, 4 to 14.
    rest_of_t203: Delay = Delay(2.9, 0.0, 10.0)
    # For so long an exchange answers no SABME while it believes in an old link: T203 and four T200.
    believes: float = 14.0
    # SABME on a good line → up: the answer and its way, small against T200 (assumed).
    handshake: float = 0.05

    def last_poll(self, chance: Random | None) -> float:
        """Return the delay from the loss of layer 1 until the last poll; one T200 later the D-channel is down."""
        return self.rest_of_t203.pick(chance) + (self.tries - 1) * self.t200
