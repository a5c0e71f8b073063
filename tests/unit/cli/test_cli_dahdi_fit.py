"""`asha dahdi fit`: both nodes side by side, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance import sync_setup
from appliance.cli import hardware as command
from appliance.config import Conf
from appliance.core.errors import HardwareError
from appliance.core.model import Node
from appliance.core.reading import Known, Unknown
from appliance.dahdi.directory import read_configuration
from appliance.dahdi.fit import misfits
from appliance.dahdi.spans import read_hardware
from appliance.sync.errors import Fault, SyncProblem
from hwsim.dahdi.cards import R1E1, R1T1, R2T1, SpanCard
from hwsim.dahdi.tree import DahdiTree

T1 = "span=1,1,0,esf,b8zs\nbchan=1-23\ndchan=24\n"


class Rack:
    """This node has the cards `here`, the peer `there`; None: it cannot be asked. dahdi_cfg is content."""

    def __init__(self, root: Path, here: list[SpanCard], there: list[SpanCard] | None) -> None:
        self.root = root
        DahdiTree(root / "here", here)
        if there is not None:
            DahdiTree(root / "there", there)
        self.there = there is not None
        self.directory = root / "dahdi"
        self.directory.mkdir()
        (self.directory / "system.conf").write_text(T1)

    def site(self) -> tuple[Conf, Node]:
        return Conf(telephony=str(self.directory), dahdi_root=self.root / "here"), Node.PRIMARY

    def peer(self, conf: Conf, node: Node, directory: Path) -> command.Side:
        if not self.there:
            raise SyncProblem(Fault.UNREACHABLE, "hastandby: Connection refused.")
        seen = read_hardware(self.root / "there", 1.0)
        return command.Side("hastandby", seen, misfits(read_configuration(directory), seen, "hastandby"))


def play(monkeypatch: pytest.MonkeyPatch, rack: Rack, *words: str) -> tuple[str, BaseException | None]:
    monkeypatch.setattr(command, "conf_and_node", rack.site)
    monkeypatch.setattr(command, "_peer", rack.peer)
    monkeypatch.setattr(sync_setup, "refused_by_dahdi_cfg", lambda directory: "")
    result = CliRunner().invoke(command.dahdi, ["fit", *words])
    return result.output, result.exception


def test_both_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, problem = play(monkeypatch, rack := Rack(tmp_path, [R1T1], [R1T1]))
    assert problem is None
    assert [line.split() for line in output.splitlines()[:3]] == [
        ["span", "node", "name", "type", "channels", "set", "to", "fits"],
        ["1", "this", "node", "R1T1/0", "T1", "1-24", "B8ZS/ESF", "yes"],
        ["1", "hastandby", "R1T1/0", "T1", "1-24", "B8ZS/ESF", "yes"],
    ]
    assert f"{rack.directory} fits this node." in output
    assert f"{rack.directory} fits hastandby." in output


def test_a_card_of_another_kind_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, problem = play(monkeypatch, rack := Rack(tmp_path, [R2T1], [R1E1]))
    assert isinstance(problem, HardwareError)
    assert str(problem) == f"{rack.directory} does not fit hastandby."
    lines = output.splitlines()
    assert lines[1].endswith("yes")
    assert lines[2].endswith("NO")
    assert lines[3].endswith("not set up")
    assert "  span 1: the configuration says T1 (esf), hastandby's span 1 R1T1/0 is E1." in lines


def test_a_peer_that_cannot_be_asked_comes_after_this_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, problem = play(monkeypatch, Rack(tmp_path, [R1T1], None))
    assert "fits this node." in output
    assert isinstance(problem, SyncProblem)
    assert problem.kind is Fault.UNREACHABLE


def test_what_does_not_fit_here_matters_more_than_a_silent_peer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, problem = play(monkeypatch, Rack(tmp_path, [R1E1], None))
    assert "span 1: the configuration says T1 (esf), this node's span 1 R1T1/0 is E1." in output
    assert isinstance(problem, HardwareError)


def test_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, problem = play(monkeypatch, Rack(tmp_path, [R1T1], [R1E1]), "--json")
    assert isinstance(problem, HardwareError)
    document = json.loads(output)
    assert [node["node"] for node in document["nodes"]] == ["this node", "hastandby"]
    assert document["nodes"][0]["misfits"] == []
    assert document["nodes"][1]["misfits"][0]["span"] == 1
    assert document["nodes"][1]["spans"][0]["span_type"] == "E1"
    assert document["peer_problem"] is None


def test_spans_that_cannot_be_seen_are_said(tmp_path: Path) -> None:
    unseen = command.Side("hastandby", Unknown("DAHDI is not loaded", 1.0), ())
    empty = command.Side("this node", Known((), 1.0), ())
    lines = command.fit_lines(tmp_path, [empty, unseen])
    assert "hastandby: its spans cannot be seen: DAHDI is not loaded." in lines
    assert "this node: no spans." in lines


def test_a_driver_that_modules_leaves_out_is_a_warning_and_no_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rack = Rack(tmp_path, [R1T1], [R1T1])
    (rack.directory / "modules").write_text("wct4xxp\n")
    output, problem = play(monkeypatch, rack)
    assert problem is None
    assert f"{rack.directory} fits this node." in output
    assert "  warning: span 1: modules names wct4xxp and leaves out r1t1, the driver of this node's" in output
    document = json.loads(play(monkeypatch, rack, "--json")[0])
    assert document["nodes"][0]["misfits"] == []
    assert "leaves out r1t1" in document["nodes"][0]["warnings"][0]["says"]
