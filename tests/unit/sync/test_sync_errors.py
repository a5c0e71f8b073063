"""Problems by their names."""

from __future__ import annotations

import errno
import sqlite3

import pytest

from appliance.sync.errors import Fault, SyncProblem, problems_named
from appliance.sync.ssh import Ssh


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/var/x"), Fault.DISK_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), Fault.DISK_FULL),
        (OSError(errno.EIO, "Input/output error", "/var/x"), Fault.OTHER),
        (sqlite3.OperationalError("database or disk is full"), Fault.DISK_FULL),
        (sqlite3.DatabaseError("database disk image is malformed"), Fault.DAMAGED_RECORD),
    ],
)
def test_what_the_disk_refuses_has_a_name(problem: Exception, kind: Fault) -> None:
    with pytest.raises(SyncProblem) as caught, problems_named():
        raise problem
    assert caught.value.kind is kind
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("complaint", "kind"),
    [
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            Fault.HOST_KEY_CHANGED,
        ),
        ("No ED25519 host key is known\nHost key verification failed.", Fault.HOST_KEY_UNKNOWN),
        ("root@peer: Permission denied (publickey).", Fault.KEY_REFUSED),
        ("ssh: connect to host peer port 22: Connection refused", Fault.UNREACHABLE),
        ("client_loop: send disconnect: Broken pipe", Fault.INTERRUPTED),
        ("", Fault.INTERRUPTED),
    ],
)
def test_what_ssh_complains_of_has_a_name(complaint: str, kind: Fault) -> None:
    assert Ssh("peer", 22).diagnose(complaint, 255).kind is kind


def test_a_name_this_version_does_not_know_is_no_trouble() -> None:
    assert Fault.named("something newer") is Fault.OTHER
    assert [Fault.named(kind.value) for kind in Fault] == list(Fault)
