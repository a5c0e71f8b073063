"""What this machine says of how Asterisk is started, and the directories that its user must be able to write."""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.pbx_start import StartSources, StartWay, start_way
from appliance.host.text_files import lines_of, text_of
from appliance.host.units import unit_values

# asterisk.conf's [directories], and what holds without it.
DIRECTORIES = {
    "astvarlibdir": "/var/lib/asterisk",
    "astspooldir": "/var/spool/asterisk",
    "astlogdir": "/var/log/asterisk",
    "astrundir": "/var/run/asterisk",
}
_KEYS = ("User", "Group", "ExecStart", "LimitNOFILE", "OOMScoreAdjust")
# The later are what administrators edit, and win.
_SETTINGS = (
    "etc/init.d/asterisk",
    "etc/rc.d/init.d/asterisk",
    "etc/sysconfig/asterisk",
    "etc/default/asterisk",
)
_NAMES = "AST_USER|AST_GROUP|AST_REALTIME|MAXFILES|USER|GROUP"
_SETTING = re.compile(rf"""^(?:export\s+)?({_NAMES})=["']?([\w-]+)["']?\s*(#.*)?$""")
_MOST_MENDED = 10_000  # entries of one directory that are looked at


def read_start_way(conf: Conf, root: Path = Path("/")) -> StartWay:
    """Return how Asterisk is to be started here.

    Args:
        conf: The conf file; PBXSTART=plain leaves it to asterisk.conf alone.
        root: Where the machine's files are.

    Raises HostError when a file cannot be read.
    """
    if conf.pbx_start == "plain":
        return StartWay(source="PBXSTART=plain: asterisk.conf alone")
    try:
        said = asterisk_conf(conf, root)
        place = root / said.get("astvarlibdir", DIRECTORIES["astvarlibdir"]).lstrip("/")
        found = StartSources(said, unit_values(root, "asterisk", _KEYS), _settings(root), owner_of(place))
        return start_way(found)
    except OSError as problem:
        raise HostError(f"How Asterisk is started cannot be told: {problem}.") from problem


def distribution_user(root: Path) -> str:
    """Return the user as whom the unit or the init script starts Asterisk; "" when neither names one.

    Raises OSError.
    """
    return start_way(StartSources({}, unit_values(root, "asterisk", _KEYS), _settings(root))).user


def asterisk_conf(conf: Conf, root: Path = Path("/")) -> dict[str, str]:
    """Return the values in asterisk.conf by key; its sections have no key in common that is asked for here."""
    found = {}
    for line in lines_of(root / conf.asterisk_dir.relative_to("/") / "asterisk.conf"):
        key, equals, value = line.partition(";")[0].partition("=")
        if equals:
            found[key.strip().casefold()] = value.strip().removeprefix(">").strip()
    return found


def owner_of(path: Path) -> str:
    """Return the name of the user to whom `path` belongs; "" when it does not exist."""
    try:
        number = path.stat().st_uid
    except FileNotFoundError:
        return ""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"number {number}"


def make_writable(conf: Conf, way: StartWay) -> tuple[str, ...]:
    """Have the user of Asterisk own its directories, and what an earlier start as root has left in them.

    Nothing below another directory of theirs is looked at, nothing that has a second name, and no link is followed:
    whoever may write there must not be given more (docs/adr/0016-root-follows-no-link.md).

    Returns what was mended, in sentences. Raises HostError when there is no such user.
    """
    if not way.user:
        return ()
    try:
        user = pwd.getpwnam(way.user)
    except KeyError:
        raise HostError(
            f"Asterisk is to run as {way.user}, by {way.source}, and there is no such user.",
            todo="Make the user, or set runuser in asterisk.conf.",
        ) from None
    said = asterisk_conf(conf)
    places = [Path(said.get(key, default)) for key, default in DIRECTORIES.items()]
    return tuple(text for place in places for text in _given(place, user))


def _given(place: Path, user: pwd.struct_passwd) -> Iterator[str]:
    try:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return  # a link, or no directory: Asterisk says so itself
    try:
        names = [""] if os.fstat(handle).st_uid == 0 else []
        if names:
            os.fchown(handle, user.pw_uid, user.pw_gid)
        with os.scandir(handle) as entries:
            for _, entry in zip(range(_MOST_MENDED), entries, strict=False):
                if _give(handle, entry.name, user):
                    names.append(entry.name)
    except OSError:
        return
    finally:
        os.close(handle)
    if names:
        listed = ", ".join(str(place / name) for name in names[:3]) + (" and others" if names[3:] else "")
        yield f"{listed} belonged to root, and to {user.pw_name} now: Asterisk could not have written there"


def _give(directory: int, name: str, user: pwd.struct_passwd) -> bool:
    """Give one plain file of root's to the user; return whether that was so."""
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if found.st_uid != 0 or not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            return False
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError:
        return False
    try:
        now = os.fstat(handle)
        if (now.st_dev, now.st_ino, now.st_nlink) != (found.st_dev, found.st_ino, 1):
            return False
        os.fchown(handle, user.pw_uid, user.pw_gid)
    finally:
        os.close(handle)
    return True


def _settings(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for place in _SETTINGS:
        for line in text_of(root / place).splitlines():
            if setting := _SETTING.match(line.strip()):
                found[setting[1]] = setting[2]
    for name in ("USER", "GROUP"):
        if name in found:
            found.setdefault(f"AST_{name}", found[name])
    return found
