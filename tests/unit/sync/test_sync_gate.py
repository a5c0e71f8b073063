"""What the peer's key may do: what real rsync asks for as we call it, and nothing else."""

from __future__ import annotations

import os
import shlex
import shutil
import string
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.sync.gate import Question, Reading, Refusal, judge
from appliance.sync.places import Places
from appliance.sync.rsync import Rsync, attributes_kept, powerless
from appliance.sync.ssh import Ssh
from appliance.sync.trees import Tree

PLACES = Places()
LIST = PLACES.file_list("0123456789abcdef")
PROGRAM = Path(shutil.which("rsync") or "/usr/bin/rsync")


@pytest.fixture
def given_tree(tmp_path: Path) -> Tree:
    """A directory of ours with a link out of it."""
    top = tmp_path / "voice mail"
    (top / "default").mkdir(parents=True)
    (top / "out").symlink_to("/etc")
    return Tree("VOICEMAIL", top)


def asked(tmp_path: Path, what: list[str] | Path, *, fetch: bool, **shape: bool) -> str:
    """The command that real rsync wants to be run at the peer."""
    record = tmp_path / "asked"
    shell = tmp_path / "shell"
    # What is behind the host's name, as ssh would give it to the forced command.
    shell.write_text(f'#!/bin/sh\nshift\nprintf %s "$*" >{record}\nexit 1\n')
    shell.chmod(0o755)
    rsync = Rsync(
        PROGRAM, Ssh("peer", 22), ("*.tmp",), attributes_kept(PROGRAM, special=False), 0, powerless(PROGRAM)
    )
    recursive = () if isinstance(what, Path) else rsync._recursive()
    words = ("-S", "--partial", "--compare-dest=/") if fetch else ("-n", "--delete")
    argv = [
        word for word in rsync._argv(rsync.attributes, *words, *recursive, **shape) if "--rsh" not in word
    ]
    target = f"{tmp_path}/stage/"
    subprocess.run([*argv, f"--rsh={shell}", *rsync._sources(what), target], check=False, capture_output=True)
    return record.read_text()


@pytest.mark.parametrize("fetch", [False, True])
def test_what_our_rsync_asks_for_is_allowed(tmp_path: Path, given_tree: Tree, fetch: bool) -> None:
    tops = [str(given_tree.path), f"{given_tree.path}/default"]
    for what in (tops[:1], tops, LIST):
        command = asked(tmp_path, what, fetch=fetch)
        found = judge(command, [given_tree], PLACES)
        assert isinstance(found, Reading), (command, found)
        assert found.words[:2] == ("--server", "--sender")


@pytest.mark.parametrize("links", [False, True])
def test_what_it_asks_for_without_links_and_behind_a_link_is_allowed(
    tmp_path: Path, given_tree: Tree, links: bool
) -> None:
    for command in (
        asked(tmp_path, LIST, fetch=True, links=links),
        asked(tmp_path, [f"{given_tree.path}/default"], fetch=False, relative=False),
    ):
        assert isinstance(judge(command, [given_tree], PLACES), Reading), command


@pytest.mark.parametrize("verb", ["serve", "watch", "conf", "secret"])
def test_the_questions_are_allowed(verb: str) -> None:
    assert judge(f"asha-source {verb}", [], PLACES) == Question(verb)


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
    assert isinstance(judge(there, [given_tree], PLACES), Refusal)


WORDS = st.sampled_from(
    "rsync --server --sender -r -nlogtprRe.iLsfxCIvu . .. / --files-from --from0 /given/ /given/a/ /given /etc/ "
    f"/given/../etc/ --partial -L --daemon -e sh {LIST}".split()
)


@given(st.one_of(st.lists(WORDS, max_size=9).map(shlex.join), st.text(string.printable, max_size=80)))
def test_whatever_is_allowed_reads_only_what_is_given(command: str) -> None:
    found = judge(command, [Tree("OTHER1", Path("/given"))], PLACES)
    if not isinstance(found, Reading):
        return
    words = found.words
    assert words[:2] == ("--server", "--sender")
    paths = words[words.index(".") + 1 :]
    assert str(LIST) not in words or "--from0" in words
    assert paths == ("/",) if str(LIST) in words else all(path.startswith("/given") for path in paths)
    assert not any(".." in path or os.path.normpath(path) == "/etc" for path in paths)
    assert not {"-L", "--daemon", "-e", "sh"} & set(words)
