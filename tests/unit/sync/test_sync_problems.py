"""Problems by their names."""

from __future__ import annotations

import errno
import sqlite3

import pytest

from appliance.sync.problems import Kind, SyncProblem, problems_named
from appliance.sync.ssh import Ssh


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/var/x"), Kind.DISK_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), Kind.DISK_FULL),
        (OSError(errno.EIO, "Input/output error", "/var/x"), Kind.OTHER),
        (sqlite3.OperationalError("database or disk is full"), Kind.DISK_FULL),
        (sqlite3.DatabaseError("database disk image is malformed"), Kind.DAMAGED_RECORD),
    ],
)
def test_what_the_disk_refuses_has_a_name(problem: Exception, kind: Kind) -> None:
    with pytest.raises(SyncProblem) as caught, problems_named():
        raise problem
    assert caught.value.kind is kind
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("complaint", "kind"),
    [
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            Kind.HOST_KEY_CHANGED,
        ),
        ("No ED25519 host key is known\nHost key verification failed.", Kind.HOST_KEY_UNKNOWN),
        ("root@peer: Permission denied (publickey).", Kind.KEY_REFUSED),
        ("ssh: connect to host peer port 22: Connection refused", Kind.UNREACHABLE),
        ("client_loop: send disconnect: Broken pipe", Kind.INTERRUPTED),
        ("", Kind.INTERRUPTED),
    ],
)
def test_what_ssh_complains_of_has_a_name(complaint: str, kind: Kind) -> None:
    assert Ssh("peer", 22).diagnose(complaint, 255).kind is kind


def test_a_name_this_version_does_not_know_is_no_trouble() -> None:
    assert Kind.named("something newer") is Kind.OTHER
    assert [Kind.named(kind.value) for kind in Kind] == list(Kind)
