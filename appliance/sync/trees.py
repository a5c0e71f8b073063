"""What is synchronised, by the conf file: directories and databases, and the names that never are."""

from __future__ import annotations

import enum
import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Conf
from appliance.host.confined import open_step_by_step

# The prefix of asha's working files and directories in and beside a tree.
WORK_PREFIX = ".asha-"
_DATABASE_COMPANIONS = ("", "-wal", "-shm", "-journal")


class Care(enum.Enum):
    """How a tree's files are treated when both nodes have changed them."""

    FILES = "files"
    VOICEMAIL = "voicemail"


@dataclass(frozen=True, slots=True)
class Tree:
    """A directory of the conf file, or a file that OTHERn names. `key` names the tree for people."""

    key: str
    path: Path
    care: Care = Care.FILES

    def holds(self, path: bytes) -> bool:
        """Return whether `path` is the tree's top or lies in the tree."""
        top = os.fsencode(self.path)
        return path.startswith(top) and path[len(top) : len(top) + 1] in (b"", b"/")


def trees(conf: Conf) -> tuple[Tree, ...]:
    """Return the synchronised directories and files; one that lies in another is covered by that."""
    wanted = [
        Tree("GREETINGS", conf.greetings),
        Tree("ASTERISK", conf.asterisk_dir),
        Tree("VOICEMAIL", conf.voicemail, Care.VOICEMAIL),
        *(Tree(f"OTHER{number}", path) for number, path in enumerate(conf.others, 1)),
    ]
    guarded = telephony(conf)
    if guarded is not None:
        wanted.append(guarded)
    tops = {tree.path for tree in wanted}
    alone: dict[Path, Tree] = {}
    for tree in wanted:
        if not tops & set(tree.path.parents):
            alone.setdefault(tree.path, tree)
    return tuple(alone.values())


def telephony(conf: Conf) -> Tree | None:
    """Return the tree of DAHDI's directory, or None when it is not synchronised.

    The directory must fit this node's hardware, even where it lies in another tree.
    """
    return Tree("TELEPHONY", Path(conf.telephony)) if conf.telephony else None


def covers(scope: Iterable[str] | None, tree: Tree) -> bool:
    """Return whether a pass over the directories `scope` (None: all) looks at the whole of `tree`."""
    return scope is None or any(tree.path.is_relative_to(path) for path in scope)


def databases(conf: Conf) -> tuple[Path, ...]:
    """Return the SQLite files, which are copied as snapshots and never as plain files."""
    return tuple(dict.fromkeys((conf.db, conf.astdb)))


def companions(database: Path) -> tuple[Path, ...]:
    """Return the files that SQLite keeps beside `database`."""
    return tuple(database.with_name(database.name + end) for end in _DATABASE_COMPANIONS if end)


def tree_of(path: bytes, among: Iterable[Tree]) -> Tree | None:
    """Return the tree in which `path` lies, or None."""
    return next((tree for tree in among if tree.holds(path)), None)


def why_not_given(directory: str, among: Iterable[Tree]) -> str:
    """Return why the peer may not read `directory`, or "" when it may.

    A directory is refused when it is not named in full, lies in no tree, or is reached over a link that leads
    out of its tree.
    """
    tree = tree_of(os.fsencode(directory), among)
    if tree is None or os.path.normpath(directory) != directory or "\0" in directory:
        return f"{directory!r} is not in a directory that this node gives"
    try:
        os.close(open_step_by_step(tree.path))
    except FileNotFoundError:
        pass  # the tree does not exist, so nothing can be read
    except OSError as problem:
        return f"{tree.path} cannot be given: {problem.strerror}"
    top, real = os.path.realpath(tree.path), os.path.realpath(directory)
    if real != top and not real.startswith(top + "/"):
        return f"{directory!r} leads out of {tree.path} over a link"
    return ""


def excluded(conf: Conf, local_names: Iterable[str]) -> tuple[str, ...]:
    """Return rsync patterns of what is never synchronised.

    That is: databases, asha's working files, Asterisk's locks, and `local_names` in TELEPHONY's directory.
    """
    # Asterisk's locks on a folder. A copy of a lock would keep the mailbox on the other node locked for ever.
    patterns = [f"{WORK_PREFIX}*", ".lock", ".lock-????????"]
    for database in databases(conf):
        patterns += [_literal(f"{database}{end}") for end in _DATABASE_COMPANIONS]
    if conf.telephony:
        patterns += [_literal(f"{conf.telephony}/{name}") for name in sorted(local_names)]
    return tuple(patterns)


def _literal(path: str) -> str:
    """Return `path` as an rsync pattern that matches only itself.

    In a pattern a backslash escapes only where a wildcard is present (rsync(1)).
    """
    if not any(char in "*?[" for char in path):
        return path
    return "".join(f"\\{char}" if char in "*?[\\" else char for char in path)


# The description of one file as both nodes should have it, and how a file is looked at.


