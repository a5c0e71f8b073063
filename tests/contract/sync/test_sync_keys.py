"""authorized_keys: one line of ours, everybody else's as they are; and what is no key is none."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from appliance.core.errors import SyncError
from appliance.sync import ssh_access
from appliance.sync.ssh import Ssh, _persistence


@pytest.fixture
def key(tmp_path: Path) -> str:
    return ssh_access.make_key(tmp_path / "ssh")


def test_a_key_is_made_once_and_for_root_alone(tmp_path: Path, key: str) -> None:
    assert key.startswith("ssh-ed25519 AAAA")
    assert ssh_access.make_key(tmp_path / "ssh") == key
    assert stat.S_IMODE((tmp_path / "ssh").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "ssh/id").stat().st_mode) == 0o600
    assert "SHA256:" in ssh_access.fingerprint(key)


def test_a_lost_private_half_is_made_anew(tmp_path: Path, key: str) -> None:
    (tmp_path / "ssh/id").unlink()
    assert ssh_access.make_key(tmp_path / "ssh") != key


def test_accepting_keeps_every_other_line(tmp_path: Path, key: str) -> None:
    place = tmp_path / ".ssh/authorized_keys"
    place.parent.mkdir(mode=0o700)
    others = b"# ours\x0c and\xc2\x85 odd\nssh-rsa AAAAB3 admin@caf\xe9\n"
    place.write_bytes(others)
    assert ssh_access.accept_key(key, tmp_path)
    text = place.read_bytes()
    assert text.startswith(others)
    assert text.count(b"\n") == 3
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert not ssh_access.accept_key(key, tmp_path)
    assert place.read_bytes() == text


def test_a_file_kept_elsewhere_stays_there(tmp_path: Path, key: str) -> None:
    kept = tmp_path / "kept"
    kept.write_text("# theirs\n")
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/authorized_keys").symlink_to(kept)
    assert ssh_access.accept_key(key, tmp_path)
    assert (tmp_path / ".ssh/authorized_keys").is_symlink()
    assert key in kept.read_text()


def test_a_new_key_takes_the_old_ones_place(tmp_path: Path, key: str) -> None:
    ssh_access.accept_key(key, tmp_path)
    fresh = ssh_access.make_key(tmp_path / "other")
    assert ssh_access.accept_key(f"{fresh} somebody", tmp_path)
    (line,) = (tmp_path / ".ssh/authorized_keys").read_text().splitlines()
    assert line.startswith('command="') and "no-pty,no-port-forwarding" in line
    assert fresh in line and key not in line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-dss AAAAB3NzaC1kc3MAAAA",
        'command="sh" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA',
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB",
    ],
)
def test_what_is_no_key_is_not_accepted(tmp_path: Path, text: str) -> None:
    with pytest.raises(SyncError):
        ssh_access.accept_key(text, tmp_path)
    assert not (tmp_path / ".ssh/authorized_keys").exists()


def test_pinned_is_what_was_pinned(tmp_path: Path, key: str) -> None:
    assert ssh_access.pinned(tmp_path / "none") == ()
    ssh_access.pin(tmp_path / "fresh", [key])
    assert ssh_access.pinned(tmp_path / "fresh") == (key,)


def old_keygen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, makes: str) -> None:
    """A stand-in on PATH, of a time before ed25519; a short key is quick to make."""
    real = shutil.which("ssh-keygen")
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin/ssh-keygen"
    stand_in.write_text(
        '#!/bin/bash\n[[ " $* " == *" -t ' + makes + ' "* ]] || { echo unknown key type >&2; exit 1; }\n'
        f'echo "$*" >>{tmp_path}/asked; exec {real} "${{@//3072/1024}}"\n'
    )
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")


def test_where_ssh_keygen_is_too_old_an_rsa_key_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_keygen(tmp_path, monkeypatch, makes="rsa")
    key = ssh_access.make_key(tmp_path / "ssh")
    assert key.startswith("ssh-rsa AAAA")
    assert "-b 3072" in (tmp_path / "asked").read_text()
    assert ssh_access.make_key(tmp_path / "ssh") == key
    assert ssh_access.accept_key(key, tmp_path)


def test_where_it_makes_neither_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_keygen(tmp_path, monkeypatch, makes="dsa")
    with pytest.raises(SyncError, match="neither an ed25519 nor an RSA key"):
        ssh_access.make_key(tmp_path / "ssh")


def test_a_peer_that_is_too_old_gets_an_rsa_key(tmp_path: Path) -> None:
    modern = ssh_access.make_key(tmp_path / "ssh")
    old = ssh_access.make_key(tmp_path / "ssh", rsa=True)
    assert modern.startswith("ssh-ed25519 ") and old.startswith("ssh-rsa ")
    assert ssh_access.make_key(tmp_path / "ssh", rsa=True) == old == ssh_access.make_key(tmp_path / "ssh")


def test_a_peer_is_old_that_shows_no_ed25519() -> None:
    assert ssh_access.is_old(["ssh-rsa AAAA", "ssh-dss AAAA"])
    assert not ssh_access.is_old(["ssh-rsa AAAA", "ssh-ed25519 AAAA"])


@pytest.mark.parametrize(
    ("version", "kept"),
    [
        ("OpenSSH_4.3p2, OpenSSL 0.9.8e", False),
        ("OpenSSH_5.5p1", False),
        ("OpenSSH_5.6p1", True),
        ("?", True),
    ],
)
def test_a_connection_is_kept_where_ssh_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, kept: bool
) -> None:
    stand_in = tmp_path / "ssh"
    stand_in.write_text(f'#!/bin/sh\necho "{version}" >&2\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("appliance.sync.ssh._persistence", _persistence.__wrapped__)
    assert ("-oControlPersist=300" in Ssh("peer", 22).options()) is kept
