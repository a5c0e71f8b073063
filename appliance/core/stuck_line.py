"""The recovery of a D-channel that stays down although its line is good: one grade after the other.

After a short cut the provider's exchange may believe that the old link still stands (a *ghost link*): it answers
nothing until its own timers have run out, and then all is well by itself. Other links stay down until somebody does
something, and nobody can tell from here what it takes (docs/facts/pri-timing.md). So what costs least is tried first,
and each `GradeRule` is given its time before the next one:

- Nothing is begun before the time in which the link heals by itself, unless it is known to be another's: the line was
  away, and Asterisk never noticed.
- Time counts only while the line's alarm is clear and Asterisk runs. A line that is away, here or on both nodes, is
  the provider's or the relay's: no grade helps, so none is begun.
- While the link of another span is up, only what leaves that span's calls alone is done.
- When the last grade has not helped, people are told. The recovery starts over only after a quiet time, which doubles
  with each recovery that did not last; Asterisk is then not restarted a second time.

Nothing here acts: `follow` moves on, `wanted` says what is to be ordered (see `core/acquire.py`).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.model import DChannel, Line, Relay
from appliance.core.progress import ENDING, link_is_up, ordered_since
from appliance.core.reading import Known, is_known
from appliance.core.timing import GHOST_HEALS
from appliance.core.transfer import Order, Policy, Recovery, Seen, Transfer
from appliance.core.values import changed

# The line is led away for so long, in seconds: an exchange that believed in the old link has dropped it (*assumed*:
# twice the 2.5 s after which a loss of signal is an alarm).
LINE_AWAY = 5.0
# After a recovery that ended in vain the next one begins so much later, in seconds, and then twice as much later.
QUIET = 1800.0
# A link that comes up, and goes down again within this, has not been recovered; seconds.
RELAPSE = 600.0
_MOST_DOUBLINGS = 5


class Grade(enum.Enum):
    """What is done about the link; the order is that in which it is done."""

    WAIT = "wait"
    RESTART_SPANS = "restart the link of the span"
    LEAD_AWAY = "lead the line away and back"
    RESTART_PBX = "restart Asterisk"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class GradeRule:
    """What is known about one grade.

    Attributes:
        grade: The grade.
        order: What is ordered when it begins; None when nothing is.
        says: What is done, as a clause for people.
        does: How it is done, for the document.
        ends_calls: Which calls it ends, for the document.
        spares: It leaves alone the calls of spans whose link is up.
        once: It is not repeated when the recovery starts over.
    """

    grade: Grade
    order: Order | None
    says: str
    does: str
    ends_calls: str
    spares: bool = False
    once: bool = False


GRADES: tuple[GradeRule, ...] = (
    GradeRule(
        Grade.WAIT,
        None,
        "waiting for the D-channel",
        "Nothing. Not waited for is a link that Asterisk calls up although the line was away meanwhile.",
        "none",
        spares=True,
    ),
    GradeRule(
        Grade.RESTART_SPANS,
        Order.RESTART_SPANS,
        "the link of the span is restarted",
        "On Asterisk's console: `pri destroy span` and `dahdi create channels new` for the spans that are down, "
        "or, where Asterisk does not have these commands, `dahdi restart`.",
        "those of the spans that are down; with `dahdi restart` those of all DAHDI channels",
        spares=True,
    ),
    GradeRule(
        Grade.LEAD_AWAY,
        Order.RELEASE,
        "the line is led away and back, so that the exchange sees its carrier fall",
        f"The relay is released for {LINE_AWAY:g} s and energised again, under the same grant. Left out on a node "
        "without the relay card.",
        "those of the line",
    ),
    GradeRule(
        Grade.RESTART_PBX,
        Order.RESTART_PBX,
        "Asterisk is restarted",
        "Asterisk is stopped and started; in between `dahdi_cfg -s` and `dahdi_cfg` take the spans down and up.",
        "all",
        once=True,
    ),
    GradeRule(
        Grade.GIVE_UP,
        None,
        "nothing that can be done here has helped",
        "An alert of the kind *line blocked* says what the provider is to be asked.",
        "none",
        spares=True,
    ),
)
_LAST = len(GRADES) - 1  # giving up is not counted: "2 of 4"


def follow(transfer: Transfer, seen: Seen, now: float) -> Recovery | None:
    """Return how far the recovery of the link is at `now` (monotonic seconds); None when none was needed of late."""
    recovery = transfer.recovery
    if (
        recovery is not None
        and recovery.healed_at is None
        and recovery.grade
        and recovery.begun < transfer.began
    ):
        recovery = _again(recovery, now)  # in a new transfer line and Asterisk come up afresh
    if transfer.linking_since is None:
        return None if recovery is None else _while_not_missing(recovery, transfer, seen, now)
    if recovery is None:
        recovery = Recovery(since=now, begun=now)
    elif recovery.healed_at is not None:
        recovery = _again(recovery, now)
    if seen.busy & ENDING or not (transfer.ghost or _is_down(seen)):
        return recovery
    away = LINE_AWAY if _grade(recovery) is Grade.LEAD_AWAY else 0.0
    waited = now - max(transfer.linking_since, recovery.begun + away)
    ghost = transfer.ghost and _grade(recovery) is Grade.WAIT
    if not ghost and waited < _patience(recovery, transfer.policy):
        return recovery
    return _next(recovery, transfer, seen, now)


def wanted(transfer: Transfer, seen: Seen, now: float) -> Iterator[Order]:
    """Yield what the present grade wants and has not ordered yet."""
    recovery = transfer.recovery
    if recovery is None or recovery.healed_at is not None:
        return
    order = GRADES[recovery.grade].order
    if _grade(recovery) is Grade.LEAD_AWAY:
        if leads_away(transfer, now) and not is_known(seen.commanded, Relay.RELEASED):
            yield Order.RELEASE
    elif order is not None and not ordered_since(transfer, order, recovery.begun):
        yield order


def leads_away(transfer: Transfer, now: float) -> bool:
    """Tell whether the line is to be away from here, on purpose, at `now`."""
    return _led_away_for(transfer, now) < LINE_AWAY


def explains_absence(transfer: Transfer | None, now: float) -> bool:
    """Tell whether the line is away because it was led away, or is on its way back."""
    return transfer is not None and _led_away_for(transfer, now) < LINE_AWAY + transfer.policy.line_deadline


def gave_up(transfer: Transfer) -> bool:
    """Tell whether everything was tried and the link is still down."""
    recovery = transfer.recovery
    return recovery is not None and recovery.healed_at is None and _grade(recovery) is Grade.GIVE_UP


def progress(transfer: Transfer) -> str:
    """Return what is being done about the link, as a sentence for people; "" when nothing is."""
    recovery = transfer.recovery
    if recovery is None or recovery.healed_at is not None or not 0 < recovery.grade < _LAST:
        return ""
    says, number = GRADES[recovery.grade].says, recovery.grade + 1
    down = "cannot be trusted" if transfer.ghost else f"has been down for {_down_for(recovery)} s"
    return f"the D-channel {down}: {says} ({number} of {_LAST})"


def tried(transfer: Transfer) -> str:
    """Return what was done in vain, as half a sentence for people; "" when nothing was."""
    recovery = transfer.recovery
    done = [GRADES[number].says for number in sorted(recovery.tried)] if recovery is not None else []
    return f" Tried in vain: {'; '.join(done)}." if done else ""


def _down_for(recovery: Recovery) -> int:
    return round(recovery.begun - recovery.since)


def _led_away_for(transfer: Transfer, now: float) -> float:
    """Return the seconds since the line was led away; infinite when that is not what is being done."""
    recovery = transfer.recovery
    if recovery is None or recovery.healed_at is not None or _grade(recovery) is not Grade.LEAD_AWAY:
        return float("inf")
    return now - recovery.begun


def _grade(recovery: Recovery) -> Grade:
    return GRADES[recovery.grade].grade


def _is_down(seen: Seen) -> bool:
    return isinstance(seen.dchannel, Known) and seen.dchannel.value.is_down


def _while_not_missing(recovery: Recovery, transfer: Transfer, seen: Seen, now: float) -> Recovery | None:
    """Return the recovery while not just the link is missing: all is well, or the line or Asterisk is missing too."""
    if link_is_up(transfer, seen.dchannel) and is_known(seen.line, Line.CLEAR):
        healed_at = now if recovery.healed_at is None else recovery.healed_at
        by_itself = recovery.grade == 0 and not recovery.rounds
        return None if by_itself or now - healed_at >= RELAPSE else changed(recovery, healed_at=healed_at)
    lost = is_known(seen.line, Line.ABSENT) and not explains_absence(transfer, now)
    if lost and recovery.grade and recovery.healed_at is None:
        return _again(
            recovery, now
        )  # the line went by itself: whatever was wrong may be over when it is back
    return recovery


def _again(recovery: Recovery, now: float) -> Recovery:
    """Return the recovery begun again, more patient than before."""
    rounds = min(recovery.rounds + 1, _MOST_DOUBLINGS)
    return Recovery(since=now, begun=now, rounds=rounds, tried=recovery.tried)


def _patience(recovery: Recovery, policy: Policy) -> float:
    match _grade(recovery):
        case Grade.WAIT:
            return float(max(policy.dchannel_deadline, GHOST_HEALS) * 2**recovery.rounds)
        case Grade.GIVE_UP:
            return float(QUIET * 2**recovery.rounds)
        case _:
            return policy.dchannel_deadline


def _next(recovery: Recovery, transfer: Transfer, seen: Seen, now: float) -> Recovery:
    """Return the recovery at the next grade that can be tried; after giving up, at the first that does anything."""
    if _grade(recovery) is Grade.GIVE_UP:
        recovery = changed(_again(recovery, now), since=recovery.since)
    number = next(
        number
        for number in range(recovery.grade + 1, len(GRADES))
        if _is_open(number, recovery, transfer, seen)
    )
    doing = recovery.tried | {number} if GRADES[number].order is not None else recovery.tried
    return changed(recovery, grade=number, begun=now, tried=doing)


def _is_open(number: int, recovery: Recovery, transfer: Transfer, seen: Seen) -> bool:
    rule = GRADES[number]
    if rule.once and number in recovery.tried:
        return False
    if not rule.spares and is_known(seen.dchannel, DChannel.PARTLY):
        return False
    if rule.grade is not Grade.LEAD_AWAY:
        return True
    there = transfer.policy.has_card and not is_known(seen.card, False)
    return there and is_known(seen.commanded, Relay.ENERGISED) and not is_known(seen.peer.serves, True)
