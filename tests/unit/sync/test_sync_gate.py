"""What the peer's key may do: what real rsync asks for as we call it, and nothing else."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from appliance.core.errors import HostError
from appliance.host.paths import SyncPaths
from appliance.sync.gate import Question, Reading, Refusal, judge, read_words
from appliance.sync.rsync import Rsync, attributes_kept, powerless
from appliance.sync.ssh import Ssh
from appliance.sync.trees import Tree

PLACES = SyncPaths()
LIST = PLACES.file_list("0123456789abcdef")
PROGRAM = Path(shutil.which("rsync") or "/usr/bin/rsync")
# In ssh's place: keeps what is behind the host's name, as ssh would give it to the forced command, and what rsync says
# before it waits for an answer: the words that `--protect-args` keeps off the command, then its protocol's version.
SHELL = """import os, sys
open({record!r}, "w").write(" ".join(sys.argv[2:]))
said = b""
while {secluded} and not said.endswith(b"\\0\\0"):
    said += os.read(0, 1) or sys.exit("rsync said no end of its words")
open("{record}-stdin", "wb").write(said + os.read(0, 4))
"""


@pytest.fixture
def given_tree(tmp_path: Path) -> Tree:
    """A directory of ours with a link out of it."""
    top = tmp_path / "voice mail"
    (top / "default").mkdir(parents=True)
    (top / "out").symlink_to("/etc")
    return Tree("VOICEMAIL", top)


def asked(
    tmp_path: Path, what: list[str] | Path, *, fetch: bool, secluded: bool = False, **shape: bool
) -> tuple[str, bytes]:
    """The command that real rsync wants to be run at the peer, and what it says to it first."""
    record = tmp_path / "asked"
    shell = tmp_path / "shell"
    shell.write_text(f"#!{sys.executable} -IS\n" + SHELL.format(record=str(record), secluded=secluded))
    shell.chmod(0o755)
    rsync = Rsync(
        PROGRAM, Ssh("peer", 22), ("*.tmp",), attributes_kept(PROGRAM, special=False), 0, powerless(PROGRAM)
    )
    recursive = () if isinstance(what, Path) else rsync._recursive()
    words = ("-S", "--partial", "--compare-dest=/") if fetch else ("-n", "--delete")
    argv = [
        word for word in rsync._argv(rsync.attributes, *words, *recursive, **shape) if "--rsh" not in word
    ]
    argv += ["--protect-args"] if secluded else []
    target = f"{tmp_path}/stage/"
    subprocess.run([*argv, f"--rsh={shell}", *rsync._sources(what), target], check=False, capture_output=True)
    return record.read_text(), Path(f"{record}-stdin").read_bytes()


@pytest.mark.parametrize("secluded", [False, True])
@pytest.mark.parametrize("fetch", [False, True])
def test_what_our_rsync_asks_for_is_done_by_our_own_words(
    tmp_path: Path, given_tree: Tree, fetch: bool, secluded: bool
) -> None:
    tops = [str(given_tree.path), f"{given_tree.path}/default"]
    for what in (tops[:1], tops, LIST):
        command, said = asked(tmp_path, what, fetch=fetch, secluded=secluded)
        found, left = judged(command, given_tree, said)
        assert isinstance(found, Reading), (command, found)
        letters = ("" if fetch else "n") + "logtp" + ("" if what == LIST else "r") + "R" + "S" * fetch
        assert set(found.letters) - {"A", "X"} == set(letters)
        assert found.argv(PROGRAM)[:3] == (str(PROGRAM), "--server", "--sender")
        files = ("--from0", f"--files-from={LIST}", ".", "/")
        assert found.argv(PROGRAM)[-4:] == files if what == LIST else [*found.directories] == what
        assert found.timeout == 30 and "--no-implied-dirs" in found.flags
        # What rsync says next is left for the rsync that we run: its protocol's version, four bytes.
        assert len(left) == 4


def judged(command: str, tree: Tree, said: bytes = b"") -> tuple[Question | Reading | Refusal, bytes]:
    """The judgement, and what is left on standard input behind the words that were read from it."""
    with tempfile.TemporaryFile(buffering=0) as stdin:
        stdin.write(said)
        stdin.seek(0)
        found = judge(command, [tree], PLACES, lambda: read_words(stdin.fileno()))
        return found, stdin.read()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "do not end"),
        (b"rsync\0--timeout=30\0", "do not end"),
        (b"x" * 100_000, "do not end"),
        (b"\0", "not rsync's arguments"),
        (b"rsync\0\0", "names no files"),
        (b"sh\0-c\0id\0\0", "not rsync's arguments"),
        (b"rsync\0-re\0.\0/\0\0", "'-re'"),
        (b"rsync\0--log-file=/x\0.\0/\0\0", "'--log-file=/x'"),
        (b"rsync\0.\0/etc/\0\0", "'/etc' is not in a directory"),
        (b"rsync\0--files-from\0\0", "'' is not a list"),
    ],
)
def test_arguments_on_standard_input_are_judged_alike(given_tree: Tree, said: bytes, why: str) -> None:
    try:
        found, _ = judged("rsync --server --sender -slogtpr", given_tree, said)
    except HostError as problem:
        assert why in str(problem)
    else:
        assert isinstance(found, Refusal) and why in found.why


@pytest.mark.parametrize("links", [False, True])
def test_what_it_asks_for_without_links_and_behind_a_link_is_allowed(
    tmp_path: Path, given_tree: Tree, links: bool
) -> None:
    for command, said in (
        asked(tmp_path, LIST, fetch=True, links=links),
        asked(tmp_path, [f"{given_tree.path}/default"], fetch=False, relative=False),
    ):
        assert isinstance(judged(command, given_tree, said)[0], Reading), command


@pytest.mark.parametrize("verb", ["serve", "watch", "conf", "secret", "check", "engine", "tune", "journal"])
def test_the_questions_are_allowed(verb: str) -> None:
    assert judged(f"asha-source {verb}", Tree("OTHER1", Path("/given")))[0] == Question(verb)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "bash",
        "'",
        "scp -f /etc/shadow",
        "/usr/lib/openssh/sftp-server",
        "asha-source",
        "asha-source reboot",
        "asha-source serve now",
        "asha-source serve ''",
        "asha-source -s serve",
        "asha-source serve; reboot",
        "rsync --server -logtpr . TOP/",
        "rsync --server --daemon .",
        "rsync --daemon --server --sender",
        "rsync --server --sender -r",
        "rsync --server --sender -r .",
        "rsync --server --sender -r . /etc/",
        "rsync --server --sender -r . TOP/../",
        "rsync --server --sender -r . TOP/default/../../",
        "rsync --server --sender -r . TOP/ /etc/",
        "rsync --server --sender -r . TOP/out/",
        "rsync --server --sender -r . TOP",
        "rsync --server --sender -r . /",
        "rsync --server --sender -re . TOP/",
        "rsync --server --sender -re. . -e. --files-from . TOP/",
        f"rsync --server --sender -logtpre --from0 --files-from={LIST} . /",
        f"rsync --server --sender -logtpre --files-from {LIST} --from0 . /",
        "rsync --server --sender -r -e sh . TOP/",
        "rsync --server --sender -r -esh . TOP/",
        "rsync --server --sender -r -- . TOP/",
        "rsync --server --sender -r '' . TOP/",
        "rsync --server --sender -r - . TOP/",
        "rsync --server --sender -r @/etc/passwd . TOP/",
        "rsync --server --sender -r --timeout 30 . TOP/",
        "rsync --server --sender -r --timeout=٣ . TOP/",
        "rsync --server --sender -sr . TOP/",
        "rsync --server --sender -r . TOP/ -L",
        "rsync --server --sender -r . TOP/ --copy-links",
        "rsync --server --sender -r . TOP//",
        "rsync --server --sender -Lr . TOP/",
        "rsync --server --sender -kr . TOP/",
        "rsync --server --sender -r --remove-source-files . TOP/",
        "rsync --server --sender -r --copy-unsafe-links . TOP/",
        "rsync --server --sender -r --log-file=/etc/passwd . TOP/",
        "rsync --server --sender -r --write-batch=x . TOP/",
        "rsync --server --sender -r --rsync-path=x . TOP/",
        "rsync --server --sender -r --files-from /etc/passwd . /",
        "rsync --server --sender -r --files-from=/run/asha/sync/../list-0123456789abcdef . /",
        "rsync --server --sender -r --files-from /run/asha/sync/list-xyz . /",
        # Read by lines, a name with a newline in it would be two, and the second not one of ours.
        f"rsync --server --sender -r --files-from {LIST} . /",
        f"rsync --server --sender -r --files-from={LIST} --no-implied-dirs . /",
        f"rsync --server --sender -r --from0 --files-from {LIST} . /etc/",
        f"rsync --server --sender -r --from0 --files-from {LIST} . TOP/ /",
        "rsync --server --sender -r --files-from",
    ],
)
def test_anything_else_is_refused(command: str, given_tree: Tree) -> None:
    there = command.replace("TOP", shlex.quote(str(given_tree.path)))
    assert isinstance(judged(there, given_tree)[0], Refusal)
