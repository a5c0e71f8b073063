"""Giving up the rights of root for good."""

from __future__ import annotations

import ctypes
import os
import pwd

from appliance.core.errors import HostError

_PR_SET_NO_NEW_PRIVS = 38  # prctl(2); a kernel before 3.5 does not know it


def become_user(name: str) -> None:
    """Continue as the user `name`, without a way back. Raises HostError.

    A process that does not run as root keeps its user.
    """
    if os.geteuid() != 0:
        return
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise HostError(
            f"There is no user {name} on this machine, and root is not to do its work.",
            todo=f"The package asha makes it; by hand: useradd -r -s /sbin/nologin {name}.",
        ) from None
    if entry.pw_uid == 0:
        raise HostError(f"The user {name} is root under another name.", todo="Give it a number of its own.")
    try:
        os.setgroups([entry.pw_gid])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    except OSError as problem:
        raise HostError(f"The rights of {name} could not be taken: {problem.strerror}.") from problem
    os.umask(0o077)
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
