"""Whether the machine's watchdog timer is fed at the end of a cycle. A timer that is not fed resets the machine.

The reset of a node that hangs frees the telephone line that it holds, and no other node can do that. So the food is
the completion of a whole cycle: what was seen is taken, the step is done, its effects are handed over. A cycle that
does not come to its end, whatever holds it up, gives none.

A cycle that completes says little about the threads that work for it. So it gives no food either when one of them
hangs, but only where a reset does good: on a node that serves or is letting go, while its peer could serve. A node that
stands by holds nothing, and a node without a peer would only take away what is left.

A relay device with a watchdog of its own gets its food from the same completed cycles, but only while this node serves
under a grant and its relay holds the line. What ends that food releases the line and resets nothing.

What must never reset a node gives no sign here at all: a full or hanging disk (the journal has a thread of its own), a
peer that is silent, a reading that is Unknown though the look returned, a page or a mail that hangs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from appliance.core.transfer import Order

# Seconds after which a look that has not returned counts as hanging: the kernel's files answer in milliseconds.
LOOK_HANGS = 30.0
# Seconds that an order may take beyond its deadlines before its thread counts as hanging.
ORDER_HANGS = 60.0


@dataclass(frozen=True, slots=True)
class CompletedCycle:
    """What one whole cycle of the controller has left.

    Attributes:
        holds: This node serves, or is letting go and not done.
        peer_able: The peer lives and could serve.
        looks: By the name of what is looked at in a thread, seconds since the last look returned.
        orders: For how many seconds each order has been under way.
        relay_holds: This node serves under a grant, and its relay, which has a watchdog of its own, holds the line.
    """

    holds: bool = False
    peer_able: bool = False
    looks: Mapping[str, float] = field(default_factory=dict)
    orders: Mapping[Order, float] = field(default_factory=dict)
    relay_holds: bool = False


def why_not_fed(done: CompletedCycle, order_deadline: float) -> str:
    """Return why a completed cycle is not to feed the timer, as a clause; "" when it is.

    Args:
        done: The cycle.
        order_deadline: Seconds that the longest order may take by the conf file.
    """
    if not done.holds or not done.peer_able:
        return ""
    return next(_hanging(done, order_deadline), "")


def _hanging(done: CompletedCycle, order_deadline: float) -> Iterator[str]:
    for what, age in sorted(done.looks.items()):
        if age >= LOOK_HANGS:
            yield f"the look at the {what} has not returned for {age:.0f} s"
    for order, age in sorted(done.orders.items(), key=lambda one: one[0].value):
        if age >= order_deadline + ORDER_HANGS:
            yield f"the order to {order.value} has not ended for {age:.0f} s"
