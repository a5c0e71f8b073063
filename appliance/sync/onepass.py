"""One pass: what is asked of it, what it works with, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from appliance.config import Conf
from appliance.core.held_back import HeldBack
from appliance.core.words import printable
from appliance.host.clock import Clock
from appliance.sync.link import Peer
from appliance.sync.places import Places
from appliance.sync.rsync import Rsync
from appliance.sync.stages import Stages
from appliance.sync.store import Store
from appliance.sync.telephony import Vet

REPAIR = "Repair it, or remove it where it is damaged; it comes with the next pass then."
Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much of it is done, and how much there is (0: not known)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a pass. `scope`: only these directories; None: everything. `deep`: ACLs and the like too."""

    reason: str
    scope: tuple[str, ...] | None = None
    deep: bool = True
    accept_loss: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """What a pass works with. Its caller holds the sync lock.

    `may`: raises SyncProblem when the data here may not be touched (any more). `vet`: raises SyncError when a
    directory of DAHDI configuration does not fit this node.
    """

    conf: Conf
    store: Store
    clock: Clock
    peer: Peer
    rsync: Rsync
    may: Callable[[], None]
    vet: Vet
    stages: Stages
    places: Places
    progress: Progress


@dataclass(slots=True)
class Outcome:
    """What a pass found and did.

    `held`: what was left out because something is wrong with it. `left`: files that were being written and wait for the
    next pass. `conflicts`: changed on both nodes otherwise. `messages`: voicemail messages that came. `settled`: the
    peer was told that everything it had got is here. `telephony`: why the peer's DAHDI configuration is not put in
    place here, "" when it is, None: not looked at.
    """

    generation: int = 0
    changed: list[bytes] = field(default_factory=list)
    removed: list[bytes] = field(default_factory=list)
    conflicts: list[bytes] = field(default_factory=list)
    messages: int = 0
    held: list[HeldBack] = field(default_factory=list)
    left: int = 0
    settled: bool = False
    telephony: str | None = None
    skew: float = 0.0
    warnings: list[str] = field(default_factory=list)

    def hold(self, items: Mapping[bytes, str], todo: str = "") -> None:
        """Hold `items` (the path, and why) back."""
        self.held += [HeldBack(printable(path), why, todo or REPAIR) for path, why in items.items()]

    @property
    def same(self) -> bool:
        """Nothing was to be done."""
        return not self.changed and not self.removed and not self.conflicts
