"""The gate: what the peer's ssh key may do on this node.

The peer may ask the few questions of asha's protocol, and read by rsync the files that this node gives.

None of the peer's words is ever run. The words are parsed into a small value, `Reading`, and rsync gets an
argv that asha makes of that value. So nothing depends on whether rsync would have understood the words as the
gate did. `confine` bounds once more what rsync can reach: whatever the peer asks for later in rsync's own
protocol leads to a file that this node gives, or to no file.

The arguments that rsync sends were recorded with version 3.5; older versions send fewer (*assumed*).
"""

from __future__ import annotations

import os
import re
import select
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from appliance.core.errors import HostError
from appliance.host.confined import confine
from appliance.host.paths import SyncPaths
from appliance.host.process import become
from appliance.sync.trees import Tree, why_not_given

# L, k, K and D are missing, so that no link is followed and no device read. `s` says that the arguments come
# on standard input.
_LETTERS = "nlogtprRSAX"
_CLUSTER = re.compile(rf"-(?=.)([{_LETTERS}s]*)(?:e\.([A-Za-z]*))?")
# The capabilities of the protocol that a client announces (compat.c of rsync). Newer ones are left out of the
# argv.
_CAPABILITIES = "iLsfxCIvu"
_FLAGS = ("--no-implied-dirs", "--partial", "--inplace", "--numeric-ids")
_TIMEOUT = re.compile(r"--timeout=([0-9]{1,5})")
_LIST_NAME = re.compile(r"list-[0-9a-f]{16}")
_STDIN_LIMIT = 64 * 1024
_STDIN_PATIENCE = 30.0
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
# Each takes one question, on standard input. The code that answers checks what it may ask for.
ONE_QUESTION = ("conf", "values", "secret", "check", "engine", "tune", "journal")
VERBS = ("serve", "watch", *ONE_QUESTION)
NOT_FOR_THIS_KEY = "is none of what this key is for"
"""The words by which a gate refuses what it does not know; an older version of asha refuses newer questions so."""


@dataclass(frozen=True, slots=True)
class Question:
    """A call of `asha-source VERB`, which asha itself answers."""

    verb: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What rsync is to read for the peer: the files named in the list `listed`, or the whole `directories`.

    Exactly one of the two is set. `letters` and `flags` say what is compared and how it is transferred,
    `capabilities` what the client's protocol can do. Each contains only members of the closed sets above, in
    the order of those sets. `timeout` is in seconds.
    """

    letters: str
    capabilities: str | None
    flags: tuple[str, ...]
    timeout: int | None
    listed: Path | None
    directories: tuple[str, ...]

    def argv(self, program: Path) -> tuple[str, ...]:
        """Return the argv to run rsync, at `program`, with.

        Every option is a word of its own, before the dot.
        """
        words = [str(program), "--server", "--sender"]
        words += [f"-{self.letters}"] if self.letters else []
        words += [f"-e.{self.capabilities}"] if self.capabilities is not None else []
        words += [f"--timeout={self.timeout}"] if self.timeout is not None else []
        words += self.flags
        if self.listed is not None:
            # A name may contain a newline. Read line by line it would be two names, and the second was never
            # checked.
            return (*words, "--from0", f"--files-from={self.listed}", ".", "/")
        return (*words, ".", *(f"{directory}/" for directory in self.directories))


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer that the request is not allowed, and why."""

    why: str


class _Refused(Exception):
    """The reason, in words for people, why a request is refused."""


def judge(
    command: str, trees: Iterable[Tree], places: SyncPaths, from_stdin: Callable[[], Sequence[str]] = tuple
) -> Question | Reading | Refusal:
    """Decide what to do for a peer that asks for `command` (SSH_ORIGINAL_COMMAND).

    `from_stdin` returns the words that rsync's client sends on standard input after it has started us, when
    its options announce them (--protect-args, also called --secluded-args); see `read_words`. The default
    returns none.
    """
    try:
        match shlex.split(command):
            case ["asha-source", verb] if verb in VERBS:
                return Question(verb)
            case ["rsync", "--server", "--sender", *words]:
                return _read(words, tuple(trees), places, from_stdin)
            case []:
                return Refusal("this key opens no shell")
            case words:
                return Refusal(f"{words[0]!r} {NOT_FOR_THIS_KEY}")
    except ValueError:
        return Refusal("that is no command line")
    except _Refused as refused:
        return Refusal(str(refused))


