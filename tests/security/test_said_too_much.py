"""A peer or a program that says 300 MB costs whoever reads it a few megabytes, and gets a named error for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.security_figures import Count

_TALKER = Path(__file__).with_name("said_too_much.py")
_GROWN = 10_000  # kilobytes: a 30th of what is said

# How each conversation must end: by name, and with whose fault it is.
_ENDS = {
    "a_peers_answer": "'ssh' said more than the 1048576 bytes",
    "a_peers_complaint": "SyncProblem: 127.0.0.1: xxx",
    "a_peers_nested_answer": "'ssh' said more than the 1048576 bytes",
    "a_peers_answer_of_small_lists": "127.0.0.1 answers in no language of ours (the document holds too many values",
    "a_peers_number": "127.0.0.1 answers in no language of ours (a number has 900001 digits",
    "the_answer_to_one_question": "said more than the 65536 bytes",
    "what_rsync_says": "said more than the 1048576 bytes",
    "a_programs_output": "said more than the 65536 bytes",
    "a_programs_complaint": "xxx",
    "a_workers_line": "'sh' said more than the 1048576 bytes",
    "the_peers_question": '"ok": false, "says": "The other node said more than the 1048576 bytes',
    "the_peers_question_of_the_conf": '"ok": false, "says": "The other node said more than the 65536 bytes',
    "the_agents_answer": "TooMuch: The agent said more than",
    "a_question_to_the_agent": "the agent hung up",
    "a_mail_servers_answer": "The mail server said more than the 262144 bytes",
    "a_web_servers_answer": "Undelivered: got more than 65536 bytes",
    "a_web_servers_headers": "Undelivered: got more than 100 headers",
    "what_ami_says": "AMI said more than 65536 bytes in one message",
    "what_the_console_says": "said more than the 65536 bytes",
    "what_the_consoles_socket_says": "The console said more than 65536 bytes and no line",
    "asterisks_pid_file": "asterisk.pid said more than the 256 bytes",
}


@pytest.mark.parametrize("case", _ENDS)
def test_it_costs_a_few_megabytes_and_is_named(case: str, tmp_path: Path, count: Count) -> None:
    argv = [sys.executable, str(_TALKER), case, str(tmp_path)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    print(case, found["grown"], "kB;", found["ended"][-300:])
    count("conversations in which one side said too much", 1)
    count(
        "of them that cost more than 10 MB or passed for an answer",
        int(found["grown"] >= _GROWN or _ENDS[case] not in found["ended"]),
    )
    assert _ENDS[case] in found["ended"]
    assert found["grown"] < _GROWN
