"""Waiting for an action no longer than a deadline, even when a driver in the kernel never returns."""

from __future__ import annotations

import threading
from collections.abc import Callable

from appliance.hw.relay import CardSilent

_left_behind: dict[str, threading.Thread] = {}


def still_hangs(what: str) -> bool:
    """Tell whether the last `within` of that name that was left behind has not returned yet.

    A question that is asked again and again asks this first, or its threads pile up for as long as the device hangs.
    """
    thread = _left_behind.get(what)
    return thread is not None and thread.is_alive()


def within(action: Callable[[], None], deadline: float, what: str) -> None:
    """Run `action` in a thread of its own and raise here what it raises there.

    A system call on a sick tty (open, tcdrain, close) can block beyond the reach of any timeout. After
    `deadline` seconds the thread is left behind and CardSilent is raised; an action must therefore check the
    time before it does anything that cannot be undone.
    """
    errors: list[BaseException] = []

    def body() -> None:
        try:
            action()
        except BaseException as error:  # every exception is passed on to the caller
            errors.append(error)

    thread = threading.Thread(target=body, name=f"card: {what}", daemon=True)
    thread.start()
    thread.join(deadline)
    if errors:
        raise errors[0]
    if thread.is_alive():
        _left_behind[what] = thread
        raise CardSilent(
            f"{what} was still not done after {deadline:g} s: its tty or driver hangs.",
            todo="Unplug the card and plug it in again; the line is then at the secondary.",
        )
