"""Everything that `make kickstart` makes: the files, the package repository beside them, and the data ISO."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from appliance.cluster.pacemaker.config_files import AUTHKEY, new_key
from appliance.core.errors import HostError
from appliance.host.process import run
from kickstart.media import write_data_iso
from kickstart.release import HEARTBEAT, PACEMAKER, RELEASES
from kickstart.render import render
from kickstart.site import ROLES, Site
from kickstart.validate import validate

CONTENT = "asha"
DATA_ISO = "asha.iso"
# What the file is called that keeps the secret of a pair, and what makes one.
_SECRETS: dict[str, tuple[str, Callable[[], str]]] = {
    HEARTBEAT: ("secret", lambda: secrets.token_hex(20)),
    PACEMAKER: (AUTHKEY, new_key),
}


def build(site: Site, rpms: Path, out: Path) -> None:
    """Replace the content of the folder `out`, which only its owner may read.

    The files hold the cluster engine's secret. `rpms` is the folder that `make rpm` has filled. Raises HostError when
    that has no packages, InvalidKickstart, or what the tools for the media raise.
    """
    packages = _package_sets(rpms)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    out.chmod(0o700)
    content = out / CONTENT
    shutil.rmtree(content, ignore_errors=True)
    content.mkdir(mode=0o755)
    _write_files(site, content, kept_secret(site, out))
    for folder, found in packages.items():
        _write_repository(site, found, content / folder)
    write_data_iso(content, site.release, out / DATA_ISO)


def kept_secret(site: Site, out: Path) -> str:
    """Return the secret of this pair's cluster engine, which is made once and kept in `out`.

    A node that is installed later must have the same secret as its peer.
    """
    suffix, make = _SECRETS[site.engine]
    path = out / f"{'+'.join(node.name for node in site.nodes)}.{suffix}"
    if not path.exists():
        # The file is never readable by others, nor half written.
        new = path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
            file.write(make())
        new.replace(path)
    return path.read_text()


def _write_files(site: Site, content: Path, secret: str) -> None:
    for release in (one for one in RELEASES if one.runs(site.engine)):
        paths = []
        for role in (*ROLES, None):
            path = content / (f"{release.name}-{role}.ks" if role else f"{release.name}.ks")
            path.touch(0o600)
            path.write_text(render(site, release, role, secret))
            paths.append(path)
        validate(release, *paths)


def _package_sets(rpms: Path) -> Mapping[str, tuple[Path, ...]]:
    """Return our packages for each folder of a medium: those that every rpm takes, and those of SHA-256 digests.

    Raises HostError when there is no set of the latter.
    """
    sets = {"rpm": tuple(rpms.glob("*.rpm")), "rpm-el6": tuple((rpms / "el6").glob("*.rpm"))}
    if missing := [rpms if folder == "rpm" else rpms / "el6" for folder, found in sets.items() if not found]:
        raise HostError(f"There are no packages in {missing[0]}.", todo="'make rpm' builds them.")
    return sets


def _write_repository(site: Site, packages: tuple[Path, ...], folder: Path) -> None:
    folder.mkdir(mode=0o755)
    for rpm in (*packages, *site.extra.values()):
        shutil.copy(rpm, folder)
    lines = (f"{_sha256(path)}  {path.name}\n" for path in sorted(folder.glob("*.rpm")))
    (folder / "SHA256SUMS").write_text("".join(lines))
    # As in rpm/build: options that the yum of EL7 can read too.
    done = run(
        ["createrepo_c", "--quiet", "--checksum", "sha", "--simple-md-filenames", "--no-database", folder],
        deadline=120,
    )
    if done.code != 0:
        raise HostError(f"The repository could not be made: {done.explain()}.")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
