"""The running of rsync: finding out what differs from the peer, and fetching it."""

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
from appliance.sync.errors import OF_THE_DISK, Fault, SyncProblem
from appliance.sync.open_directories import OpenDirectory
from appliance.sync.ssh import Ssh
from appliance.sync.trees import ALL, Traits

# An item of --out-format=%i has 11 characters, or says that something is being deleted (rsync(1)).
_ITEM = re.compile(rb"([<>ch.*][fdL][^ ]{9}|\*deleting  ) (.+)", re.DOTALL)
# A pipe, a socket or a device is not synchronised. rsync's words for it are the same since version 2.6.
_SPECIAL = re.compile(rb'skipping non-regular file "(.+)"', re.DOTALL)
_ESCAPED = re.compile(rb"\\#([0-7]{3})")
# Seconds without a byte from the other side after which rsync gives up.
_SILENCE = 30
_VERSION = re.compile(r"version v?(\d+)\.(\d+)\.(\d+)")
_EXACT_SINCE = (3, 1, 3)  # rsync's NEWS: a negative --modify-window
_BLOCKS_SINCE = (3, 1, 0)
_XATTR_RULES_SINCE = (
    3,
    2,
    0,
)  # rsync's NEWS: before, a rule about attributes became a rule about files when it was sent
_POWERLESS = ("--chmod=ug-s",)
# These rules apply to the receiver only, because an old sender does not know them. As soon as there is such a
# rule, rsync does not leave system.* alone by itself any more. Those attributes are ACLs, and are transferred
# as ACLs (xattrs.c, saw_xattr_filter).
_PLAIN_ATTRIBUTES = tuple(f"--filter=-xr {names}.*" for names in ("security", "trusted", "system"))
_VANISHED = 24  # exit status: some files were gone before they were read; the next pass sees why
_PARTIAL = 23  # exit status: some files could not be read or written, and everything else was done
# A complaint of rsync about one file: its full name, the reason, and the error number.
_COMPLAINT = re.compile(r'rsync: .*?"(/[^"\n]*)"\)?[^"\n]*: ([^:"\n]+) \((\d+)\)')


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A file, directory or link that differs at the source.

    `path` is absolute, `kind` as in `Entry`, and `gone` says that it is missing at the source. Kind "o" is a
    pipe, a socket or a device at the source, which is reported whether it differs or not.
    """

    path: bytes
    kind: str
    gone: bool


@dataclass(frozen=True, slots=True)
class Rsync:
    """The way this node runs rsync.

    `program` is the local rsync, `ssh` the way to the peer. `excludes` are patterns of what is never
    synchronised. `attributes` are the option letters from `attributes_kept`; `words` the further options from
    `powerless`, `times_compared` and `in_blocks`. `lock` is the descriptor of the sync lock, which rsync
    inherits.
    """

    program: Path
    ssh: Ssh
    excludes: tuple[str, ...]
    attributes: str
    lock: int
    words: tuple[str, ...] = ()

    def compare(
        self, what: Sequence[str] | Path, unread: dict[bytes, str], *, deep: bool
    ) -> Iterator[ItemChange]:
        """Yield what differs between the peer and this node.

        `what`: the directories to compare, or the path of a list of them at the peer. `deep`: compare ACLs
        and extended attributes too, which takes twice as long. Files that could not be looked at are put into
        `unread`, with the reason; rsync then reports as gone nothing that may still be there. Raises
        SyncProblem.
        """
        letters = self.attributes if deep else ""
        argv = self._argv(letters, "-n", "--delete", *self._recursive())
        for line in self._run(argv, self._sources(what), "/", unread):
            change = parse_item(line)
            if change is not None:
                yield change

    def compare_passage(
        self, path: bytes, behind: int, unread: dict[bytes, str], *, deep: bool
    ) -> Iterator[ItemChange]:
        """Yield what differs between the peer's directory `path` and our open directory `behind`.

        For a directory that is a link here: by its full path rsync would take the link itself for the
        difference. `deep`, `unread`: see `compare`. Raises SyncProblem.
        """
        letters = self.attributes if deep else ""
        argv = self._argv(letters, "-n", "--delete", "-r", *self._excludes_in(path), relative=False)
        source = [f"{self.ssh.rsync_host}:{os.fsdecode(path)}/"]
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
        """Fetch directories, or the files in a list at the peer, to `stage` under their full paths.

        `what`: the directories, or the path of the list at the peer. `on_item` is called with each path when
        its transfer begins. `traits`: the traits of the peer's files to be kept. `beside`: leave out files
        that are in place here already. `links`: fetch links too; otherwise they are left out. Raises
        SyncProblem.
        """
        # A transfer that a cut link has interrupted is continued. Nobody looks at the stage meanwhile, so
        # files are written in place; only older versions cannot do that and make holes as well (rsync's NEWS,
        # 3.1.3).
        options = ("--partial", "-S") if traits.holes else ("--inplace",)
        options = (*options, "--compare-dest=/") if beside else options
        recursive = () if isinstance(what, Path) else self._recursive()
        letters = self.attributes if traits.attributes else ""
        argv = self._argv(letters, *options, *recursive, links=links)
        unread: dict[bytes, str] = {}  # unused: verification finds and names them
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
        """Yield the exclude options for a transfer that begins at `path` and not at the root."""
        top = os.fsdecode(path)
        for pattern in self.excludes:
            if not pattern.startswith("/"):
                yield f"--exclude={pattern}"
            elif pattern.startswith(f"{top}/"):
                yield f"--exclude={pattern.removeprefix(top)}"

    def _sources(self, what: Sequence[str] | Path) -> Sequence[str]:
        """Return the words that name the source.

        Directories given by name are quicker than a list of one: rsync 3.5 checks every step of the way to a
        listed file.
        """
        if isinstance(what, Path):
            return ("--from0", f"--files-from=:{what}", f"{self.ssh.rsync_host}:/")
        return (f"{self.ssh.rsync_host}:{what[0]}/", *(f":{top}/" for top in what[1:]))

    def _run(
        self, argv: Sequence[str], sources: Sequence[str], target: str, unread: dict[bytes, str], *keep: int
    ) -> Iterator[bytes]:
        words, keep = [*argv, *sources, target], (self.lock, *keep)
        # With protected arguments the peer's gate could not see on its command line what is requested.
        with Stream(words, env={"LC_ALL": "C", "RSYNC_PROTECT_ARGS": "0"}, keep=keep) as stream:
            yield from stream.lines()
            code = stream.end(10.0)
            complaint = stream.complaint()
            if code == _PARTIAL and stream.complaint_is_whole:
                unread.update(unread_files(complaint))
            if code not in (0, _VANISHED) and not (code == _PARTIAL and unread):
                raise self.ssh.diagnose(complaint, -1 if code is None else code)


def parse_item(line: bytes, top: bytes = b"") -> ItemChange | None:
    """Return the change that an output line of rsync reports, or None for any other line.

    Names in the line are relative to `top`.
    """
    special = _SPECIAL.fullmatch(line)
    if special is not None:
        return ItemChange(top + b"/" + _unescaped(special[1]), "o", gone=False)
    found = _ITEM.fullmatch(line)
    if found is None:
        return None
    item, name = found.groups()
    path = top + b"/" + _unescaped(name)
    directory = path.endswith(b"/")
    path = path.removesuffix(b"/./").rstrip(b"/")
    if item.startswith(b"*"):
        return ItemChange(path, "d" if directory else "f", gone=True)
    return ItemChange(path, {b"f": "f", b"d": "d", b"L": "l"}[item[1:2]], gone=False)


def unread_files(complaint: str) -> dict[bytes, str]:
    """Return the files that rsync complains of, with the reasons.

    Returns nothing when the whole is to blame, such as a full disk.
    """
    found: dict[bytes, str] = {}
    for name, why, number in _COMPLAINT.findall(complaint):
        if int(number) in OF_THE_DISK:
            return {}
        if int(number) != errno.ENOENT:  # the file has vanished meanwhile, and the next pass sees why
            found[_unescaped(os.fsencode(name))] = why
    return found


def _unescaped(name: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), name) if b"\\#" in name else name


def attributes_kept(program: Path, *, special: bool) -> str:
    """Return the option letters for ACLs and extended attributes that this rsync was built with.

    `special`: privileged attributes are wanted too. Without `special`, an rsync that cannot leave those out
    carries ACLs only. Raises SyncProblem.
    """
    words = _about(program).replace(",", " ").split()
    carries = "xattrs" in words and (special or _version(program) >= _XATTR_RULES_SINCE)
    return ("A" if "ACLs" in words else "") + ("X" if carries else "")


def powerless(program: Path) -> tuple[str, ...]:
    """Return the options by which nothing that gives power is compared or transferred.

    That is set-user-ID, set-group-ID, capabilities and the like.
    """
    rules = _PLAIN_ATTRIBUTES if _version(program) >= _XATTR_RULES_SINCE else ()
    return (*_POWERLESS, *rules)


def times_compared(program: Path, directories: Iterable[Path]) -> tuple[str, ...]:
    """Return the option by which times are compared to the nanosecond, or none.

    The option is used where rsync has it and the filesystems here keep such times. Without it a change of the
    same size within the same second is no change to rsync. Where times are kept in whole seconds (ext3),
    everything would differ from a peer that keeps them more exactly.
    """
    exact = _version(program) >= _EXACT_SINCE
    # A change time is set by the kernel and nobody else, so it shows what the filesystem can keep.
    fine = all(path.stat().st_ctime_ns % 10**9 for path in directories if path.exists())
    return ("--modify-window=-1",) if exact and fine else ()


def in_blocks(program: Path) -> tuple[str, ...]:
    """Return the option by which rsync's output comes in blocks and not line by line, or none.

    The option exists since rsync 3.1.0 (rsync's NEWS).
    """
    return ("--outbuf=B",) if _version(program) >= _BLOCKS_SINCE else ()


def _version(program: Path) -> tuple[int, ...]:
    found = _VERSION.search(_about(program))
    return tuple(map(int, found.groups())) if found is not None else ()


@functools.cache
def _about(program: Path) -> str:
    said = run([program, "--version"], deadline=10.0, env={"LC_ALL": "C"})
    if not said.ok:
        raise SyncProblem(Fault.NO_RSYNC, said.explain())
    return said.output
