"""The named problems of synchronisation, each with what to do about it."""

from __future__ import annotations

import contextlib
import enum
import errno
import sqlite3
from collections.abc import Iterator

from appliance.core.errors import SyncError
from appliance.core.text import printable


class Fault(enum.Enum):
    """The name of a problem, as written in the history and in `--json`."""

    HOST_KEY_CHANGED = "host key changed"
    HOST_KEY_UNKNOWN = "host key not pinned"
    KEY_REFUSED = "key refused"
    KEY_PERMISSIONS = "wrong permissions"
    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"
    NO_RSYNC = "no rsync"
    NO_RSYNC_THERE = "no rsync at the other node"
    DISK_FULL = "disk full"
    SICK_SOURCE = "sick source"
    DAMAGED_DATABASE = "damaged database"
    UNSUPPORTED_DATABASE = "unsupported database"
    LOCKED_DATABASE = "locked database"
    UNREADABLE = "unreadable"
    DAMAGED_RECORD = "damaged record"
    CLOCK_SKEW = "clock skew"
    TELEPHONY = "telephony does not fit"
    NOT_ALLOWED = "not now"
    BUSY = "busy"
    OTHER = "other"

    @classmethod
    def named(cls, name: str) -> Fault:
        """Return the kind of that name, or OTHER for a name that this version does not know."""
        return next((kind for kind in cls if kind.value == name), cls.OTHER)


_TODO = {
    Fault.HOST_KEY_CHANGED: (
        "Installed again? 'asha ssh-setup --new-host-key' here. If not, somebody else answers there."
    ),
    Fault.HOST_KEY_UNKNOWN: "Run 'asha ssh-setup' on this node.",
    Fault.KEY_REFUSED: "Run 'asha ssh-setup' on this node.",
    Fault.KEY_PERMISSIONS: "Make the key readable by root only (chmod 600).",
    Fault.UNREACHABLE: "Look at sshd and the network there, and at HASSHPORT.",
    Fault.NO_RSYNC: "Install rsync, or set RSYNC to where it is.",
    Fault.NO_RSYNC_THERE: "Install rsync there, or set RSYNC there.",
    Fault.DAMAGED_DATABASE: "Bring back its last good copy; until then the other node keeps the version that it has.",
    Fault.UNSUPPORTED_DATABASE: "Asterisk 10 and SARK 4 and later keep SQLite 3, which is kept in step.",
    Fault.LOCKED_DATABASE: "See which program writes it ('fuser' names it); it comes as soon as that pauses.",
    Fault.UNREADABLE: "Look at the disk, and at what the kernel says of it ('dmesg').",
    Fault.DAMAGED_RECORD: "It was set aside beside its place; the next pass compares everything, and makes a new one.",
    Fault.DISK_FULL: "Make room; the last good state is still in place.",
    Fault.TELEPHONY: "'asha dahdi fit' compares both nodes.",
    Fault.CLOCK_SKEW: "Have both nodes keep their time by NTP.",
}


# Error numbers for which no single file is to blame.
OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class SyncProblem(SyncError):
    """A named problem: `kind` is for programs, the sentence for people.

    The sentence can be shown on a terminal whatever file names it contains.
    """

    def __init__(self, kind: Fault, message: str) -> None:
        super().__init__(printable(message), todo=_TODO.get(kind, ""))
        self.kind = kind

    @property
    def kind_name(self) -> str:
        """The name of the kind, as it is sent to the other node."""
        return self.kind.value


@contextlib.contextmanager
def problems_named() -> Iterator[None]:
    """Turn an OSError or sqlite3.Error of the body into a SyncProblem with a kind, such as a full disk."""
    try:
        yield
    except OSError as problem:
        kind = Fault.DISK_FULL if problem.errno in (errno.ENOSPC, errno.EDQUOT) else Fault.OTHER
        raise SyncProblem(kind, f"{problem.filename or 'The disk'}: {problem.strerror}.") from problem
    except sqlite3.Error as problem:
        raise SyncProblem(_record_kind(problem), f"The record of what is in step: {problem}.") from problem


@contextlib.contextmanager
def understood(host: str) -> Iterator[None]:
    """Turn an error in taking the peer's answer apart into a SyncProblem.

    The body reads the answer of `host`; a missing or odd value there raises SyncProblem.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise SyncProblem(Fault.OTHER, f"{host} answers in no language of ours ({problem}).") from problem


def _record_kind(problem: sqlite3.Error) -> Fault:
    if "full" in str(problem):
        return Fault.DISK_FULL
    # sqlite3.DatabaseError itself and no subclass means "file is not a database" or "disk image is malformed"
    # (PEP 249).
    return Fault.DAMAGED_RECORD if type(problem) is sqlite3.DatabaseError else Fault.OTHER
