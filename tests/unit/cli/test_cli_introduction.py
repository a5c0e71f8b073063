"""`asha introduction`, `asha conf set --peer`, and commands that end with whoever started them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance import local_node
from appliance.cli.main import asha
from appliance.config import Conf
from appliance.control import answers
from appliance.core.answers import PeerSaid
from appliance.core.errors import SyncError, UserError
from appliance.core.model import Node
from appliance.sync import peer_link
from appliance.sync.ssh import Ssh


def asked(
    monkeypatch: pytest.MonkeyPatch, *words: str, typed: str = ""
) -> tuple[Result, list[dict[str, Any]]]:
    """`asha WORDS` with an agent that answers; what that was asked."""
    heard: list[dict[str, Any]] = []

    def agent(verb: str, **arguments: Any) -> dict[str, str]:
        heard.append({"verb": verb, **arguments})
        return {"text": "asha1:abc", "says": "pbx1 is known here now."}

    monkeypatch.setattr(answers, "ask", agent)
    return CliRunner().invoke(asha, words, input=typed), heard


def test_the_text_alone_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    done, heard = asked(monkeypatch, "introduction")
    assert (done.exit_code, done.output) == (0, "asha1:abc\n")
    assert [request["verb"] for request in heard] == ["introduction"]
    assert json.loads(asked(monkeypatch, "introduction", "--json")[0].output) == {"introduction": "asha1:abc"}


def test_a_group_leaves_the_document_to_the_command_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("introduction", "--json", "take"), ("introduction", "take", "--json")):
        done, _ = asked(monkeypatch, *words, "asha1:abc")
        assert json.loads(done.output) == {"says": ["pbx1 is known here now."]}


@pytest.mark.parametrize(
    ("words", "typed"), [(("asha1:abc",), ""), (("-",), "asha1:abc\n"), ((), "asha1:abc\n")]
)
def test_it_is_taken_from_the_command_line_or_as_it_is_typed(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], typed: str
) -> None:
    done, (request,) = asked(monkeypatch, "introduction", "take", *words, typed=typed)
    assert done.exit_code == 0 and "known here" in done.output
    assert (request["verb"], request["text"].strip(), request["anew"]) == (
        "introduction take",
        "asha1:abc",
        False,
    )
    _, (request,) = asked(monkeypatch, "introduction", "take", "--anew", *words, typed=typed)
    assert request["anew"] is True


def test_no_text_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    done, heard = asked(monkeypatch, "introduction", "take", typed="\n")
    assert isinstance(done.exception, UserError) and "No introduction was given" in str(done.exception)
    assert heard == []


class AtPeer:
    """A peer that takes values or cannot be reached."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, ok: bool) -> None:
        self.took: list[dict[str, str]] = []
        self._ok = ok
        conf = Conf(primary_name="pbx1", secondary_name="pbx2", secondary_addr="10.0.0.2")
        monkeypatch.setattr(local_node, "conf_and_node", lambda: (conf, Node.PRIMARY))
        monkeypatch.setattr(peer_link, "apply_at_peer", self)

    def __call__(self, ssh: Ssh, name: str, values: dict[str, str], by: str) -> PeerSaid:
        assert (ssh.host, name) == ("10.0.0.2", "pbx2") and by.startswith("root, by way of ")
        self.took.append(values)
        return PeerSaid(self._ok, "pbx2: Saved." if self._ok else "pbx2 does not have it.")


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A conf file."""
    path = tmp_path / "asha.conf"
    path.write_text("HADEADTIME=5\n")
    path.chmod(0o600)
    return path


def conf_set(conf: Path, *words: str) -> Result:
    return CliRunner().invoke(asha, ["conf", "set", *words, "--peer", "--conf", str(conf)])


def test_a_value_is_set_on_both(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = AtPeer(monkeypatch, ok=True)
    done = conf_set(conf, "HADEADTIME", "10", "HAWARNTIME", "5")
    assert done.exit_code == 0 and done.output.endswith("pbx2: Saved.\n")
    assert peer.took == [{"HADEADTIME": "10", "HAWARNTIME": "5"}]
    assert conf.read_text().startswith("HADEADTIME=10\n")


def test_a_peer_out_of_reach_is_named_and_nothing_is_lost(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    AtPeer(monkeypatch, ok=False)
    done = conf_set(conf, "HADEADTIME", "10")
    assert isinstance(done.exception, SyncError)
    assert str(done.exception) == "It is saved on this node. pbx2 does not have it."
    assert conf.read_text() == "HADEADTIME=10\n"


def test_what_the_peer_would_not_take_is_set_on_neither(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = AtPeer(monkeypatch, ok=True)
    done = conf_set(conf, "HADEADTIME", "10", "POSTSYNC", "/bin/true")
    assert isinstance(done.exception, UserError) and "POSTSYNC" in str(done.exception)
    assert peer.took == [] and conf.read_text() == "HADEADTIME=5\n"


def test_an_jobs_command_asks_the_kernel_to_end_it_with_the_agent(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound: list[bool] = []
    monkeypatch.setattr("appliance.host.stream.die_with_parent", lambda: bound.append(True))
    words = ["conf", "check", "--conf", str(conf)]
    assert CliRunner().invoke(asha, words).exit_code == 0 and bound == []
    assert CliRunner().invoke(asha, ["--with-starter", *words]).exit_code == 0 and bound == [True]
    assert "--with-starter" not in CliRunner().invoke(asha, ["--help"]).output
