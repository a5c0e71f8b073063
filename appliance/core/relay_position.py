"""What a relay device says of its own relays, compared with what this node has told it, and what follows.

A register is not the contact: that both agree confirms nothing, and a device that does not answer says nothing. Only a
register that contradicts the last command tells something: the device was reset and came back released, somebody else
has moved the relay, or some of the line's contacts are energised and some are not.

**What is done.** Nothing at the first reading: a second one must say the same. Then the command of before counts as
forgotten, and the plan of the transfer gives again what it wants: to energise under a grant, to release without one. A
line whose contacts are split is released as a whole first, as a command that ends so is, and then energised again.

**What is never done.** Nobody is fought over the line. After `MOST` commands within `REMEMBERED` seconds the relay is
left as it is and an alarm says so; what service does then is decided by the line, as for any other line that is gone. A
release is not counted so: it is always allowed. And nothing at all is done on a node whose engine does not run while
the other one does not serve either: an operator may be trying the relay there (`asha relay test`).

**Killed, late, twice.** All of it is memory of one agent. The next one begins with a command of its own, to which
the readings are compared afresh. A reading counts only if its question began after the last command had ended, and
while none is under way; it bears the time of the question.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.core.effects import ForgetRelay, GiveOrder
from appliance.core.model import Relay
from appliance.core.reading import Known, is_known
from appliance.core.relay_facts import Contacts
from appliance.core.roles import Role
from appliance.core.transfer import Order, Seen
from appliance.core.values import changed

_KEPT = 16  # the times that are remembered: more than make an alarm
MOST = 3
"""So often within `REMEMBERED` seconds the relay is commanded again because of what its register says."""
REMEMBERED = 600.0
POSITION_MAX_AGE = 30.0
"""Seconds after which a reading of the register tells nothing any more."""
CONFIRM_SERVING = 0.3
"""Seconds after which the second reading may come where each second without the line costs calls."""
CONFIRM = 2.0
"""The same on a node that does not serve: longer than a trial of the relay keeps it energised."""


class Standing(enum.Enum):
    """How the register stands to the last command; the values are for people."""

    UNKNOWN = "not known"
    AGREES = "as it was told"
    DROPPED = "released although it was told to energise: it was reset, or somebody else has moved it"
    TAKEN = "energised although it was told to release: somebody else has moved it"
    SPLIT = (
        "split: some contacts of the line are energised and some are not, so that no node has the whole line"
    )

    @property
    def wrong(self) -> bool:
        """True when the register contradicts the command."""
        return self in (Standing.DROPPED, Standing.TAKEN, Standing.SPLIT)


@dataclass(frozen=True, slots=True)
class PositionRecord:
    """What is remembered of the register; times are monotonic seconds.

    Attributes:
        standing: How it stood to the command at the last reading that counts.
        since: When the first of the readings in a row that said so was asked for.
        confirmed: A second reading has said so.
        by_hand: It may be an operator's doing (see above), so that nothing is done and nobody told.
        put_right: When the relay was commanded again.
        last: What that was for the last time.
    """

    standing: Standing = Standing.UNKNOWN
    since: float = 0.0
    confirmed: bool = False
    by_hand: bool = False
    put_right: tuple[float, ...] = ()
    last: Standing = Standing.UNKNOWN

    @property
    def suspect(self) -> bool:
        """True while a second reading is awaited, which is to come soon."""
        return self.standing.wrong and not self.confirmed

    def times(self, now: float) -> int:
        """Return how often the relay was commanded again in the last `REMEMBERED` seconds."""
        return sum(now - at <= REMEMBERED for at in self.put_right)


NOT_COMPARED = PositionRecord()


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to be done about a register that contradicts the command.

    Attributes:
        says: What the journal says of it.
        effect: What the driver of the controller does; None when the relay is left as it is.
    """

    says: str
    effect: ForgetRelay | GiveOrder | None


