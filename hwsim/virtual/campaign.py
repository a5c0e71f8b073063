"""The campaign: many seeds, each a story of its own, on every core; what fails is told, made smaller and counted."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hwsim.virtual.audit import Finding, Kind
from hwsim.virtual.story import from_seed, play, shrink

Say = Callable[[str], None]
_CHUNK = 50
_TOLD_EVERY = 5.0
_STORIES_TOLD = 3  # of each kind


@dataclass(frozen=True)
class Outcome:
    """How a seed ended: the first finding of each kind."""

    seed: int
    found: tuple[Finding, ...]


@dataclass
class Summary:
    """What the campaign has come to. `failing`: the seeds of each kind, in their order."""

    seeds: int = 0
    seconds: float = 0.0
    failing: dict[Kind, list[tuple[int, Finding]]] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[Kind]:
        """How many seeds ended in each kind of violation."""
        return Counter({kind: len(seeds) for kind, seeds in self.failing.items()})

    def add(self, outcome: Outcome) -> None:
        """Take in the outcome of one seed."""
        self.seeds += 1
        for finding in outcome.found:
            self.failing.setdefault(finding.kind, []).append((outcome.seed, finding))


def run(seeds: int, first: int, say: Say, *, cores: int | None = None) -> bool:
    """Play the seeds; tell what failed, at once and in the end with its story; return whether nothing did.

    Args:
        seeds: How many.
        first: The first of them.
        say: Prints a line.
        cores: How many processes play; as many as the machine has, when not given.
    """
    summary = Summary()
    began = told = time.monotonic()
    for outcome in _outcomes(range(first, first + seeds), cores or multiprocessing.cpu_count()):
        summary.add(outcome)
        summary.seconds = time.monotonic() - began
        for finding in outcome.found:
            say(f"seed {outcome.seed}: {finding.kind.name}")
        if time.monotonic() - told >= _TOLD_EVERY:
            told = time.monotonic()
            say(_progress(summary, seeds))
    for kind in sorted(summary.failing, key=lambda kind: kind.name):
        _tell_stories(kind, summary, say)
    _tell_counts(summary, say)
    return not summary.failing


def outcome(seed: int) -> Outcome:
    """Play one seed."""
    first: dict[Kind, Finding] = {}
    for finding in play(from_seed(seed)):
        first.setdefault(finding.kind, finding)
    return Outcome(seed, tuple(first.values()))


def _outcomes(seeds: range, cores: int) -> Iterator[Outcome]:
    if cores == 1:
        yield from map(outcome, seeds)
        return
    with multiprocessing.Pool(cores) as pool:
        yield from pool.imap_unordered(outcome, seeds, chunksize=max(1, min(_CHUNK, len(seeds) // cores)))


def _progress(summary: Summary, seeds: int) -> str:
    rate = summary.seeds / summary.seconds if summary.seconds else 0.0
    return f"{summary.seeds} of {seeds} seeds, {rate:.0f} a second; violations: {summary.counts.total()}"


def _tell_stories(kind: Kind, summary: Summary, say: Say) -> None:
    for seed, finding in sorted(summary.failing[kind], key=lambda pair: pair[0])[:_STORIES_TOLD]:
        say(f"\n{kind.name}: {kind.value} (seed {seed})\n{from_seed(seed)}")
        say(f"Found at {finding.at:.1f}: {finding.says}.")
        smaller = shrink(from_seed(seed), kind)
        say(f"The same with less:\n{smaller}\nTo keep it:\n    {smaller.literal}")


def _tell_counts(summary: Summary, say: Say) -> None:
    rate = summary.seeds / summary.seconds if summary.seconds else 0.0
    say(f"\n{summary.seeds} seeds in {summary.seconds:.0f} s, {rate:.0f} a second")
    for kind, count in summary.counts.most_common():
        say(f"{count:8} {kind.name}: {kind.value}")
    if not summary.failing:
        say("       0 violations")