def give(reading: Reading, program: Path, trees: Iterable[Tree], places: SyncPaths) -> NoReturn:
    """Become rsync, at `program`, reading what `reading` says, confined to the files that this node gives.

    Without the confinement a directory on the way could be exchanged for a link after the list of files was
    checked, or a rule in rsync's own protocol could name a file of rules, and either could lead to any file
    of this machine. Raises HostError.
    """
    listed = [reading.listed] if reading.listed is not None else []
    confine(places.root, program, (*(tree.path for tree in trees), places.outbox, *listed))
    become(reading.argv(program), _ENVIRONMENT)


def read_words(descriptor: int) -> list[str]:
    """Read from `descriptor` the words that rsync's client sends.

    A NUL follows each word, and an empty word ends them. The words are read a byte at a time, since the next
    byte after them belongs to rsync. Raises HostError when the words do not come within 30 s, or do not end
    within 64 KiB.
    """
    said = bytearray()
    while not (said.endswith(b"\0\0") or said == b"\0"):
        if not select.select([descriptor], [], [], _STDIN_PATIENCE)[0]:
            raise HostError("The arguments that rsync's client has announced do not come.")
        byte = os.read(descriptor, 1)
        if not byte or len(said) >= _STDIN_LIMIT:
            raise HostError("The arguments that rsync's client has announced do not end.")
        said += byte
    return [os.fsdecode(bytes(word)) for word in said.split(b"\0")[:-2]]


def _read(
    words: Sequence[str], trees: tuple[Tree, ...], places: SyncPaths, from_stdin: Callable[[], Sequence[str]]
) -> Reading:
    options, rest = _Options(places), list(words)
    while rest and rest[0] != ".":
        options.take(rest)
        if not rest and options.secluded:
            options.secluded = False
            name, *rest = from_stdin() or [""]
            if name != "rsync":
                raise _Refused("what came on standard input are not rsync's arguments")
    if options.secluded:
        raise _Refused("rsync announces arguments on standard input, and has them here too")
    if len(rest) < 2:
        raise _Refused("rsync names no files")
    return options.reading(rest[1:], trees)


class _Options:
    """The meaning of the options taken so far. `secluded`: the other words still come on standard input."""

    def __init__(self, places: SyncPaths) -> None:
        self.secluded = False
        self._places = places
        self._letters: set[str] = set()
        self._flags: set[str] = set()
        self._capabilities: str | None = None
        self._timeout: int | None = None
        self._listed: Path | None = None
        self._from0 = False

    def take(self, words: list[str]) -> None:
        """Take the first option off `words`, with its value. Raises _Refused."""
        word = words.pop(0)
        if cluster := _CLUSTER.fullmatch(word):
            self._letters |= {*cluster[1]} - {"s"}
            self.secluded = self.secluded or "s" in cluster[1]
            self._capabilities = cluster[2] if cluster[2] is not None else self._capabilities
        elif timeout := _TIMEOUT.fullmatch(word):
            self._timeout = int(timeout[1])
        elif word in _FLAGS:
            self._flags.add(word)
        elif word == "--from0":
            self._from0 = True
        elif word == "--files-from" or word.startswith("--files-from="):
            value = word.partition("=")[2] if "=" in word else words.pop(0) if words else ""
            self._listed = self._list_of_ours(value)
        else:
            raise _Refused(f"rsync's {word!r} is not allowed here")

    def _list_of_ours(self, value: str) -> Path:
        name = value.removeprefix(f"{self._places.passing}/")
        if not _LIST_NAME.fullmatch(name) or value == name:
            raise _Refused(f"{value!r} is not a list of this node's")
        return self._places.passing / name

    def reading(self, paths: Sequence[str], trees: tuple[Tree, ...]) -> Reading:
        """Return what rsync is to read for the options taken and `paths`. Raises _Refused."""
        if self._listed is not None and not self._from0:
            raise _Refused("a list of files is read with --from0 only")
        if self._listed is not None and [*paths] != ["/"]:
            raise _Refused("a list of files starts at /")
        capabilities = self._capabilities
        return Reading(
            letters="".join(letter for letter in _LETTERS if letter in self._letters),
            capabilities=None if capabilities is None else _known(capabilities),
            flags=tuple(flag for flag in _FLAGS if flag in self._flags),
            timeout=self._timeout,
            listed=self._listed,
            directories=() if self._listed is not None else tuple(_directory(path, trees) for path in paths),
        )


def _known(capabilities: str) -> str:
    return "".join(letter for letter in _CAPABILITIES if letter in capabilities)


def _directory(path: str, trees: tuple[Tree, ...]) -> str:
    """Return the directory that `path` names with a slash at the end, if this node gives it.

    Raises _Refused.
    """
    directory = path.removesuffix("/")
    if directory == path:
        raise _Refused(f"{path!r} is no directory")
    why = why_not_given(directory, trees)
    if why:
        raise _Refused(why)
    return directory
