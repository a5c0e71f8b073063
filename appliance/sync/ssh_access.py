"""The ssh key for fetching the peer's data: made on this node, accepted on the other, limited to that."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import pwd
import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from appliance.core.errors import HostError, SyncError
from appliance.host.disk import read_small, replace_file
from appliance.host.process import find_program, run
from appliance.sync.ssh import PEER_ALIAS, Ssh

COMMENT = "asha-peer"
# In the folder of keys: our private and public key, and the host keys pinned of the peer.
KEY_FILES = ("id", "id.pub", "known_hosts")
# OpenSSH 7.2 has `restrict` for this. EL5 has OpenSSH 4.3, which knows these four options.
_LIMITS = "no-pty,no-port-forwarding,no-X11-forwarding,no-agent-forwarding"
_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]+=*)")
_PATIENCE = 20.0


def forced_command() -> str:
    """Return the command that sshd runs whatever the key's holder asks for: this interpreter and package."""
    return f"{shlex.quote(sys.executable)} -I -m appliance.cli sync-source"


def make_key(keys: Path, *, rsa: bool = False) -> str:
    """Return our public key, and make the pair of keys if there is none.

    The key is ed25519, or RSA where ssh-keygen is too old for that. `rsa`: the peer is too old for anything
    but RSA, so a key of ours of another type is replaced. Raises SyncError.
    """
    private, public = keys / "id", keys / "id.pub"
    fit = private.exists() and public.exists() and not (rsa and not public.read_text().startswith("ssh-rsa "))
    if not fit:
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        private.unlink(missing_ok=True)
        public.unlink(missing_ok=True)
        made = None if rsa else _keygen("-q", "-t", "ed25519", "-N", "", "-C", COMMENT, "-f", str(private))
        if made is None and _keygen("-q", "-t", "rsa", "-b", "3072", "-N", "", "-f", str(private)) is None:
            raise SyncError("ssh-keygen makes neither an ed25519 nor an RSA key.")
    keys.chmod(0o700)
    private.chmod(0o600)
    return plain_key(public.read_text())


def plain_key(text: str) -> str:
    """Return the type and the body of the one public key in `text`, without its comment.

    Raises SyncError when `text` is no single public key.
    """
    lines = text.strip().splitlines()
    found = _KEY.match(lines[0]) if len(lines) == 1 else None
    if found is None:
        raise SyncError("That is no public key of ours: one line, as in /var/lib/asha/ssh/id.pub, is wanted.")
    kind, body = found.groups()
    try:
        named = base64.b64decode(body, validate=True)[4 : 4 + len(kind)].decode()
    except (binascii.Error, UnicodeDecodeError):
        named = ""
    if named != kind:
        raise SyncError("That public key is damaged.")
    return f"{kind} {body}"


def accept_key(key: str, home: Path | None = None) -> bool:
    """Let the holder of `key` ask for our data, and no earlier key of the peer's any more.

    `home` is root's home (None: as the password database says). Returns whether authorized_keys was changed.
    """
    directory = (home or Path(pwd.getpwuid(0).pw_dir)) / ".ssh"
    directory.mkdir(mode=0o700, exist_ok=True)
    place = (directory / "authorized_keys").resolve()  # the file may be a link
    before = place.read_text(errors="surrogateescape") if place.exists() else ""
    after = with_key(before, plain_key(key))
    if after == before:
        return False
    replace_file(place, os.fsencode(after), 0o600)
    return True


def accepted_key(home: Path | None = None) -> str:
    """Return the key of the peer that is accepted here, or "" while there is none."""
    place = (home or Path(pwd.getpwuid(0).pw_dir)) / ".ssh/authorized_keys"
    try:
        lines = place.read_text(errors="surrogateescape").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    ours = [line for line in lines if line.rstrip().endswith(f" {COMMENT}")]
    found = _KEY.search(ours[-1]) if ours else None
    return found.group() if found else ""


def own_host_keys(directory: Path = Path("/etc/ssh")) -> tuple[str, ...]:
    """Return the host keys that sshd of this machine shows, each as `type key`.

    Raises SyncError when there are none.
    """
    found = set()
    for path in sorted(directory.glob("*.pub")):
        with contextlib.suppress(OSError, SyncError):  # a key type too old to be pinned, or no key
            found.add(plain_key(path.read_text(errors="replace")))
    if not found:
        raise SyncError(f"There is no host key of sshd's in {directory}. Start sshd once: it makes them.")
    return tuple(sorted(found))


def with_key(text: str, key: str) -> str:
    """Return the authorized_keys `text` with `key` as the peer's only key.

    Every line that is not asha's stays as it is.
    """
    line = f'command="{forced_command()}",{_LIMITS} {key} {COMMENT}'
    others = [
        other for other in text.removesuffix("\n").split("\n") if not other.rstrip().endswith(f" {COMMENT}")
    ]
    return "\n".join([*others, line] if text else [line]) + "\n"


def scan(ssh: Ssh) -> tuple[str, ...]:
    """Return the host keys that the server at the address of `ssh` shows, each as `type key`.

    Raises SyncError when no server answers.
    """
    said = run([find_program("ssh-keyscan"), "-T", "5", "-p", str(ssh.port), ssh.host], deadline=_PATIENCE)
    found = {" ".join(line.split()[1:3]) for line in said.output.splitlines() if not line.startswith("#")}
    if not found:
        raise SyncError(f"No ssh server answers at {ssh.host}, port {ssh.port} (HASSHPORT).")
    return tuple(sorted(found))


def is_old(host_keys: Iterable[str]) -> bool:
    """Return whether a host showing `host_keys` is too old for ed25519, as before OpenSSH 6.5.

    Such a host accepts no ed25519 key of ours either.
    """
    return not any(key.startswith("ssh-ed25519 ") for key in host_keys)


def pinned(keys: Path) -> tuple[str, ...]:
    """Return the pinned host keys of the peer, an empty tuple while there are none.

    Raises SyncError when known_hosts cannot be read.
    """
    try:
        content = read_small(keys / "known_hosts")
    except OSError as problem:
        raise SyncError(f"{keys / 'known_hosts'} could not be read: {problem.strerror}.") from problem
    return pinned_in((content or b"").decode(errors="replace"))


def pinned_in(text: str) -> tuple[str, ...]:
    """Return the peer's host keys in `text`, the content of a known_hosts file."""
    lines = text.splitlines()
    return tuple(sorted(" ".join(line.split()[1:3]) for line in lines if line.startswith(f"{PEER_ALIAS} ")))


def pin(keys: Path, host_keys: Iterable[str]) -> None:
    """Pin `host_keys`: from now on only a host with one of them is the peer."""
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(keys / "known_hosts", "".join(f"{PEER_ALIAS} {key}\n" for key in host_keys), 0o600)


def fingerprint(key: str) -> str:
    """Return the fingerprint of `key`, by which people compare keys. Raises SyncError."""
    said = _keygen("-l", "-f", "/dev/stdin", text=f"{key}\n")
    if said is None:
        raise SyncError("ssh-keygen cannot read that key.")
    return said.strip()


def _keygen(*words: str, text: str | None = None) -> str | None:
    """Run ssh-keygen and return its output, or None when it fails.

    Raises SyncError when ssh-keygen is not installed.
    """
    try:
        said = run([find_program("ssh-keygen"), *words], deadline=_PATIENCE, stdin=text)
    except HostError as problem:
        raise SyncError(str(problem)) from problem
    return said.output if said.ok else None
