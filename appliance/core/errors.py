"""The tree of errors, with one exit code for each branch; only the command line exits."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar


class AshaError(Exception):
    """An error that the user must hear of: what was tried, what happened, what to do.

    `str(error)` is one sentence that a tired person can act on.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, todo: str = "") -> None:
        super().__init__(message)
        self.todo = todo

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message} {self.todo}" if self.todo else message


class UserError(AshaError):
    """A mistake on the command line or in the conf file."""

    exit_code = 2


class HostError(AshaError):
    """Something that the machine lacks: a program, a permission, a file."""

    exit_code = 3


class HardwareError(AshaError):
    """A relay card, its tty or a span that did not do what was asked."""

    exit_code = 4


class ClusterError(AshaError):
    """A refusal of Heartbeat or of the agent, or a failure to reach them."""

    exit_code = 5


class RequestDropped(ClusterError):
    """The engine says that it drops a request to move service, for another `seconds_left`."""

    def __init__(self, message: str, *, todo: str, seconds_left: float) -> None:
        super().__init__(message, todo=todo)
        self.seconds_left = seconds_left


class SyncError(AshaError):
    """Data that could not be brought across or did not pass their checks."""

    exit_code = 6


def attempt(action: Callable[[], object]) -> str:
    """Call `action` and return what went wrong, in words for people; "" when it succeeded."""
    try:
        action()
    except (AshaError, OSError) as problem:
        return str(problem)
    return ""
