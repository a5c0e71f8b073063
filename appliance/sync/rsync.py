"""rsync as we run it: what differs, and fetching what does."""

from __future__ import annotations

import errno
import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.host.process import run
from appliance.host.stream import Stream
from appliance.sync.below import OpenDirectory
from appliance.sync.problems import OF_THE_DISK, Kind, SyncProblem
from appliance.sync.ssh import Ssh
from appliance.sync.traits import ALL, Traits

# An item of --out-format=%i is 11 characters wide, or says that something is being deleted (rsync(1)).
_ITEM = re.compile(rb"([<>ch.*][fdL][^ ]{9}|\*deleting  ) (.+)", re.DOTALL)
# A pipe, a socket or a device, which is not carried: rsync's words for it are the same since 2.6.
_SPECIAL = re.compile(rb'skipping non-regular file "(.+)"', re.DOTALL)
_ESCAPED = re.compile(rb"\\#([0-7]{3})")
# Seconds without a byte from the other side.
_SILENCE = 30
_VERSION = re.compile(r"version v?(\d+)\.(\d+)\.(\d+)")
_EXACT_SINCE = (3, 1, 3)  # rsync's NEWS: a negative --modify-window
_BLOCKS_SINCE = (3, 1, 0)
_XATTR_RULES_SINCE = (
    3,
    2,
    0,
)  # rsync's NEWS: before, a rule about attributes became one about files on its way
_POWERLESS = ("--chmod=ug-s",)
# For the receiver's eyes only: an old sender does not know such rules. With a rule of its own rsync forgets that it
# leaves system.* alone: those are ACLs, and come as such (xattrs.c, saw_xattr_filter).
_PLAIN_ATTRIBUTES = tuple(f"--filter=-xr {names}.*" for names in ("security", "trusted", "system"))
_VANISHED = 24  # exit status: some files were gone before they were read; the next pass sees why
_PARTIAL = 23  # exit status: some files could not be read or written, and everything else was done
# As rsync complains of one file, with its name in full and the number of the error behind it.
_COMPLAINT = re.compile(r'rsync: .*?"(/[^"\n]*)"\)?[^"\n]*: ([^:"\n]+) \((\d+)\)')


@dataclass(frozen=True, slots=True)
class Change:
    """Something that differs at the source: `path` is absolute, `kind` as in `Entry`; `gone` there.

    Of kind "o" is what is a pipe, a socket or a device there, whether it differs or not.
    """

    path: bytes
    kind: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Rsync:
    """`program` here, over `ssh`; `excludes` are patterns of what never travels. `lock` is inherited.

    `attributes`, `words`: see `attributes_kept`, and `powerless`, `times_compared` and `in_blocks`.
    """

    program: Path
    ssh: Ssh
    excludes: tuple[str, ...]
    attributes: str
    lock: int
    words: tuple[str, ...] = ()

    def compare(
        self, what: Sequence[str] | Path, unread: dict[bytes, str], *, deep: bool
    ) -> Iterator[Change]:
        """What differs here from there: in the directories `what`, or in those listed in that file there.

        `deep`: in ACLs and extended attributes too, which takes twice as long. What could not be looked at is put into
        `unread`, with the reason; in that case rsync tells of nothing gone that may be there. Raises SyncProblem.
        """
        letters = self.attributes if deep else ""
        argv = self._argv(letters, "-n", "--delete", *self._recursive())
        for line in self._run(argv, self._sources(what), "/", unread):
            change = parse_item(line)
            if change is not None:
                yield change

    def compare_passage(
        self, path: bytes, behind: int, unread: dict[bytes, str], *, deep: bool
    ) -> Iterator[Change]:
        """What differs in the directory `path` there from the directory that is open here as `behind`.

        For a directory that is a link here: by its full path rsync would take the link for what differs. `unread`: see
        `compare`.
        """
        letters = self.attributes if deep else ""
        argv = self._argv(letters, "-n", "--delete", "-r", *self._excludes_in(path), relative=False)
        source = [f"{self.ssh.host}:{os.fsdecode(path)}/"]
        for line in self._run(argv, source, f"/proc/self/fd/{behind}/", unread, behind):
            change = parse_item(line, path)
            if change is not None and change.path != path:
                yield change

    def fetch(
        self,
        what: Sequence[str] | Path,
        stage: OpenDirectory,
        on_item: Callable[[bytes], None],
        traits: Traits = ALL,
        *,
        beside: bool = True,
        links: bool = True,
    ) -> None:
        """Bring to `stage`, under their full paths, the directories `what` or the files listed in that file there.

        `on_item` is told of each when it begins to come. `traits`: what of theirs is to be kept. `beside`: leave out
        what is in place here already. `links`: bring links too; without, one is left out. Raises SyncProblem.
        """
        # What a cut link leaves is gone on with. Nobody looks at the stage meanwhile, so files are written where they
        # belong; only older versions cannot do that and make holes (rsync's NEWS, 3.1.3).
        options = ("--partial", "-S") if traits.holes else ("--inplace",)
        options = (*options, "--compare-dest=/") if beside else options
        recursive = () if isinstance(what, Path) else self._recursive()
        letters = self.attributes if traits.attributes else ""
        argv = self._argv(letters, *options, *recursive, links=links)
        unread: dict[bytes, str] = {}  # who verifies what has come finds out and names it
        target = stage.descriptor
        for line in self._run(argv, self._sources(what), f"/proc/self/fd/{target}/", unread, target):
            if (change := parse_item(line)) is not None and change.kind != "o":
                on_item(change.path)

    def _argv(self, letters: str, *words: str, relative: bool = True, links: bool = True) -> tuple[str, ...]:
        return (
            str(self.program),
            f"-{'l' if links else ''}ptgoO{'R' if relative else ''}{letters}",
            "--out-format=%i %n",
            f"--timeout={_SILENCE}",
            "--no-implied-dirs",
            *self.words,
            *words,
            f"--rsh={self.ssh.shell()}",
        )

    def _recursive(self) -> tuple[str, ...]:
        return ("-r", *(f"--exclude={pattern}" for pattern in self.excludes))

    def _excludes_in(self, path: bytes) -> Iterator[str]:
        """The patterns for a transfer that begins at `path`, not at the root."""
        top = os.fsdecode(path)
        for pattern in self.excludes:
            if not pattern.startswith("/"):
                yield f"--exclude={pattern}"
            elif pattern.startswith(f"{top}/"):
                yield f"--exclude={pattern.removeprefix(top)}"

    def _sources(self, what: Sequence[str] | Path) -> Sequence[str]:
        """Directories by name are quicker than a list of one: rsync 3.5 looks at every step of a listed file's way."""
        if isinstance(what, Path):
            return ("--from0", f"--files-from=:{what}", f"{self.ssh.host}:/")
        return (f"{self.ssh.host}:{what[0]}/", *(f":{top}/" for top in what[1:]))

    def _run(
        self, argv: Sequence[str], sources: Sequence[str], target: str, unread: dict[bytes, str], *keep: int
    ) -> Iterator[bytes]:
        words, keep = [*argv, *sources, target], (self.lock, *keep)
        # With protected arguments the peer's gate could not see what is asked of it.
        with Stream(words, env={"LC_ALL": "C", "RSYNC_PROTECT_ARGS": "0"}, keep=keep) as stream:
            yield from stream.lines()
            code = stream.end(10.0)
            complaint = stream.complaint()
            if code == _PARTIAL and stream.complaint_is_whole:
                unread.update(unread_files(complaint))
            if code not in (0, _VANISHED) and not (code == _PARTIAL and unread):
                raise self.ssh.diagnose(complaint, -1 if code is None else code)


