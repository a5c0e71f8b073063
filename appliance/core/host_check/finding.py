"""What `asha check` has found: one finding for each subject, a node's report, and the report of a pair.

The reports are what `asha check --json` prints and what the nodes tell each other for `asha check --peer`; their fields
are described in docs/operations.md.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


class Level(enum.StrEnum):
    """How a finding counts: only `OK` means that it was looked at and is right."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    `level` is a value of `Level`. `says` is what was seen, in plain sentences. `remedy` is what to do about it, in one
    sentence; "" where nothing is to be done. `what` is the subject, which the registry of the checks gives it.
    """

    level: str
    says: str
    remedy: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class NodeReport:
    """Everything that was found on one node.

    `node` is `primary` or `secondary`, "" when the conf file names neither. `name` is its host name. `version` is that
    of its asha. `facts` are values by name, which `compare` lays beside those of the other node. `time` is its wall
    clock in epoch seconds when the report was done, and `took` the seconds that making it took.
    """

    node: str
    name: str
    version: str = ""
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    time: float = 0.0
    took: float = 0.0


@dataclass(frozen=True, slots=True)
class PairReport:
    """The report of `here`; with `--peer` also that of the other node, and what the two compared say.

    `peer` is None when the other node was not asked or gave no report; then a finding in `compared` says why.
    """

    here: NodeReport
    peer: NodeReport | None = None
    compared: tuple[Finding, ...] = ()

    def findings(self) -> tuple[Finding, ...]:
        """Return all findings, of both nodes and of the comparison."""
        return (*self.here.findings, *(self.peer.findings if self.peer else ()), *self.compared)


def fine(says: str) -> Finding:
    """Return a finding that all is right."""
    return Finding(Level.OK, says)


def warning(says: str, remedy: str) -> Finding:
    """Return a finding that works today, and will hurt in some event."""
    return Finding(Level.WARNING, says, remedy)


def wrong(says: str, remedy: str) -> Finding:
    """Return a finding that must be mended before the pair can be relied on."""
    return Finding(Level.ERROR, says, remedy)


def not_known(says: str, remedy: str = "") -> Finding:
    """Return a finding that nothing could be seen; it never counts as right."""
    return Finding(Level.UNKNOWN, says, remedy)


_WORST_FIRST = (Level.ERROR, Level.UNKNOWN, Level.WARNING, Level.OK)


def worst_of(findings: Iterable[Finding], all_well: str) -> Finding:
    """Return one finding for several about the same subject.

    It has the level of the worst and the sentences of all that are not right; `all_well` is said when every one is.
    """
    bad = [finding for finding in findings if finding.level != Level.OK]
    if not bad:
        return fine(all_well)
    bad.sort(key=lambda finding: _rank(finding.level))
    remedies = dict.fromkeys(finding.remedy for finding in bad if finding.remedy)
    return Finding(bad[0].level, " ".join(finding.says for finding in bad), " ".join(remedies))


def _rank(level: str) -> int:
    """Return the place of `level`, worst first; a level of a newer version counts as not known."""
    known = [str(one) for one in _WORST_FIRST]
    return known.index(level) if level in known else 1


def failed(findings: Iterable[Finding]) -> int:
    """Return how many of `findings` are neither right nor a mere warning."""
    return sum(finding.level not in (Level.OK, Level.WARNING) for finding in findings)
