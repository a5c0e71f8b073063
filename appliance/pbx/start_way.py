"""Reads how the distribution starts Asterisk, and gives Asterisk's user the files that it must be able to write."""

from __future__ import annotations

import contextlib
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
_MOST_DIRECTORIES = 20_000  # that are looked into, so that a start is never held up for long
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


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
    """Return the name of the user to whom `path` belongs; "" when it does not exist, or its owner has no name here."""
    try:
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except (FileNotFoundError, KeyError):
        return ""


def make_writable(conf: Conf, way: StartWay) -> tuple[str, ...]:
    """Give the user of Asterisk what an earlier start as root has left where Asterisk writes.

    That is its database, and whole directories of its spool, its log and its run directory, such as a mailbox that was
    made then. Nothing that has a second name is given, and no link is followed: whoever may write there must not be
    given more (docs/adr/0016-root-follows-no-link.md).

    Returns what was mended, and what could not be, in sentences. Nothing here keeps Asterisk from being started.
    """
    if not way.user:
        return ()
    try:
        user = pwd.getpwnam(way.user)
    except KeyError:
        # A directory service may know it, which asha's own runtime cannot ask; Asterisk can.
        return (
            f"{way.user}, as whom Asterisk is started by {way.source}, is not in /etc/passwd: see to its files",
        )
    try:
        said = asterisk_conf(conf)
    except (OSError, HostError) as problem:
        return (f"asterisk.conf cannot be read: {problem}",)
    varlib, spool, log, run = (Path(said.get(key, default)) for key, default in DIRECTORIES.items())
    gift = _Gift(user)
    gift.give(varlib, files="astdb", deeper=False)
    gift.give(spool, files=None)
    gift.give(log, files="")
    gift.give(run, files="")
    return gift.told()


class _Gift:
    """What is given to one user; every directory is entered by its handle, so that none can be exchanged meanwhile."""

    def __init__(self, user: pwd.struct_passwd) -> None:
        self._user = user
        self._given: list[Path] = []
        self._left = _MOST_DIRECTORIES

    def give(self, place: Path, *, files: str | None, deeper: bool = True) -> None:
        """Give what is root's in `place`, which is made where it is missing.

        Args:
            place: The directory.
            files: Files whose names begin so are given; None gives those of a directory that is given itself, and
                does not look at the others, which may be many.
            deeper: Look into its directories too.
        """
        try:
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
            handle = os.open(place, _DIRECTORY)
        except OSError:
            return  # a link, or no directory: Asterisk says so itself
        self._enter(handle, place, files, deeper)

    def told(self) -> tuple[str, ...]:
        """Return what was given, in a sentence."""
        if not self._given:
            return ()
        listed = ", ".join(map(str, self._given[:3])) + (" and others" if self._given[3:] else "")
        return (f"{listed} belonged to root and now to {self._user.pw_name}, as whom Asterisk runs",)

    def _enter(self, handle: int, place: Path, files: str | None, deeper: bool) -> None:
        """Look at one directory, and close it."""
        with contextlib.suppress(OSError), _closing(handle), os.scandir(handle) as entries:
            begins, found = files, os.fstat(handle)
            if found.st_uid == 0:
                begins = files or ""
                os.fchown(handle, self._user.pw_uid, self._user.pw_gid)
                self._given.append(place)
            for entry in entries:
                with contextlib.suppress(OSError):  # it has gone, or is no longer what it was
                    if deeper and self._left and entry.is_dir(follow_symlinks=False):
                        self._left -= 1
                        self._go_deeper(handle, found.st_dev, place / entry.name, files)
                    elif begins is not None and entry.name.startswith(begins):
                        self._give_file(handle, entry, place)

    def _go_deeper(self, handle: int, device: int, place: Path, files: str | None) -> None:
        inner = os.open(place.name, _DIRECTORY, dir_fd=handle)
        if os.fstat(inner).st_dev != device:  # something else is mounted there
            os.close(inner)
            return
        self._enter(inner, place, files, deeper=True)

    def _give_file(self, directory: int, entry: os.DirEntry[str], place: Path) -> None:
        if not entry.is_file(follow_symlinks=False):
            return
        handle = os.open(entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        with _closing(handle):
            found = os.fstat(handle)
            if found.st_uid == 0 and stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                os.fchown(handle, self._user.pw_uid, self._user.pw_gid)
                self._given.append(place / entry.name)


@contextlib.contextmanager
def _closing(handle: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(handle)


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