def parse_item(line: bytes, top: bytes = b"") -> Change | None:
    """The change an output line tells of, or None for anything else that rsync says. Names are below `top`."""
    special = _SPECIAL.fullmatch(line)
    if special is not None:
        return Change(top + b"/" + _unescaped(special[1]), "o", gone=False)
    found = _ITEM.fullmatch(line)
    if found is None:
        return None
    item, name = found.groups()
    path = top + b"/" + _unescaped(name)
    directory = path.endswith(b"/")
    path = path.removesuffix(b"/./").rstrip(b"/")
    if item.startswith(b"*"):
        return Change(path, "d" if directory else "f", gone=True)
    return Change(path, {b"f": "f", b"d": "d", b"L": "l"}[item[1:2]], gone=False)


def unread_files(complaint: str) -> dict[bytes, str]:
    """The files that rsync complains of, with the reasons; none when the whole is to blame, such as a full disk."""
    found: dict[bytes, str] = {}
    for name, why, number in _COMPLAINT.findall(complaint):
        if int(number) in OF_THE_DISK:
            return {}
        if int(number) != errno.ENOENT:  # gone meanwhile: the next pass sees why
            found[_unescaped(os.fsencode(name))] = why
    return found


def _unescaped(name: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), name) if b"\\#" in name else name


def attributes_kept(program: Path, *, special: bool) -> str:
    """The letters for ACLs and extended attributes, as far as this rsync was built with them. Raises SyncProblem.

    `special`: privileged attributes too. An rsync that cannot leave those out carries ACLs only.
    """
    words = _about(program).replace(",", " ").split()
    carries = "xattrs" in words and (special or _version(program) >= _XATTR_RULES_SINCE)
    return ("A" if "ACLs" in words else "") + ("X" if carries else "")


def powerless(program: Path) -> tuple[str, ...]:
    """The options by which nothing comes, nor differs, that gives power: set-user-ID, capabilities and the like."""
    rules = _PLAIN_ATTRIBUTES if _version(program) >= _XATTR_RULES_SINCE else ()
    return (*_POWERLESS, *rules)


def times_compared(program: Path, directories: Iterable[Path]) -> tuple[str, ...]:
    """The option by which times are compared to the nanosecond, where rsync can and the filesystems here keep them.

    Without it a change of the same size within the same second is no change to rsync. Where times are kept in whole
    seconds (ext3), everything would differ from a peer that keeps them better.
    """
    exact = _version(program) >= _EXACT_SINCE
    # Nobody sets a change time but the kernel.
    fine = all(path.stat().st_ctime_ns % 10**9 for path in directories if path.exists())
    return ("--modify-window=-1",) if exact and fine else ()


def in_blocks(program: Path) -> tuple[str, ...]:
    """The option by which what rsync says comes in blocks, not line by line, where it has it (rsync's NEWS)."""
    return ("--outbuf=B",) if _version(program) >= _BLOCKS_SINCE else ()


def _version(program: Path) -> tuple[int, ...]:
    found = _VERSION.search(_about(program))
    return tuple(map(int, found.groups())) if found is not None else ()


@functools.cache
def _about(program: Path) -> str:
    said = run([program, "--version"], deadline=10.0, env={"LC_ALL": "C"})
    if not said.ok:
        raise SyncProblem(Kind.NO_RSYNC, said.explain())
    return said.output