_PIECE = 1 << 18
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Raw sound has no header, and silence in it is zeros (Asterisk ships such files).
_ZEROS_ARE_SOUND = (b".raw", b".pcm", b".sln")
# A file that was being written at a crash may be left like this.
_NUL_BYTES = "it holds nothing but NUL bytes"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """The description of what is at one path.

    `kind`: "f" file, "l" link, "d" directory, "o" anything else, "" nothing there. `size` in bytes, `mtime`
    in nanoseconds since the epoch. `digest`: hex sha256 of a file's content or of a link's target, otherwise
    "". `trouble`: why the file is not fit to be copied, in words, or "". A file in trouble exists, but its
    state must not be copied to the other node.
    """

    path: bytes
    kind: str
    size: int = 0
    mtime: int = 0
    digest: str = ""
    trouble: str = ""

    @property
    def same_as(self) -> tuple[str, str]:
        """The value that is equal for two files with the same content."""
        return (self.kind, self.digest)


def look(path: bytes, at: bytes | None = None) -> TreeEntry:
    """Return an Entry named `path` for what is at `at` (by default at `path` itself).

    A link at the end of the path is not followed, but links on the way are. So call this for a node's own
    paths only; files below a synchronised directory are looked at by `Below.look`. Raises OSError.
    """
    return look_in(None, at if at is not None else path, path)


def look_in(directory: int | None, name: bytes, path: bytes) -> TreeEntry:
    """Return an Entry named `path` for `name` in the open `directory`.

    A link is not followed. Raises OSError.
    """
    try:
        seen = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISLNK(seen.st_mode):
            target = os.readlink(name, dir_fd=directory)
            return TreeEntry(path, "l", len(target), seen.st_mtime_ns, hashlib.sha256(target).hexdigest())
        if not stat.S_ISREG(seen.st_mode):  # a device is not opened: that may have an effect on it
            return TreeEntry(path, "d" if stat.S_ISDIR(seen.st_mode) else "o", 0, seen.st_mtime_ns)
        descriptor = os.open(name, _READ, dir_fd=directory)
    except (FileNotFoundError, NotADirectoryError):
        return TreeEntry(path, "")
    try:
        return _look_into(path, descriptor, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def look_anyway(path: bytes) -> TreeEntry:
    """Return what `look` returns, or the entry of `unreadable` for a file that cannot be read."""
    try:
        return look(path)
    except OSError as problem:
        return unreadable(path, problem)


def unreadable(path: bytes, problem: OSError) -> TreeEntry:
    """Return the entry of a file that exists but could not be read because of `problem`."""
    return TreeEntry(path, "o", trouble=f"it cannot be read ({problem.strerror})")


def _look_into(path: bytes, descriptor: int, seen: os.stat_result) -> TreeEntry:
    if not stat.S_ISREG(seen.st_mode):
        return TreeEntry(path, "o", 0, seen.st_mtime_ns)  # a file was there a moment ago, and was replaced
    digest, size, zeros = hashlib.sha256(), 0, True
    while True:
        # One piece for a file of common size: a bigger buffer costs more than the reading.
        wanted = min(max(seen.st_size - size, 0) + 1, _PIECE)
        piece = os.read(descriptor, wanted)
        digest.update(piece)
        size += len(piece)
        zeros = zeros and not piece[:1].strip(b"\0") and piece.count(0) == len(piece)
        if len(piece) < wanted:
            break  # the end
    zeros = zeros and size > 0 and not _is_sound(path)
    return TreeEntry(path, "f", size, seen.st_mtime_ns, digest.hexdigest(), _NUL_BYTES if zeros else "")


def _is_sound(path: bytes) -> bool:
    return os.path.splitext(path)[1].startswith(_ZEROS_ARE_SOUND)


# The traits of a directory: how many files it holds, and whether any has rare features.
#
# The features are ACLs, extended attributes and holes, for which rsync takes much longer. `Rsync.fetch` is told
# which of them occur.


_GONE = (errno.ENOENT, errno.ENOTDIR)


@dataclass(frozen=True, slots=True)
class Traits:
    """What occurs in a directory.

    `attributes`: a file has an ACL or another extended attribute. `holes`: a file has holes. `entries`: how
    many files and directories there are; 0 when nobody has counted.
    """

    attributes: bool
    holes: bool
    entries: int = 0


ALL = Traits(attributes=True, holes=True)


def traits_of(tops: Iterable[str]) -> Traits:
    """Return the traits of everything at and below `tops`.

    A file that vanishes meanwhile has no traits. What cannot be determined counts as occurring.
    """
    attributes = holes = False
    entries = 0
    for path in (path for top in tops if os.path.lexists(top) for path in _below(os.fsencode(top))):
        entries += 1
        attributes = attributes or _has_attributes(path)
        holes = holes or _has_holes(path)
    return Traits(attributes, holes, entries)


def _below(top: bytes) -> Iterator[bytes]:
    yield top
    for directory, directories, names in os.walk(top):
        for name in (*directories, *names):
            yield directory + b"/" + name


def _attributes(path: bytes) -> list[str]:
    """Return the names of the extended attributes of `path`, none where the filesystem has no attributes.

    Raises OSError.
    """
    try:
        return os.listxattr(path, follow_symlinks=False)
    except OSError as problem:
        if problem.errno == errno.ENOTSUP:
            return []
        raise


def _has_attributes(path: bytes) -> bool:
    try:
        return bool(_attributes(path))
    except OSError as problem:
        return problem.errno not in _GONE


def _has_holes(path: bytes) -> bool:
    try:
        seen = os.lstat(path)
    except OSError as problem:
        return problem.errno not in _GONE
    return stat.S_ISREG(seen.st_mode) and seen.st_blocks * 512 < seen.st_size
