"""What is synchronised, by the conf file: directories and databases, and the names that never are."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable
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
