"""Putting the data in order when Asterisk is about to start here."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable

from appliance.agent.this_node import ThisNode
from appliance.core.errors import attempt
from appliance.core.model import Node
from appliance.host.clock import Clock
from appliance.host.disk import lock_holder, lock_keepers
from appliance.host.paths import DATA, OWN_COMMAND
from appliance.host.process import run
from appliance.sync.newer_data_mark import set_mark
from appliance.sync.state import read_state, write_state

# A killed pass leaves processes behind that usually end at once; so many seconds are allowed.
_SETTLE_PATIENCE = 3.0
# A disk that hangs is not waited for longer than this, in seconds.
_DISK_PATIENCE = 5.0


def before_service(this_node: ThisNode, clock: Clock, *, owed: bool) -> None:
    """Put the data in order before Asterisk starts.

    Afterwards no other process touches them, and decided changes are in place. `owed`: the peer, which serves
    no longer, has data that are not here; they are merged first, for MERGEDEADLINE at the most. Blocking.
    Service comes first, so no failure here prevents the start; a failure is shown as a problem of the data.
    """
    if this_node.conf.synch != "LAZY" and not os.path.lexists(DATA.store):
        return
    from appliance.sync.session import settle  # noqa: PLC0415 - sqlite is loaded when it is needed

    steps = [_end_holder]
    if this_node.node is Node.SECONDARY:
        steps.append(lambda: set_mark(DATA, clock.wall()))
    else:
        steps += [lambda: _merge_last(this_node, owed=owed), _forget_age]
    if os.path.lexists(DATA.store):
        steps.append(lambda: settle(this_node.conf, DATA, clock, _SETTLE_PATIENCE))
    patience = this_node.conf.merge_deadline + _SETTLE_PATIENCE + _DISK_PATIENCE
    problem = " ".join(filter(None, (_problem_of(step, patience) for step in steps)))
    _problem_of(lambda: _say_unsettled(problem), _DISK_PATIENCE)


def _merge_last(this_node: ThisNode, *, owed: bool) -> None:
    """Merge what the peer still has, when data are owed.

    The outcome is in the history; what has not come across is merged while Asterisk serves.
    """
    if owed:
        run([*OWN_COMMAND, "sync", "last"], deadline=this_node.conf.merge_deadline)
        _end_holder()  # the processes it has started are not in its process group


def _forget_age() -> None:
    """Forget when the data were verified: from now on the data here grow different from the peer's."""
    state = read_state(DATA.state)
    if state.verified_at is not None:
        state.verified_at = None
        write_state(DATA.state, state)


def _problem_of(step: Callable[[], None], patience: float) -> str:
    """Return why `step` failed or was not done within `patience` seconds; "" when it was done.

    The wait is bounded because service comes first.
    """
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(attempt(step)), name="before service", daemon=True)
    thread.start()
    thread.join(patience)
    return said[0] if said else f"a step was not done after {patience:g} s: the disk hangs"


def _say_unsettled(problem: str) -> None:
    state = read_state(DATA.state)
    unsettled = f"Asterisk was started on data that may not be whole: {problem}" if problem else ""
    if state.unsettled != unsettled:
        state.unsettled = unsettled
        with contextlib.suppress(OSError):  # a disk that refuses this is reported elsewhere
            write_state(DATA.state, state)


def _end_holder() -> None:
    """Kill the process that holds the sync lock, and what that process has started.

    The holder is the agent's own worker or an operator's command. rsync is two processes: when the parent of
    one was killed, the other fetches on, and would hold the lock for as long.
    """
    holder = lock_holder(DATA.lock)
    if holder is not None:
        for number in (holder, *lock_keepers(DATA.lock)):
            _kill(number)


def _kill(number: int) -> None:
    if number > 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
