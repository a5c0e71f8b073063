from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import appliance
from appliance.cluster.heartbeat.config_files import install_resource_script
from appliance.cluster.resource import (
    ScriptVerb,
    done_answer,
    parse_verb,
    status_answer,
    usage_answer,
)


@pytest.mark.parametrize(
    ("argv", "verb"),
    [
        (["start"], ScriptVerb.START),
        (["x", "y", "stop"], ScriptVerb.STOP),
        (["status"], ScriptVerb.STATUS),
        (["monitor"], ScriptVerb.STATUS),
        ([], None),
        (["START"], None),
        (["start", "now"], None),
    ],
)
def test_heartbeats_words(argv: list[str], verb: ScriptVerb | None) -> None:
    assert parse_verb(argv) == verb


@given(st.lists(st.text(max_size=8), max_size=4))
def test_no_words_raise(argv: list[str]) -> None:
    assert parse_verb(argv) in (None, *ScriptVerb)


def test_answers_are_what_heartbeat_judges() -> None:
    assert status_answer(True) == ("running", 0)
    assert status_answer(False) == ("stopped", 0)
    assert done_answer(True).status == 0
    assert done_answer(False).status == 1
    assert usage_answer().status != 0


CHECKOUT = Path(appliance.__file__).parents[1]
HEAVY = {"asyncio", "subprocess", "dataclasses", "inspect", "jinja2", "logging", "pathlib", "psutil"}


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("appliance.cluster.resource", HEAVY | {"socket"}),
        ("appliance.cli.resource", HEAVY),  # it asks the agent, so it needs a socket
    ],
)
def test_only_cheap_modules_are_imported(module: str, heavy: set[str]) -> None:
    after = "print(json.dumps(sorted(set(sys.modules) - before)))"
    code = f"import sys, json; before = set(sys.modules); import {module}; {after}"
    # Without `site`, which loads some of them itself where asha runs from its checkout.
    words = [sys.executable, "-S", "-c", code]
    output = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert not heavy & set(json.loads(output))


_PROBE = """
import json, os, signal
from appliance.cluster.resource import reset_inheritance
reset_inheritance()
open_now = []
for number in range(3, 4200):
    try:
        os.fstat(number)
    except OSError:
        continue
    open_now.append(number)
ignored = [s.name for s in signal.valid_signals() if isinstance(s, signal.Signals)
           and signal.getsignal(s) == signal.SIG_IGN]
print(json.dumps([open_now, ignored, [int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, ())]]))
"""


def test_nothing_of_heartbeats_is_inherited() -> None:
    reading, writing = os.pipe()
    high = os.dup2(writing, 3999)
    try:
        words = 'trap "" INT PIPE HUP; exec "$@"'
        output = subprocess.run(
            ["/bin/sh", "-c", words, "sh", sys.executable, "-c", _PROBE],
            pass_fds=(reading, writing, high),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    finally:
        for descriptor in (reading, writing, high):
            os.close(descriptor)
    descriptors, ignored, blocked = json.loads(output)
    assert descriptors == []
    assert not {"SIGINT", "SIGPIPE", "SIGHUP"} & set(ignored)
    assert blocked == []


def test_the_script_passes_heartbeats_words_on(tmp_path: Path) -> None:
    odd = tmp_path / "a b'c"
    odd.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 7\n')
    odd.chmod(0o755)
    assert install_resource_script(tmp_path, [odd, "-I"])
    assert not install_resource_script(tmp_path, [odd, "-I"])
    ended = subprocess.run([tmp_path / "asha", "x y", "start"], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.returncode) == ("-I|x y|start|", 7)
