"""What the agent answers on its control socket, as values: the fields are the keys of the JSON.

The status document is a module of its own (`core/status.py`), and so are past transfers
(`core/transfer_history.py`) and entries of the journal (`core/journal_entry.py`). Every other answer is here. The agent
makes them, the command line and the page read them with `ask_as` (`control/answers.py`); a key that is renamed here is
renamed for users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Said:
    """What was done, in a sentence for the operator."""

    says: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A note was taken; there is nothing to say."""


@dataclass(frozen=True, slots=True)
class ScriptVerdict:
    """What became of a `start` or `stop` of the resource script: a value of `core.grant.Verdict`."""

    verdict: str


@dataclass(frozen=True, slots=True)
class LineHeld:
    """Whether the engine is to take this node for one that holds the line."""

    running: bool


@dataclass(frozen=True, slots=True)
class DutyAnswer:
    """What this node is to do for the data now: a value of `core.data_policy.Duty`, why, and if Asterisk serves."""

    duty: str
    why: str = ""
    live: bool = False


# -- the conf file -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfKey:
    """A key of the conf file with its value, as a page shows it. `tab`: the High Availability tab offers it."""

    name: str
    label: str
    group: str
    value: str
    default: str
    example: str
    comment: tuple[str, ...] = ()
    choices: tuple[str, ...] | None = None
    tab: bool = False


@dataclass(frozen=True, slots=True)
class ConfProblem:
    """What is wrong with a value, and what would be right."""

    key: str
    value: str
    want: str


@dataclass(frozen=True, slots=True)
class ConfAnswer:
    """The conf file: its keys in the order of the tab, then of the file, and what is wrong with it."""

    path: str
    keys: tuple[ConfKey, ...]
    problems: tuple[ConfProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfPreview:
    """What a change of the conf file would write, what is wrong with it, and when it would take effect."""

    diff: str
    problems: tuple[ConfProblem, ...] = ()
    restarts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerSaid:
    """Whether the other node did as it was asked, and what it says."""

    ok: bool
    says: str


@dataclass(frozen=True, slots=True)
class ConfSaved:
    """A changed conf file. `peer`: how the same change went on the other node, when that was wanted."""

    says: str
    diff: str = ""
    peer: PeerSaid | None = None


# -- the other node ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OtherNode:
    """The other node, once it was introduced. `proven`: its answer has been seen."""

    name: str
    proven: bool
    says: str


@dataclass(frozen=True, slots=True)
class OwnIntroduction:
    """This node's introduction as text, and the other node, None while it is not known."""

    text: str
    other: OtherNode | None = None


# -- SARK ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SarkSetting:
    """One setting on both sides. `state`: a value of `sark.reconcile.SettingVerdict` in small letters."""

    key: str
    conf: str
    sark: str
    state: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class SarkView:
    """SARK's settings beside the conf file's. `writes`: SARK's database may be written here; `why` it may not."""

    database: str
    settings: tuple[SarkSetting, ...]
    shown: Mapping[str, str] = field(default_factory=_empty)
    problems: tuple[str, ...] = ()
    writes: bool | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class SarkChanges:
    """What a pass between SARK and the conf file has changed, in words, and both sides since."""

    pulled: tuple[str, ...]
    pushed: tuple[str, ...]
    database: str
    settings: tuple[SarkSetting, ...] = ()
    shown: Mapping[str, str] = field(default_factory=_empty)
    problems: tuple[str, ...] = ()


# -- what was counted and measured ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WeekAnswer:
    """A week of points, oldest first, each the worst of the samples in `step` seconds (see `TrendsAnswer`).

    The last point goes to the time of the last sample, and stands for `newest` samples so far.
    """

    step: float = 600.0
    data_age: tuple[float | None, ...] = ()
    probes: Mapping[str, tuple[float | None, ...]] = field(default_factory=_empty)
    newest: int = 0


@dataclass(frozen=True, slots=True)
class TrendsAnswer:
    """A day of samples, `step` seconds apart, oldest first; `end`: when the last was taken, in epoch seconds.

    `data_age` is in seconds, `probes` holds each probe's slowest answer in milliseconds; None is not known. `week`: the
    same further back; None when the agent is of a version that does not keep it.
    """

    step: float
    end: float
    data_age: tuple[float | None, ...] = ()
    probes: Mapping[str, tuple[float | None, ...]] = field(default_factory=_empty)
    line: tuple[str | None, ...] = ()
    week: WeekAnswer | None = None


@dataclass(frozen=True, slots=True)
class HistogramAnswer:
    """A histogram of seconds: how many were not longer than each bound, their sum, and how many there were."""

    buckets: Mapping[str, int] = field(default_factory=_empty)
    sum: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class MetersAnswer:
    """What was counted since `since` (epoch seconds).

    `transfers`: by goal and by how they ended. `phases`: how long each phase took, by goal and phase.
    """

    since: float
    transfers: Mapping[str, Mapping[str, int]] = field(default_factory=_empty)
    phases: Mapping[str, Mapping[str, HistogramAnswer]] = field(default_factory=_empty)
    relay_moves: int = 0
    orders_failed: int = 0
    alerts: int = 0


# -- the relay -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PortShown:
    """A serial port on USB, or a relay board's hidraw node.

    `usb`: "" when not known. `fits`: values of RELAYDRIVER. `ours`: it is the one that the conf file means.
    """

    tty: str
    usb: str
    fits: tuple[str, ...]
    ours: bool


@dataclass(frozen=True, slots=True)
class PortsAnswer:
    """What is plugged in that may be a relay."""

    ports: tuple[PortShown, ...]
