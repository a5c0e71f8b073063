"""`asha conf diff`: what it prints, its exit codes, and what it says when the other node does not answer."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance import local_node
from appliance.cli.main import asha
from appliance.cli.peer import answer_one
from appliance.config import Conf, load
from appliance.config.other_conf import ConfDiff, told
from appliance.core.as_json import read_as, to_json
from appliance.core.errors import SyncError
from appliance.core.model import Node
from appliance.sync import peer_link
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.gate import NOT_FOR_THIS_KEY

Give = Callable[..., Result]


@pytest.fixture
def give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Give:
    """Give the command on a node whose peer answers with `answer`."""
    path = tmp_path / "asha.conf"
    path.write_text("HAPRINODE=one\nHASECNODE=two\nAMIUSER=asha\nAMISECRET=quiet\n")
    path.chmod(0o600)
    own = load(path)
    monkeypatch.setattr(local_node, "conf_and_node", lambda: (own, Node.PRIMARY))

    def run(answer: object, *words: str) -> Result:
        def ask(way: object, verb: str, *rest: object, **more: object) -> Any:
            assert verb == "values"
            if isinstance(answer, Exception):
                raise answer
            return {"conf": to_json(told(answer, b"salt")) if isinstance(answer, Conf) else answer}

        monkeypatch.setattr(peer_link, "ask_once", ask)
        return CliRunner().invoke(asha, ["conf", "diff", "--conf", str(path), *words])

    return run


@pytest.fixture
def same(give: Give, tmp_path: Path) -> Conf:
    return load(tmp_path / "asha.conf")


def test_two_alike(give: Give, same: Conf) -> None:
    result = give(same)
    assert (result.exit_code, "No key differs between " in result.output) == (0, True)


def test_a_difference_is_named_with_both_values_and_fails(give: Give, same: Conf) -> None:
    result = give(replace(same, deadtime=9.0, ami_secret="loud"))
    assert result.exit_code == 1
    lines = [line.split() for line in result.output.splitlines()]
    assert lines[:2] == [["Differs:"], ["HADEADTIME"]] and lines[3] == ["two", "9"]
    assert "AMISECRET: the values are not shown" in result.output
    assert "loud" not in result.output and "quiet" not in result.output


def test_what_belongs_to_one_node_is_no_failure(give: Give, same: Conf) -> None:
    result = give(replace(same, panel_addr="10.0.0.2"))
    assert result.exit_code == 0 and "as is expected" in result.output and "10.0.0.2" in result.output


def test_as_json(give: Give, same: Conf) -> None:
    result = give(replace(same, deadtime=9.0), "--json")
    found = read_as(ConfDiff, json.loads(result.stdout))
    assert result.exit_code == 1 and [one.there for one in found.differences] == ["9"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (SyncProblem(Fault.INTERRUPTED, "two has not answered for 30 s."), "two has not answered for 30 s."),
        (SyncProblem(Fault.OTHER, f"two: 'asha-source' {NOT_FOR_THIS_KEY}."), "cannot tell its conf yet"),
        (
            {"values": {"HADEADTIME": 9}, "secrets": {}, "salt": ""},
            "does not tell its conf as this asha expects",
        ),
        ("nonsense", "does not tell its conf as this asha expects"),
    ],
)
def test_another_node_that_gives_no_answer_is_an_error(give: Give, answer: object, says: str) -> None:
    result = give(answer)
    assert isinstance(result.exception, SyncError) and says in str(result.exception)


def test_what_a_node_tells_is_what_the_other_reads(
    give: Give, same: Conf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.cli.peer.load", lambda path: same)
    answered = io.BytesIO()
    answer_one("values", Node.SECONDARY, io.BytesIO(b"{}\n"), answered)
    answer = json.loads(answered.getvalue())
    assert answer["ok"] is True and "quiet" not in answered.getvalue().decode()
    assert give(answer["conf"]).exit_code == 0
