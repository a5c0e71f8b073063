"""The targets of the figures. Source: the issues. Medians count, with default timing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.bench.spread import Spread


@dataclass(frozen=True, slots=True)
class Target:
    """A limit: `figure` must be at most `limit`.

    Units: s, MB (10⁶ bytes), % (of one core), x (a peer's time, or the time without). `boots`: an Asterisk
    boots within the figure, so a part of the figure is the stand-in's *assumed* boot time. `aside`: a figure
    to be read with this one, itself without a target, and `beside` what that figure is.
    """

    figure: str
    words: str
    limit: float
    unit: str
    boots: bool = False
    aside: str = ""
    beside: str = "without the programs it starts"


DEADTIME = 2.0
# The ratio that still counts as "without slowing": two runs without any viewer differ by that much.
SLOWER = 1.1
TARGETS: tuple[Target, ...] = (
    Target("asterisk-killed.detected", "Asterisk killed → detected", 0.05, "s"),
    Target("asterisk-killed.relay_moved", "Asterisk killed → relay moved", 0.15, "s"),
    Target("asterisk-killed.pbx_answering", "Asterisk killed → PBX answering", 1.5, "s", boots=True),
    Target("asterisk-killed.line_in_service", "Asterisk killed → line in service", 5.6, "s"),
    Target("power-cut.pbx_answering", "power cut → PBX answering", DEADTIME + 1.2, "s", boots=True),
    Target("power-cut.line_in_service", "power cut → line in service", 5.6, "s"),
    Target("agent.memory_primary", "agent, resident memory, primary", 45.0, "MB"),
    Target("agent.memory_secondary", "agent, resident memory, secondary", 45.0, "MB"),
    Target(
        "agent.cpu_primary", "agent, idle, share of a core, primary", 0.5, "%", aside="agent.own_cpu_primary"
    ),
    Target(
        "agent.cpu_secondary",
        "agent, idle, share of a core, secondary",
        0.5,
        "%",
        aside="agent.own_cpu_secondary",
    ),
    Target("agent.asha_status", "asha status", 0.150, "s"),
    Target("agent.resource_status", "resource.d/asha status", 0.100, "s"),
    Target("data.first_ratio", "first sync of 100,000 files, 2 GB, beside bare rsync", 1.5, "x"),
    Target(
        "data.same_ratio",
        "pass with nothing changed, beside bare rsync",
        1.3,
        "x",
        aside="data.same_command",
        beside="by asha sync --now, with its start",
    ),
    Target("data.lag", "change on the active node → verified on the standby", 2.0, "s"),
    Target("data.memory", "synchronisation, peak memory on the standby", 80.0, "MB"),
    Target(
        "panel.first_new",
        "the page, first byte, new connection",
        0.150,
        "s",
        aside="panel.first_many",
        beside="while 50 follow it",
    ),
    Target(
        "panel.whole_new",
        "the page with all it needs, new connection",
        0.500,
        "s",
        aside="panel.whole_many",
        beside="while 50 follow it",
    ),
    Target("panel.seen_1", "relay moved → seen on the page", 0.5, "s"),
    Target("panel.seen_50", "relay moved → seen on the page, 50 viewers", 0.5, "s"),
    Target(
        "panel.memory_peak",
        "panel, most resident memory ever, 50 viewers and a login",
        60.0,
        "MB",
        aside="panel.memory_started",
        beside="as it was started",
    ),
    Target("panel.relay_moved_ratio", "Asterisk killed → relay moved, 50 viewers beside none", SLOWER, "x"),
    Target(
        "panel.pbx_answering_ratio", "Asterisk killed → PBX answering, 50 viewers beside none", SLOWER, "x"
    ),
    Target(
        "panel.line_in_service_ratio",
        "Asterisk killed → line in service, 50 viewers beside none",
        SLOWER,
        "x",
    ),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target beside the measurement; `measured` is None when it was not part of this run."""

    target: Target
    measured: Spread | None

    @property
    def met(self) -> bool | None:
        """True when the median is within the limit; None when nothing was measured."""
        return None if self.measured is None else self.measured.median <= self.target.limit


def judge(figures: Mapping[str, Spread], targets: tuple[Target, ...] = TARGETS) -> list[Verdict]:
    """Return every target with its figure."""
    return [Verdict(target, figures.get(target.figure)) for target in targets]
