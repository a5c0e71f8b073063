"""What is kept in step, from the conf file: directories and databases, and what never travels."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Conf
from appliance.host.confined import open_step_by_step

# Our own working directories beside a tree, and rsync's unfinished files.
WORK_PREFIX = ".asha-"
_DATABASE_COMPANIONS = ("", "-wal", "-shm", "-journal")


class Care(enum.Enum):
    """How the files of a tree are looked upon when both nodes have changed them."""

    FILES = "files"
    VOICEMAIL = "voicemail"


@dataclass(frozen=True, slots=True)
class Tree:
    """One directory of the conf file, or one file that OTHERn names; `key` names it for people."""

    key: str
    path: Path
    care: Care = Care.FILES

    def holds(self, path: bytes) -> bool:
        """`path` is the tree's top or lies in it."""
        top = os.fsencode(self.path)
        return path.startswith(top) and path[len(top) : len(top) + 1] in (b"", b"/")


def trees(conf: Conf) -> tuple[Tree, ...]:
    """The directories and files, each once: one that lies in another is left to that."""
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
    """DAHDI's directory, which must fit this node's hardware even where it lies in another tree; None: not in step."""
    return Tree("TELEPHONY", Path(conf.telephony)) if conf.telephony else None


def covers(scope: Iterable[str] | None, tree: Tree) -> bool:
    """A pass over the directories `scope` (None: all) looks at the whole of `tree`."""
    return scope is None or any(tree.path.is_relative_to(path) for path in scope)


def databases(conf: Conf) -> tuple[Path, ...]:
    """The SQLite files that are copied by SQLite itself, never as files."""
    return tuple(dict.fromkeys((conf.db, conf.astdb)))


def companions(database: Path) -> tuple[Path, ...]:
    """The files SQLite keeps beside `database`, without itself."""
    return tuple(database.with_name(database.name + end) for end in _DATABASE_COMPANIONS if end)


def tree_of(path: bytes, among: Iterable[Tree]) -> Tree | None:
    """The tree in which `path` lies."""
    return next((tree for tree in among if tree.holds(path)), None)


def why_not_given(directory: str, among: Iterable[Tree]) -> str:
    """Why `directory` is not one that the peer may read: not named in full, in no tree, or over a link; "" if it is."""
    tree = tree_of(os.fsencode(directory), among)
    if tree is None or os.path.normpath(directory) != directory or "\0" in directory:
        return f"{directory!r} is not in a directory that this node gives"
    try:
        os.close(open_step_by_step(tree.path))
    except FileNotFoundError:
        pass  # nothing is there to be read
    except OSError as problem:
        return f"{tree.path} cannot be given: {problem.strerror}"
    top, real = os.path.realpath(tree.path), os.path.realpath(directory)
    if real != top and not real.startswith(top + "/"):
        return f"{directory!r} leads out of {tree.path} over a link"
    return ""


def excluded(conf: Conf, local_names: Iterable[str]) -> tuple[str, ...]:
    """rsync patterns of what never travels: databases, our work, `local_names` in TELEPHONY."""
    # Asterisk's locks on a folder: a copy of one would keep the mailbox locked there for ever.
    patterns = [f"{WORK_PREFIX}*", ".lock", ".lock-????????"]
    for database in databases(conf):
        patterns += [_literal(f"{database}{end}") for end in _DATABASE_COMPANIONS]
    if conf.telephony:
        patterns += [_literal(f"{conf.telephony}/{name}") for name in sorted(local_names)]
    return tuple(patterns)


def _literal(path: str) -> str:
    """`path` as an rsync pattern that means itself: a backslash escapes only where a wildcard is (rsync(1))."""
    if not any(char in "*?[" for char in path):
        return path
    return "".join(f"\\{char}" if char in "*?[\\" else char for char in path)