def compare(seen: Seen) -> Standing:
    """Return how the register stands to the last command: not known unless it was asked after that had ended."""
    said, told = seen.contacts, seen.commanded
    moving = seen.busy & {Order.ENERGISE, Order.RELEASE}
    if moving or not isinstance(said, Known) or not isinstance(told, Known) or said.at <= told.at:
        return Standing.UNKNOWN
    if said.value is Contacts.SPLIT:
        return Standing.SPLIT
    if said.value.value == told.value.value:
        return Standing.AGREES
    return Standing.DROPPED if told.value is Relay.ENERGISED else Standing.TAKEN


@dataclass(frozen=True, slots=True)
class RelayDuty:
    """What this node is about.

    Attributes:
        role: Its role.
        acquires: It serves, or takes service: its transfer is to bring the line here.
        generation: That of the grant, for an order.
    """

    role: Role
    acquires: bool
    generation: int


def follow(
    record: PositionRecord, seen: Seen, duty: RelayDuty, now: float
) -> tuple[PositionRecord, Correction | None]:
    """Return what is remembered after a turn, and what is to be done now.

    Args:
        record: What was remembered.
        seen: The readings of the turn.
        duty: What this node is about.
        now: Monotonic seconds.
    """
    standing, asked = compare(seen), seen.contacts.at
    if standing is Standing.DROPPED and not duty.acquires:
        standing = Standing.AGREES  # with what this node wants of it by now, and orders
    if standing is not record.standing:
        return changed(record, standing=standing, since=asked, confirmed=False, by_hand=False), None
    wait = CONFIRM_SERVING if duty.acquires else CONFIRM
    if (record.suspect or record.by_hand) and asked - record.since >= wait:
        return _confirmed(changed(record, confirmed=True, by_hand=False), seen, duty, now)
    return record, None


def _confirmed(
    record: PositionRecord, seen: Seen, duty: RelayDuty, now: float
) -> tuple[PositionRecord, Correction | None]:
    if duty.role is Role.OFF and not is_known(seen.peer.granted, True):
        return changed(record, by_hand=True), None
    says = f"the relay's register: {record.standing.value}"
    if duty.acquires and record.times(now) >= MOST:
        return record, Correction(f"{says}; {_again(record, now)}", None)
    record = changed(record, put_right=(*record.put_right, now)[-_KEPT:], last=record.standing)
    return record, _remedy(record.standing, duty)


def trouble(record: PositionRecord, now: float) -> str:
    """Return what the register tells people, as a sentence with what to do; "" when it tells nothing."""
    again = record.times(now) >= MOST
    stands = record.standing.wrong and record.confirmed and not record.by_hand
    if not again and not stands:
        return ""
    standing = record.standing if stands else record.last
    more = f"; {_again(record, now)}" if again else ""
    return f"the relay's register was found {standing.value}{more}. {_TODO[standing]}"


_CHECK = "Look for another program that moves the relay, and check the board, its cable and its power"
_TODO = {
    Standing.DROPPED: f"{_CHECK}; 'asha standby' gives service to the other node meanwhile",
    Standing.TAKEN: _CHECK,
    Standing.SPLIT: f"Only a release of all contacts mends it: 'asha standby' here. {_CHECK}",
}


def _again(record: PositionRecord, now: float) -> str:
    within = f"{record.times(now)} times in {REMEMBERED / 60:.0f} min"
    if record.last is Standing.TAKEN:
        return f"asha has released it {within}"
    return f"asha has commanded it again {within}, and does not fight for the line"


def _remedy(standing: Standing, duty: RelayDuty) -> Correction:
    says = f"the relay's register: {standing.value}"
    if standing is Standing.SPLIT and duty.acquires:
        effect = GiveOrder(Order.RELEASE, "the relay's contacts are split", duty.generation, None)
        return Correction(f"{says}; all are released, and then energised again", effect)
    does = "it is energised again" if standing is Standing.DROPPED else "it is released"
    return Correction(f"{says}; {does}", ForgetRelay(says))
