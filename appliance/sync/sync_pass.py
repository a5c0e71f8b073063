"""The terms of one synchronisation pass: what is requested, what it works with, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from appliance.config import Conf
from appliance.core.held_back import HeldBack
from appliance.core.text import printable
from appliance.host.clock import Clock
from appliance.host.paths import SyncPaths
from appliance.sync.peer_link import PeerLink
from appliance.sync.rsync import Rsync
from appliance.sync.stages import Stages
from appliance.sync.store import Store
from appliance.sync.telephony import Vet

REPAIR = "Repair it, or remove it where it is damaged; it comes with the next pass then."
Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much of it is done, and how much there is (0: not known)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a pass.

    `scope`: only these directories, or None for everything. `deep`: compare ACLs and extended attributes too.
    `accept_loss`: do not refuse a peer from which many files have vanished. `dry_run`: only report what would
    be done.
    """

    reason: str
    scope: tuple[str, ...] | None = None
    deep: bool = True
    accept_loss: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class PassContext:
    """The objects a pass works with. The caller of the pass holds the sync lock.

    `may`: raises SyncProblem when the data of this node must not be touched (any more). `vet`: raises
    SyncError when a directory of DAHDI configuration does not fit this node.
    """

    conf: Conf
    store: Store
    clock: Clock
    peer: PeerLink
    rsync: Rsync
    may: Callable[[], None]
    vet: Vet
    stages: Stages
    places: SyncPaths
    progress: Progress


@dataclass(slots=True)
class PassResult:
    """The findings and results of a pass.

    `changed`, `removed`: paths. `conflicts`: paths changed differently on both nodes. `messages`: how many
    voicemail messages came. `held`: what was left out because something is wrong with it. `left`: how many
    files were being written and wait for the next pass. `settled`: the peer was told that everything it had
    got is here, and has dropped its mark. `telephony`: why the peer's DAHDI configuration is not put in place
    here, "" when it is in place, None when the pass did not look. `skew`: seconds by which the peer's clock
    is ahead of ours.
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
        """Add `items` (path and reason) to what is held back."""
        self.held += [HeldBack(printable(path), why, todo or REPAIR) for path, why in items.items()]

    @property
    def same(self) -> bool:
        """Whether nothing had to be done."""
        return not self.changed and not self.removed and not self.conflicts
