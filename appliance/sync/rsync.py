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
from appliance.sync.problems import OF_THE_DISK, Kind, SyncProblem
from appliance.sync.ssh import Ssh
from appliance.sync.traits import ALL, Traits

# An item of --out-format=%i is 11 characters wide, or says that something is being deleted (rsync(1)).
_ITEM = re.compile(rb"([<>ch.*][fdL][^ ]{9}|\*deleting  ) (.+)", re.DOTALL)
_ESCAPED = re.compile(rb"\\#([0-7]{3})")
# Seconds without a byte from the other side.
_SILENCE = 30
_VERSION = re.compile(r"version v?(\d+)\.(\d+)\.(\d+)")
_EXACT_SINCE = (3, 1, 3)  # rsync's NEWS: a negative --modify-window
_BLOCKS_SINCE = (3, 1, 0)
_VANISHED = 24  # exit status: some files were gone before they were read; the next pass sees why
_PARTIAL = 23  # exit status: some files could not be read or written, and everything else was done
# As rsync complains of one file, with its name in full and the number of the error behind it.
_COMPLAINT = re.compile(r'rsync: .*?"(/[^"\n]*)"\)?[^"\n]*: ([^:"\n]+) \((\d+)\)')


@dataclass(frozen=True, slots=True)
class Change:
    """Something that differs at the source: `path` is absolute, `kind` as in `Entry`; `gone` there."""

    path: bytes
    kind: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Rsync:
    """`program` here, over `ssh`; `excludes` are patterns of what never travels. `lock` is inherited.

    `attributes`, `words`: see `attributes_kept`, and `times_compared` and `in_blocks`.
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
        for line in self._run(argv, what, Path("/"), unread):
            change = parse_item(line)
            if change is not None:
                yield change

    def fetch(
        self,
        what: Sequence[str] | Path,
        stage: Path,
        on_item: Callable[[bytes], None],
        traits: Traits = ALL,
        *,
        beside: bool = True,
    ) -> None:
        """Bring to `stage`, under their full paths, the directories `what` or the files listed in that file there.

        `on_item` is told of each when it begins to come. `traits`: what of theirs is to be kept. `beside`: leave out
        what is in place here already. Raises SyncProblem.
        """
        # What a cut link leaves is gone on with. Nobody looks at the stage meanwhile, so files are written where they
        # belong; only older versions cannot do that and make holes (rsync's NEWS, 3.1.3).
        options = ("--partial", "-S") if traits.holes else ("--inplace",)
        options = (*options, "--compare-dest=/") if beside else options
        recursive = () if isinstance(what, Path) else self._recursive()
        argv = self._argv(self.attributes if traits.attributes else "", *options, *recursive)
        unread: dict[bytes, str] = {}  # who verifies what has come finds out and names it
        for line in self._run(argv, what, stage, unread):
            if (change := parse_item(line)) is not None:
                on_item(change.path)

    def _argv(self, letters: str, *words: str) -> tuple[str, ...]:
        return (
            str(self.program),
            f"-lptgoOR{letters}",
            "--out-format=%i %n",
            f"--timeout={_SILENCE}",
            "--no-implied-dirs",
            *self.words,
            *words,
            f"--rsh={self.ssh.shell()}",
        )

    def _recursive(self) -> tuple[str, ...]:
        return ("-r", *(f"--exclude={pattern}" for pattern in self.excludes))

    def _sources(self, what: Sequence[str] | Path) -> Sequence[str]:
        """Directories by name are quicker than a list of one: rsync 3.5 looks at every step of a listed file's way."""
        if isinstance(what, Path):
            return ("--from0", f"--files-from=:{what}", f"{self.ssh.host}:/")
        return (f"{self.ssh.host}:{what[0]}/", *(f":{top}/" for top in what[1:]))

    def _run(
        self, argv: Sequence[str], what: Sequence[str] | Path, target: Path, unread: dict[bytes, str]
    ) -> Iterator[bytes]:
        words = [*argv, *self._sources(what), f"{target}/" if target != Path("/") else "/"]
        # With protected arguments the peer's gate could not see what is asked of it.
        with Stream(words, env={"LC_ALL": "C", "RSYNC_PROTECT_ARGS": "0"}, keep=(self.lock,)) as stream:
            yield from stream.lines()
            code = stream.end(10.0)
            complaint = stream.complaint()
            if code == _PARTIAL and stream.complaint_is_whole:
                unread.update(unread_files(complaint))
            if code not in (0, _VANISHED) and not (code == _PARTIAL and unread):
                raise self.ssh.diagnose(complaint, -1 if code is None else code)


def parse_item(line: bytes) -> Change | None:
    """The change an output line tells of, or None for anything else that rsync says."""
    found = _ITEM.fullmatch(line)
    if found is None:
        return None
    item, name = found.groups()
    path = b"/" + _unescaped(name)
    directory = path.endswith(b"/")
    path = path.rstrip(b"/")
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


def attributes_kept(program: Path) -> str:
    """The letters for ACLs and extended attributes, as far as this rsync was built with them. Raises SyncProblem."""
    words = _about(program).replace(",", " ").split()
    return ("A" if "ACLs" in words else "") + ("X" if "xattrs" in words else "")


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
