"""Who served when, seen from outside: the rack's own record, which asks the product nothing.

A node *serves* while it holds the cluster address and runs Asterisk, by the kernel's word. A telephone's view is apart
from that: who answers its SIP requests at the cluster address.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from hwsim.nodes import Power
from hwsim.nodes.network import LAN
from hwsim.rack import SIDES, Rack

_PERIOD = 0.05
_ANSWERS = 0.5  # the observer asks each 10 ms


class NeverSettled(Exception):
    """Nobody serves alone although the bound is over; the message says how it stands."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Who served at `at`, in monotonic seconds, and who had `answered` a telephone shortly before."""

    at: float
    serving: tuple[str, ...]
    answered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """How it ended: `owner` serves alone from `after` seconds on; `two` and `nobody` are seconds until then."""

    owner: str
    after: float
    two: float
    nobody: float

    def __str__(self) -> str:
        """Return it as a sentence."""
        return (
            f"the {self.owner} alone serves after {self.after:.1f} s: both served for {self.two:.1f} s, "
            f"no telephone was answered for {self.nobody:.1f} s"
        )


class ServiceLog:
    """Samples of one rack, taken twenty times a second while `run` runs.

    Who has answered no telephone for `patience` seconds does not answer.
    """

    def __init__(self, rack: Rack, patience: float = _ANSWERS) -> None:
        self._rack = rack
        self._patience = patience
        self.samples: list[Sample] = []

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_PERIOD)

    def look(self) -> Sample:
        """Take one sample now."""
        now = self._rack.now()
        sample = Sample(now, *(tuple(filter(test, SIDES)) for test in (self._serves, self._answers)))
        self.samples.append(sample)
        return sample

    def serves(self, side: str) -> bool:
        """Tell whether `side` served when it was last looked at."""
        return side in self.samples[-1].serving

    def seconds_with_two(self, since: float, until: float = float("inf")) -> float:
        """Return for how many seconds both nodes served."""
        return self._total(since, until, lambda sample: len(sample.serving) == len(SIDES))

    def seconds_with_nobody(self, since: float, until: float = float("inf")) -> float:
        """Return for how many seconds no node answered a telephone."""
        return self._total(since, until, lambda sample: not sample.answered)

    async def settled(self, since: float, within: float, stays: float) -> Settled:
        """Wait until one node serves alone, and has for `stays` seconds, from a time not later than `within` seconds.

        Args:
            since: The event, in monotonic seconds.
            within: The bound, in seconds from `since`.
            stays: For how many seconds it must last.

        Raises:
            NeverSettled: It did not come to that.
        """
        while True:
            owner, began = self._alone(since)
            now = self._rack.now()
            if owner and now - began >= stays:
                two, nobody = self.seconds_with_two(since), self.seconds_with_nobody(since)
                return Settled(owner, began - since, two, nobody)
            if (began if owner else now) - since > within:
                raise NeverSettled(f"{within:g} s later nobody serves alone: {self.samples[-1]}")
            await asyncio.sleep(_PERIOD)

    def _alone(self, since: float) -> tuple[str, float]:
        """Return who serves alone by the last sample, and since when; ("", 0.0) when nobody does."""
        owner, began = "", 0.0
        for sample in self._later_than(since):
            here = sample.serving[0] if sample.serving == sample.answered and len(sample.serving) == 1 else ""
            if here != owner:
                owner, began = here, sample.at
        return owner, began

    def _total(self, since: float, until: float, wanted: Callable[[Sample], bool]) -> float:
        picked = [sample for sample in self._later_than(since) if sample.at <= until]
        return sum(after.at - one.at for one, after in itertools.pairwise(picked) if wanted(one))

    def _later_than(self, since: float) -> list[Sample]:
        return self.samples[bisect.bisect_left(self.samples, since, key=lambda sample: sample.at) :]

    def reaches_telephones(self, side: str) -> bool:
        """Tell whether `side` serves the telephones of the LAN now: it stands still nowhere, and its cable is in."""
        powered = self._rack.servers[side].powered
        return powered and self._serves(side) and self._rack.network.whole(LAN, side)

    def _serves(self, side: str) -> bool:
        return self._rack.asterisk_runs(side) and self.has_address(side)

    def has_address(self, side: str) -> bool:
        """Tell whether the cluster's addresses are all set on `side` now."""
        node = self._rack.servers[side].node
        if node.power is not Power.ON:
            return node.power is Power.HUNG
        return all(_is_set(node.init, ip) for ip in self._rack.site.addresses)

    def _answers(self, side: str) -> bool:
        return self._rack.first_answer("sip", side, self._rack.now() - self._patience) is not None


def _is_set(process: int | None, ip: str) -> bool:
    """Tell whether the network namespace of `process` has the address `ip`."""
    try:
        if ":" in ip:
            found = Path(f"/proc/{process}/net/if_inet6").read_text()
            return f"{socket.inet_pton(socket.AF_INET6, ip).hex()} " in found
        return f"{ip}\n" in Path(f"/proc/{process}/net/fib_trie").read_text()
    except OSError:
        return False


@contextlib.asynccontextmanager
async def recorded(rack: Rack, patience: float = _ANSWERS) -> AsyncIterator[ServiceLog]:
    """Have who serves on `rack` recorded all the while; `patience` as in `ServiceLog`."""
    log = ServiceLog(rack, patience)
    log.look()
    watching = asyncio.create_task(log.run())
    try:
        yield log
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
