"""The campaign: many seeds, each a story of its own, on every core; what fails is told, made smaller and counted."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hwsim.virtual.audit import Finding, Kind
from hwsim.virtual.known import KNOWN_VIOLATIONS
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

    @property
    def new(self) -> set[Kind]:
        """The kinds that are not known."""
        return set(self.failing) - KNOWN_VIOLATIONS

    def add(self, outcome: Outcome) -> None:
        """Take in the outcome of one seed."""
        self.seeds += 1
        for finding in outcome.found:
            self.failing.setdefault(finding.kind, []).append((outcome.seed, finding))


def run(seeds: int, first: int, say: Say, *, cores: int | None = None, tell_known: bool = False) -> bool:
    """Play the seeds; tell what failed; return whether nothing failed but what is known.

    Args:
        seeds: How many.
        first: The first of them.
        say: Prints a line.
        cores: How many processes play; as many as the machine has, when not given.
        tell_known: Tell the stories of known violations too.
    """
    summary = Summary()
    began = told = time.monotonic()
    for outcome in _outcomes(range(first, first + seeds), cores or multiprocessing.cpu_count()):
        summary.add(outcome)
        summary.seconds = time.monotonic() - began
        if time.monotonic() - told >= _TOLD_EVERY:
            told = time.monotonic()
            say(_progress(summary, seeds))
    for kind in sorted(summary.failing, key=lambda kind: kind.name):
        if tell_known or kind not in KNOWN_VIOLATIONS:
            _tell_stories(kind, summary, say)
    _tell_counts(summary, say)
    return not summary.new


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
    new = sum(summary.counts[kind] for kind in summary.new)
    known = sum(summary.counts.values()) - new
    return f"{summary.seeds} of {seeds} seeds, {rate:.0f} a second; violations: {new} new, {known} known"


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
        known = "known" if kind in KNOWN_VIOLATIONS else "NEW"
        say(f"{count:8} {known:5} {kind.name}: {kind.value}")
    if not summary.failing:
        say("       0 violations")
