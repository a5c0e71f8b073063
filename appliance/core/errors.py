"""The small tree of errors. One exit code for each branch; only the command line exits."""

from __future__ import annotations

from typing import ClassVar


class AshaError(Exception):
    """Something the user must hear of: what was tried, what happened, what to do.

    `str(error)` is one sentence a tired person can act on.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, todo: str = "") -> None:
        super().__init__(message)
        self.todo = todo

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message} {self.todo}" if self.todo else message


class UserError(AshaError):
    """Wrong words on the command line or in the conf file."""

    exit_code = 2


class HostError(AshaError):
    """The machine lacks something: a program, a permission, a file."""

    exit_code = 3


class HardwareError(AshaError):
    """The relay card, its tty or a span did not do what was asked."""

    exit_code = 4


class ClusterError(AshaError):
    """Heartbeat or the agent refused, or could not be reached."""

    exit_code = 5


class SyncError(AshaError):
    """Data could not be brought across or did not pass its checks."""

    exit_code = 6
