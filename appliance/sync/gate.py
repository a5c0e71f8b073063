"""What the peer's key may do here: the few questions of ours, and rsync as we call it, to read and nothing else.

Everything is named that is allowed. What real rsync (3.5) sends was recorded; older ones send less (assumed).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.sync.places import Places
from appliance.sync.trees import Tree, why_not_given

# Without L, k, K or D: no link is followed and no device read. What stands behind `e` is the protocol's.
_LETTERS = re.compile(r"-[nlogtprRSAX]+(?:e[0-9.]*[A-Za-z]*)?")
_OPTION = re.compile(r"--timeout=\d{1,5}|--no-implied-dirs|--from0|--partial|--inplace|--numeric-ids")
_LIST_NAME = re.compile(r"list-[0-9a-f]{16}")
# `conf` and `secret` are one question each, on standard input; what they may ask for is checked where it is answered.
VERBS = ("serve", "watch", "conf", "secret")


@dataclass(frozen=True, slots=True)
class Question:
    """`asha-source VERB`, to be answered by us."""

    verb: str


@dataclass(frozen=True, slots=True)
class Reading:
    """rsync in the part of the one that is read from; `words` are its arguments."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not allowed, and why."""

    why: str


def judge(command: str, trees: Iterable[Tree], places: Places) -> Question | Reading | Refusal:
    """What to do for a peer that asks for `command` (SSH_ORIGINAL_COMMAND)."""
    try:
        words = shlex.split(command)
    except ValueError:
        return Refusal("that is no command line")
    match words:
        case ["asha-source", verb] if verb in VERBS:
            return Question(verb)
        case ["rsync", "--server", "--sender", *rest]:
            why = _objection(rest, tuple(trees), places)
            return Refusal(why) if why else Reading(("--server", "--sender", *rest))
        case []:
            return Refusal("this key opens no shell")
        case _:
            return Refusal(f"{words[0]!r} is none of what this key is for")


def _objection(words: list[str], trees: tuple[Tree, ...], places: Places) -> str:
    """What is wrong with rsync's arguments; "" when nothing is."""
    if "." not in words:
        return "rsync names no files"
    cut = words.index(".")
    options, paths = words[:cut], words[cut + 1 :]
    listed, why = _read_options(options, places)
    if why:
        return why
    if listed and "--from0" not in options:
        # A name may hold a newline. Read by lines it would be two, and the second was never checked.
        return "a list of files is read with --from0 only"
    if listed:
        return "" if paths == ["/"] else "a list of files starts at /"
    if not paths:
        return "rsync names no files"
    return next(filter(None, (_why_not_read(path, trees) for path in paths)), "")


def _read_options(options: list[str], places: Places) -> tuple[bool, str]:
    """Whether a list of files is named, and what is wrong."""
    listed = False
    rest = iter(options)
    for word in rest:
        if word == "--files-from" or word.startswith("--files-from="):
            named = Path(next(rest, "") if word == "--files-from" else word.partition("=")[2])
            if named.parent != places.passing or not _LIST_NAME.fullmatch(named.name):
                return False, f"{str(named)!r} is not a list of this node's"
            listed = True
        elif not _LETTERS.fullmatch(word) and not _OPTION.fullmatch(word):
            return False, f"rsync's {word!r} is not allowed here"
    return listed, ""


def _why_not_read(path: str, trees: tuple[Tree, ...]) -> str:
    """Only whole directories are named: with a slash behind it."""
    return why_not_given(path.rstrip("/"), trees) if path.endswith("/") else f"{path!r} is no directory"
