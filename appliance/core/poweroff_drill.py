"""What was seen of the relay when the primary was switched off, and the drill that finds it out.

Many machines keep 5 V on USB after they are off, so a relay that nobody releases stays energised and keeps the line. No
software sees that: the drill (`asha relay test --poweroff`) energises the relay, a person switches the machine off and
looks, and says after the boot what was seen. Which way the machine was switched off decides what that means: asha's
service releases the relay before a shutdown, and only a machine that ends without it shows what the power does.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace


class Way(enum.StrEnum):
    """How the machine is switched off in a drill."""

    POWEROFF = "poweroff"
    BUTTON = "button"
    HANG = "hang"


class Sight(enum.StrEnum):
    """What a person says of the relay after a drill."""

    FELL = "fell"
    STAYED = "stayed"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class DrillResult:
    """`fell`: the relay let go. `at`: when that was noted, in epoch seconds."""

    fell: bool
    at: float


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A drill whose answer is missing. `way`: a `Way`; `began`: epoch seconds; `boot`: in which boot that was."""

    way: str
    began: float
    boot: str


@dataclass(frozen=True, slots=True)
class PoweroffDrills:
    """All that is noted of the relay whose RELAYDRIVER is `relay`: see `relay_name`."""

    relay: str = ""
    under_way: UnderWay | None = None
    poweroff: DrillResult | None = None
    button: DrillResult | None = None
    hang: DrillResult | None = None

    def of(self, relay: str) -> PoweroffDrills:
        """Return what is noted of `relay`; nothing when it was another one."""
        return self if self.relay == relay else PoweroffDrills(relay)

    def result(self, way: Way) -> DrillResult | None:
        """Return what the last drill of this `way` has shown."""
        return {Way.POWEROFF: self.poweroff, Way.BUTTON: self.button, Way.HANG: self.hang}[way]

    def begun(self, way: Way, wall: float, boot: str) -> PoweroffDrills:
        """Return the notes with a drill under way from `wall` (epoch seconds) on."""
        return replace(self, under_way=UnderWay(way.value, wall, boot))

    def ended(self) -> PoweroffDrills:
        """Return the notes without the drill that is under way: it has shown nothing."""
        return replace(self, under_way=None)

    def answered(self, sight: Sight, wall: float) -> PoweroffDrills:
        """Return the notes with what was seen, at `wall` (epoch seconds), of the drill under way."""
        under_way, ended = self.under_way, self.ended()
        if under_way is None or sight is Sight.UNSURE:
            return ended
        found = DrillResult(sight is Sight.FELL, wall)
        match Way(under_way.way):
            case Way.POWEROFF:
                return replace(ended, poweroff=found)
            case Way.BUTTON:
                return replace(ended, button=found)
            case Way.HANG:
                return replace(ended, hang=found)


def relay_name(driver: str) -> str:
    """Return the name under which the relay of RELAYDRIVER `driver` is noted; "" is the Rhino card."""
    return driver or "rhino"


def is_over(under_way: UnderWay, boot: str) -> bool:
    """Tell whether the machine has been off since the drill began: it is in another boot now."""
    return under_way.boot != boot


def instructions(way: Way, force: str) -> tuple[str, ...]:
    """Return what a person is to do now, and what is right.

    Args:
        way: How the machine is to be switched off.
        force: The command that switches this machine off at once, without ending its services.
    """
    how, means = {
        Way.POWEROFF: (
            "Type 'poweroff' in another terminal.",
            "asha's service releases the relay on the way down. This tries that release, and not the board's power.",
        ),
        Way.BUTTON: (
            f"Type 'sync; {force}' in another terminal, or hold the power button until the machine is off. Leave its "
            "mains plugged in.",
            "Nothing of asha's releases the relay then: whether it falls is up to what power its socket keeps.",
        ),
        Way.HANG: (
            "Type 'sync; echo c >/proc/sysrq-trigger' in another terminal: it stands still, or boots again.",
            "The relay keeps its power until the machine has none, unless the relay or the machine has a watchdog.",
        ),
    }[way]
    return (
        how,
        means,
        "Watch the board's LED of the relay, and listen. Right is: the LED is out, it has clicked, and the line is at "
        "the secondary (normally closed).",
        "Then switch the machine on and give this command again: it asks what you saw.",
    )
