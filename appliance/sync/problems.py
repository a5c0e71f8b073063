"""Everything that can stand in the way of the data, each with its name and what to do about it."""

from __future__ import annotations

import contextlib
import enum
import errno
import sqlite3
from collections.abc import Iterator

from appliance.core.errors import SyncError
from appliance.core.words import printable


class Kind(enum.Enum):
    """The name of a problem, as it is in the history and in `--json`."""

    HOST_KEY_CHANGED = "host key changed"
    HOST_KEY_UNKNOWN = "host key not pinned"
    KEY_REFUSED = "key refused"
    KEY_PERMISSIONS = "wrong permissions"
    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"
    NO_RSYNC = "no rsync"
    NO_RSYNC_THERE = "no rsync at the peer"
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
    def named(cls, name: str) -> Kind:
        """The kind of that name; OTHER for a name this version does not know."""
        return next((kind for kind in cls if kind.value == name), cls.OTHER)


_TODO = {
    Kind.HOST_KEY_CHANGED: "Installed anew? 'asha ssh-setup --new-host-key' here. If not, somebody else answers there.",
    Kind.HOST_KEY_UNKNOWN: "Run 'asha ssh-setup' on this node.",
    Kind.KEY_REFUSED: "Run 'asha ssh-setup' on this node.",
    Kind.KEY_PERMISSIONS: "Make the key readable by root only (chmod 600).",
    Kind.UNREACHABLE: "Look at sshd and the network there, and at HASSHPORT.",
    Kind.NO_RSYNC: "Install rsync, or set RSYNC to where it is.",
    Kind.NO_RSYNC_THERE: "Install rsync there, or set RSYNC there.",
    Kind.DAMAGED_DATABASE: "Bring back its last good copy; until then the other node keeps the version that it has.",
    Kind.UNSUPPORTED_DATABASE: "Asterisk 10 and SARK 4 and later keep SQLite 3, which is kept in step.",
    Kind.LOCKED_DATABASE: "See which program writes it ('fuser' names it); it comes as soon as that pauses.",
    Kind.UNREADABLE: "Look at the disk, and at what the kernel says of it ('dmesg').",
    Kind.DAMAGED_RECORD: "It was set aside beside its place; the next pass compares everything, and makes a new one.",
    Kind.DISK_FULL: "Make room; the last good state is still in place.",
    Kind.TELEPHONY: "'asha dahdi fit' compares both nodes.",
    Kind.CLOCK_SKEW: "Have both nodes keep their time by NTP.",
}


# Errors that no single file is to blame for.
OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class SyncProblem(SyncError):
    """A named problem: `kind` for machines, the sentence for people, fit for a terminal whatever names are in it."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(printable(message), todo=_TODO.get(kind, ""))
        self.kind = kind

    @property
    def kind_name(self) -> str:
        """The kind as it travels."""
        return self.kind.value


@contextlib.contextmanager
def problems_named() -> Iterator[None]:
    """What the disk or SQLite refuses in the body comes out as a SyncProblem: a full disk is a problem with a name."""
    try:
        yield
    except OSError as problem:
        kind = Kind.DISK_FULL if problem.errno in (errno.ENOSPC, errno.EDQUOT) else Kind.OTHER
        raise SyncProblem(kind, f"{problem.filename or 'The disk'}: {problem.strerror}.") from problem
    except sqlite3.Error as problem:
        raise SyncProblem(_record_kind(problem), f"The record of what is in step: {problem}.") from problem


@contextlib.contextmanager
def understood(host: str) -> Iterator[None]:
    """For a body that takes the peer's answer apart: what is missing in it, or odd, comes out as a SyncProblem."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise SyncProblem(Kind.OTHER, f"{host} answers in no language of ours ({problem}).") from problem


def _record_kind(problem: sqlite3.Error) -> Kind:
    if "full" in str(problem):
        return Kind.DISK_FULL
    # sqlite3.DatabaseError itself, no subclass: "file is not a database", "disk image is malformed" (PEP 249).
    return Kind.DAMAGED_RECORD if type(problem) is sqlite3.DatabaseError else Kind.OTHER
