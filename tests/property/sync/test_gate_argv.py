"""Whatever the peer asks for, what runs here is one of a closed set of command lines."""

from __future__ import annotations

import re
import shlex
import string
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.host.paths import SyncPaths
from appliance.sync.gate import Question, Reading, Refusal, judge
from appliance.sync.trees import Tree

LIST = "/run/asha/sync/list-0123456789abcdef"
# What real rsync asked for, by version; the last two send the rest on standard input.
RECORDED = (
    "rsync --server --sender -nlogtpAXrRe.iLsfxCIvu --timeout=30 --no-implied-dirs . /given/ /given/a/",
    "rsync --server --sender -logtpAXrRSe.iLsfxCIvu --timeout=30 --inplace --no-implied-dirs . '/given/b c/'",
    f"rsync --server --sender -logtpAXRSe.LsfxCIvu --timeout=30 --files-from {LIST} --from0 --no-implied-dirs . /",
    f"rsync --server --sender -logtprR --files-from={LIST} --from0 . /",
    "rsync --server --sender -nlogtprRe.isf --numeric-ids --partial . /given/",
    "rsync --server --sender -slogtpAXRSe.LsfxCIvu",
    "rsync --server --sender -snlogtpAXrRe.iLsfxCIvu",
    "asha-source serve",
    "asha-source secret",
)
ODD = (
    "e -e -re -e. -se.s -L -k -K -D -logtprRe -- - . .. / // '' @/etc/passwd --from0 --files-from --files-from= /etc/ "
    f"--files-from=/etc/passwd --files-from={LIST} --files-from={LIST}x {LIST} --timeout --timeout=0 --timeout=-1 "
    "--daemon --config=/given/c --log-file=/given/l --copy-links --copy-unsafe-links --remove-source-files "
    "--write-devices --rsync-path=x -esh --rsh=sh --filter=. --exclude-from=/etc/passwd --partial-dir=/x --from0=1 "
    "--inplace=1 --sender /given /given/ /given/../etc/ /given// /given/./ /givenx/ ~/ * $HOME/ `id`/ é \u202e "
    "-M--copy-links rsync asha-source"
).split()
WORD = st.one_of(st.sampled_from(ODD), st.text(max_size=12), st.text(string.printable, max_size=30))

# The closed set, described by itself: a NUL stands behind each word.
ARGV = re.compile(
    r"/usr/bin/rsync\0--server\0--sender\0"
    r"(-n?l?o?g?t?p?r?R?S?A?X?\0)?"
    r"(-e\.i?L?s?f?x?C?I?v?u?\0)?"
    r"(--timeout=[0-9]{1,5}\0)?"
    r"(--no-implied-dirs\0)?(--partial\0)?(--inplace\0)?(--numeric-ids\0)?"
    r"(--from0\0--files-from=/run/asha/sync/list-[0-9a-f]{16}\0\.\0/\0"
    r"|\.\0(/given/([^\0/]+/)*\0)+)"
)


@st.composite
def commands(draw: st.DrawFn) -> str:
    """A recorded command with words put in, left out, exchanged, cut, glued and repeated; or anything at all."""
    words = shlex.split(draw(st.sampled_from(RECORDED)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(words) - 1)))
        match draw(st.sampled_from(("put", "leave", "exchange", "letter", "glue", "repeat", "swap"))):
            case "put":
                words.insert(at, draw(WORD))
            case "leave":
                del words[at : at + 1]
            case "exchange":
                words[at : at + 1] = [draw(WORD)]
            case "letter":
                cut = draw(st.integers(0, 12))
                letter = draw(st.text(max_size=2))
                words[at : at + 1] = [word[:cut] + letter + word[cut:] for word in words[at : at + 1]]
            case "glue":
                words[at : at + 2] = ["".join(words[at : at + 2])]
            case "repeat":
                words[at:at] = words[at : at + 2]
            case "swap":
                words[at : at + 2] = reversed(words[at : at + 2])
    return draw(st.sampled_from((shlex.join, " ".join)))(words)


@settings(max_examples=600)
@given(
    st.one_of(commands(), st.lists(WORD).map(shlex.join), st.text()),
    st.one_of(commands().map(str.split), st.lists(WORD), st.just(["rsync", ".", "/given/"])),
)
def test_what_runs_is_one_of_a_closed_set(command: str, on_stdin: list[str]) -> None:
    found = judge(command, [Tree("OTHER1", Path("/given"))], SyncPaths(), lambda: on_stdin)
    match found:
        case Question(verb):
            assert verb in {"serve", "watch", "conf", "secret"}
        case Reading():
            argv = found.argv(Path("/usr/bin/rsync"))
            assert ARGV.fullmatch("".join(f"{word}\0" for word in argv)), argv
            assert not any(step in (".", "..") for word in found.directories for step in word.split("/"))
        case Refusal(why):
            assert why
