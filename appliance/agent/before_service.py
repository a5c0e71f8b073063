"""Asterisk is about to start here: order among the data first."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable

from appliance.agent.places import DATA, OWN_COMMAND
from appliance.agent.site import Site
from appliance.core.errors import AshaError
from appliance.core.model import Node
from appliance.host.clock import Clock
from appliance.host.disk import lock_holder, lock_keepers
from appliance.host.process import run
from appliance.sync.served import set_mark
from appliance.sync.state import read_state, write_state

# What a killed pass has started ends at once, as a rule.
_SETTLE_PATIENCE = 3.0
# A disk that hangs is not waited for, in seconds.
_DISK_PATIENCE = 5.0


def before_service(site: Site, clock: Clock, *, owed: bool) -> None:
    """Asterisk is about to start here: nobody touches its data any more, and what was decided is in place.

    `owed`: the peer, which serves no longer, has data that are not here: they are merged first, for MERGEDEADLINE at
    the most. Blocking. Service comes first, so nothing that goes wrong refuses it; it is shown as the data's problem.
    """
    if site.conf.synch != "LAZY" and not os.path.lexists(DATA.store):
        return
    from appliance.sync.session import settle  # noqa: PLC0415 - sqlite is loaded when it is needed

    steps = [_end_holder]
    if site.node is Node.SECONDARY:
        steps.append(lambda: set_mark(DATA, clock.wall()))
    else:
        steps += [lambda: _merge_last(site, owed=owed), _forget_age]
    if os.path.lexists(DATA.store):
        steps.append(lambda: settle(site.conf, DATA, clock, _SETTLE_PATIENCE))
    patience = site.conf.merge_deadline + _SETTLE_PATIENCE + _DISK_PATIENCE
    problem = " ".join(filter(None, (_problem_of(step, patience) for step in steps)))
    _problem_of(lambda: _say_unsettled(problem), _DISK_PATIENCE)


def _merge_last(site: Site, *, owed: bool) -> None:
    """How it went is in the history; what has not come is merged while Asterisk serves."""
    if owed:
        run([*OWN_COMMAND, "sync", "last"], deadline=site.conf.merge_deadline)
        _end_holder()  # what it has started is not of its group


def _forget_age() -> None:
    """From now on what is here grows different from what the peer had."""
    state = read_state(DATA.state)
    if state.verified_at is not None:
        state.verified_at = None
        write_state(DATA.state, state)


def _problem_of(step: Callable[[], None], patience: float) -> str:
    """Why `step` failed or was not done within `patience` seconds; "" when it was. Service comes first."""
    said: list[str] = []

    def body() -> None:
        try:
            step()
        except (AshaError, OSError) as problem:
            said.append(str(problem))
        else:
            said.append("")

    thread = threading.Thread(target=body, name="before service", daemon=True)
    thread.start()
    thread.join(patience)
    return said[0] if said else f"a step was not done after {patience:g} s: the disk hangs"


def _say_unsettled(problem: str) -> None:
    state = read_state(DATA.state)
    unsettled = f"Asterisk was started on data that may not be whole: {problem}" if problem else ""
    if state.unsettled != unsettled:
        state.unsettled = unsettled
        with contextlib.suppress(OSError):  # then the disk says the same in louder ways
            write_state(DATA.state, state)


def _end_holder() -> None:
    """Kill whoever holds the sync lock, the agent's own worker or an operator's command, and what that has started.

    rsync is two processes: of one whose parent was killed the other fetches on, and would hold the lock for as long.
    """
    holder = lock_holder(DATA.lock)
    if holder is not None:
        for number in (holder, *lock_keepers(DATA.lock)):
            _kill(number)


def _kill(number: int) -> None:
    if number > 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
