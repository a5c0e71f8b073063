"""Hosts to install .debs on: a Debian of its own, made once by mmdebstrap, booted with systemd."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hosts import Done
from systemd_host import SystemdHost

# What every server has; openssl makes the page's certificate.
_WITH = "systemd-sysv,iproute2,openssl"
_PACKAGES = "/srv/packages"


def debian_root(release: str, archive: Sequence[str] = (), also: Sequence[str] = ()) -> Path:
    """Return the root folder of that release.

    It is kept beside the runtime's archives; delete it to have it made anew. `archive`: the address of the archive that
    has the release, and the file with the keys by which it is signed, where it is not Debian's own. `also`: packages
    that it has besides.
    """
    cache = Path(os.environ.get("ASHA_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "asha"))
    cache = cache.expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    recipe = [
        "--variant=minbase",
        f"--include={','.join((_WITH, *(['apt'] if archive else []), *also))}",
        "--format=directory",
        "--aptopt=APT::Sandbox::User=root",
    ]
    words = [f"--keyring={archive[1]}", *recipe] if archive else recipe
    root = cache / f"debian-{release}-{hashlib.sha256(' '.join(recipe).encode()).hexdigest()[:16]}"
    with (cache / "debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            new = root.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            subprocess.run(
                ["mmdebstrap", "--quiet", *words, release, new, *archive[:1]], check=True, timeout=280
            )
            new.rename(root)
    return root


class DebianHost(SystemdHost):
    """Without a network; what apt installs is brought."""

    APART = (
        *("/proc", "/dev", "/sys", "/run", "/tmp", "/srv", "/var/cache", "/var/log/apt", "/var/log/journal"),
        *("/var/lib/dpkg", "/var/lib/apt", "/var/lib/systemd", "/var/tmp"),
    )

    def apt(self, *words: str) -> Done:
        """Run apt-get; whatever it asks, nobody answers."""
        return self.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", *words, timeout=150)

    def install(self, debs: Mapping[str, Path]) -> Done:
        return self.apt("install", *self.bring(debs))

    def bring(self, debs: Mapping[str, Path]) -> list[str]:
        self.path(_PACKAGES).mkdir(exist_ok=True)
        for deb in debs.values():
            shutil.copy(deb, self.path(_PACKAGES))
        return [f"{_PACKAGES}/{deb.name}" for deb in debs.values()]

    def state(self, package: str) -> str:
        """What dpkg has of it: "installed", "config-files", or "" when it knows nothing of it."""
        done = self.run("dpkg-query", "-W", "-f=${db:Status-Status}", package)
        return done.stdout.replace("not-installed", "")
