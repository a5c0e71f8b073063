"""What a journal entry or an alert says against the product, beside the faults that were injected.

A round of faults begins with its first blow and ends when the pair is at home again: one node serves, the other one
is fit, the engine is at rest. What is written in a round, or shortly after it, is explained by its faults. Three things
are not: trouble that is written while nothing was injected; trouble that no fault of the soak causes; and an agent that
begins although nothing has ended the one before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

# Seconds after a round in which what it caused may still be written: an alert waits for 10 s before a trouble is over,
# and MOVEDWELL is 15 s.
AFTERMATH = 15.0
# The faults that end the agent and the page of their node, or that have it started again.
ENDS_PROGRAMS = frozenset({"agent killed", "power cut", "power cycle", "started apart"})
ENDS_AGENT_ONLY = frozenset({"agent killed"})

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """The time of one round's faults, in monotonic seconds; `blows` are (fault, side). `ended` is None during it."""

    began: float
    ended: float | None
    blows: tuple[tuple[str, str], ...]

    def covers(self, at: float) -> bool:
        """Tell whether what is written at `at` can come from this round."""
        return self.began <= at and (self.ended is None or at <= self.ended + AFTERMATH)

    def ends_agent(self, side: str) -> bool:
        """Tell whether one of the blows ends the agent of `side`."""
        return any(where == side and fault in ENDS_PROGRAMS for fault, where in self.blows)


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Something that was written and that no fault explains; `source` is a side's journal, log or mail."""

    at: float
    source: str
    says: str


def _always(_entry: Entry) -> bool:
    return True


def _never(_entry: Entry) -> bool:
    return False


def _has_problem(entry: Entry) -> bool:
    return bool(entry.get("problem"))


def _is(field: str, value: object) -> Callable[[Entry], bool]:
    return lambda entry: entry.get(field) == value


def _says(pattern: str) -> Callable[[Entry], bool]:
    found = re.compile(pattern)
    return lambda entry: bool(found.search(str(entry.get("says", ""))))


# Of each kind of entry, which one tells of trouble, when nothing was injected that explains it. What orders, transfers
# and operators' requests say belongs to a move, which is a trouble once: by its `transfer`.
TROUBLE: Mapping[str, Callable[[Entry], bool]] = MappingProxyType(
    {
        **dict.fromkeys(("card", "decision", "fence", "files", "gap", "journal", "notify"), _always),
        **dict.fromkeys(("pair", "pbx", "silences", "stray", "stranger", "transfer", "trends"), _always),
        **dict.fromkeys(("engine restart", "unheard peer", "watchdog", "woke"), _always),
        "address": _says("elsewhere"),
        "data": _says("is held back:"),
        **dict.fromkeys(("done", "standby", "takeover"), _has_problem),
        "lan": _is("reached", False),
        "peer": _is("alive", False),
        **dict.fromkeys(("agent", "cleanup", "conf", "drill", "engine change", "failback", "grant"), _never),
        **dict.fromkeys(
            ("introduction", "job", "maintenance", "order", "panel", "phase", "prepared"), _never
        ),
        **dict.fromkeys(("provision", "role", "sark", "skipped", "source", "wish"), _never),
    }
)
# What no fault of the soak causes, by the kind of the entry.
_PRODUCT_FAULT: Mapping[str, Callable[[Entry], bool]] = MappingProxyType(
    {
        "agent": _says("the conf file was not taken"),
        "notify": _says("alerts cannot be made|the queue is full"),
    }
)
_BEGINS = _says("^(started|begins again)")
_GRAVE = re.compile(r"^\[asha \S+\] (critical|warning): ")


def unexplained_entry(side: str, entry: Entry, windows: Sequence[FaultWindow]) -> Unexplained | None:
    """Return what is unexplained about a journal entry of `side`; None when it is explained, or tells of no trouble.

    An entry of a kind that is not in TROUBLE counts as trouble, so that a new kind is not passed over.
    """
    kind, at = str(entry.get("kind", "?")), float(entry.get("at", 0.0))
    near = [window for window in windows if window.covers(at)]
    if kind == "agent" and _BEGINS(entry):
        found = not any(window.ends_agent(side) for window in near)
    elif _PRODUCT_FAULT.get(kind, _never)(entry):
        found = True
    else:
        found = not near and TROUBLE.get(kind, _always)(entry)
    return Unexplained(at, f"journal of the {side}", _in_words(kind, entry)) if found else None


def unexplained_alert(
    at: float, sender: str, subject: str, windows: Sequence[FaultWindow]
) -> Unexplained | None:
    """Return a critical alert or a warning that came up at `at` while nothing was injected; else None."""
    if not _GRAVE.match(subject) or any(window.covers(at) for window in windows):
        return None
    return Unexplained(at, f"alert of {sender}", subject)


def unexplained_start(
    program: str, side: str, at: float, windows: Sequence[FaultWindow]
) -> Unexplained | None:
    """Return that `program` of `side` had to be started again at `at`, unless a fault had ended it."""
    if any(window.covers(at) and _ends(program, side, window) for window in windows):
        return None
    return Unexplained(at, f"{program} of the {side}", "it had ended, and nothing had been done to it")


def _ends(program: str, side: str, window: FaultWindow) -> bool:
    faults = ENDS_PROGRAMS if program == "agent" else ENDS_PROGRAMS - ENDS_AGENT_ONLY
    return any(where == side and fault in faults for fault, where in window.blows)


def tracebacks(log: str) -> int:
    """Return how often a program has told of an exception that nobody caught, in the text of its log."""
    return log.count("Traceback (most recent call last)")


def _in_words(kind: str, entry: Entry) -> str:
    left_out = {"at", "wall", "kind", "prev", "hash", "generation", "evidence"}
    said = ", ".join(f"{key}={value}" for key, value in entry.items() if key not in left_out and value != "")
    return f"{kind}: {said}"[:300]
