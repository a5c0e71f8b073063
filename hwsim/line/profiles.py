"""How each span driver behaves in time. Source: facts/pri-timing; *assumed* where it says so there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Profile:
    """Seconds. `loss_to_red`: signal lost → RED. `reframe`: signal back → the framer is in step (assumed).

    `settle`: RED gone → RECOVERING is held this long, a relapse restarts it; 0 for drivers that hold none.
    `alarms`: the driver raises alarms at all. `digital`: it has a D-channel.
    """

    name: str
    loss_to_red: float
    reframe: float = 0.050
    settle: float = 5.0
    alarms: bool = True
    digital: bool = True


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile("r1t1", loss_to_red=0.032),
            Profile("rxt1", loss_to_red=0.001),
            Profile("wct4xxp", loss_to_red=2.5),
            Profile("dynamic", loss_to_red=1.5, reframe=1.5, settle=0.0),
            Profile("rcbfx", loss_to_red=0.0, settle=0.0, alarms=False, digital=False),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Q921:
    """Q.921 as libpri plays it. Seconds. Source: facts/pri-timing, measured with real libpri."""

    t200: float = 1.0
    tries: int = 4  # SABME at t = 0, 1, 2, 3, then a gap
    gap: float = 2.0  # after the fourth, before the pattern begins again
    rest_of_t203: float = 2.9  # until a lost link is polled; 6.9 s in all with four T200

    @property
    def notices_loss(self) -> float:
        """Layer 1 lost → the D-channel is reported down."""
        return self.rest_of_t203 + self.tries * self.t200
