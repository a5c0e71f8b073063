"""A conf file that changes under a running Heartbeat: what Heartbeat was started with stands until it is off."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.agent import active_conf
from appliance.agent.active_conf import ActiveConf, InstalledConf, conf_in_force, read_this_node
from appliance.agent.engine_control import EngineControl
from appliance.agent.grant_file import GrantFile
from appliance.agent.kept_conf import Found
from appliance.agent.this_node import ThisNode
from appliance.config import Conf, Medium
from appliance.core.alert_rules import problems
from appliance.core.alerts import Severity
from appliance.core.engine_traits import EngineTraits
from appliance.core.errors import UserError
from appliance.core.grant import Verb
from appliance.core.model import Node
from appliance.core.roles import Event, advance
from appliance.core.status import Status
from appliance.host.clock import SystemClock
from tests.plugins.agent_context import node_context
from tests.plugins.fake_engine import FakeEngine, as_engine

HERE = os.uname().nodename
OLD = Conf(cluster_ip="10.0.0.5", primary_name=HERE)
NEW = Conf(cluster_ip="10.0.0.6", primary_name=HERE, restart=True)
WAITS = "HACLUSTERIP was changed in the conf file; it is taken when the HA engine is stopped on this node"


class Bench:
    """The site, the book and the room, with a role that is moved by hand."""

    def __init__(self, folder: Path, *, written: Conf = OLD, works_by: Conf = OLD) -> None:
        self.this_node = ThisNode(works_by, Node.PRIMARY)
        self.context = node_context(folder, self.this_node, restart=self._restart)
        self.journal = self.context.journal
        self.book = InstalledConf(folder / "standing.json")
        self.anew = 0
        self.conf = folder / "asha.conf"
        self.room = ActiveConf(self.context, Found(written), self.book)

    def _restart(self) -> None:
        self.anew += 1

    def engine(self, event: Event) -> None:
        state = self.context.service.state
        self.context.service.state = replace(state, role=advance(state.role, event))

    def said(self) -> list[str]:
        return [entry.says for entry in self.journal.since(0) if entry.kind == "agent"]


def test_while_heartbeat_runs_the_rest_is_taken_and_what_waits_is_named_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.book.keep(OLD, Node.PRIMARY)
    bench.engine(Event.ENGINE_UP)
    assert bench.room.look() is False
    for _ in range(2):
        bench.room.adopt(NEW)
    assert (bench.this_node.conf.cluster_ip, bench.this_node.conf.restart) == ("10.0.0.5", True)
    assert bench.room.problems() == [WAITS] and bench.said() == [WAITS]
    assert bench.room.look() is False and bench.anew == 0
    assert (bench.room.refuses(NEW), bench.room.refuses(OLD)) == (("HACLUSTERIP",), ())
    bench.engine(Event.ENGINE_DOWN)
    assert bench.room.refuses(NEW) == ()
    assert bench.room.look() is True and bench.anew == 1


def test_taken_back_in_time_nothing_waits(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.engine(Event.ENGINE_UP)
    bench.room.look()
    bench.room.adopt(NEW)
    bench.room.adopt(OLD)
    assert bench.room.problems() == []
    bench.engine(Event.ENGINE_DOWN)
    assert bench.room.look() is False and bench.anew == 0


def test_a_file_that_is_wrong_or_names_neither_node_is_not_taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for text in ("RESTART=maybe\n", "HAPRINODE=elsewhere\n"):
        bench.conf.write_text(text)
        with pytest.raises(UserError):
            bench.room.reload()
    assert bench.this_node.conf == OLD and bench.said() == []
    bench.conf.write_text(f"HACLUSTERIP=10.0.0.5\nHAPRINODE={HERE}\nRESTART=YES\n")
    bench.room.reload()
    assert bench.this_node.conf.restart and bench.said() == ["the conf file was read again"]


def test_while_it_is_off_a_change_is_taken_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.room.adopt(Conf(cluster_ip="10.0.0.5", primary_name=HERE, restart=True))
    assert bench.this_node.conf.restart and bench.anew == 0
    bench.room.adopt(NEW)
    assert bench.anew == 1


def test_a_conf_for_which_a_new_pair_takes_another_engine_is_another_agents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_media = {"ucast": EngineTraits("Pacemaker"), "bcast": EngineTraits("Heartbeat")}
    monkeypatch.setattr(
        active_conf, "engine_of", lambda conf: as_engine(FakeEngine(traits=by_media[conf.media[0].kind]))
    )
    bench = Bench(tmp_path)
    ucast = replace(OLD, media=(Medium("ucast", "eth0", "192.0.2.2"),))
    bench.engine(Event.ENGINE_UP)
    bench.room.adopt(ucast)
    assert bench.anew == 0, "nothing changes under an engine that runs"
    off = Bench(tmp_path)
    off.room.adopt(replace(ucast, engine="pacemaker"))
    assert off.anew == 1, "HAENGINE itself"
    off.room.adopt(ucast)
    assert off.anew == 2


def test_a_heartbeat_that_others_started_has_the_files_it_was_given_last(tmp_path: Path) -> None:
    """The file was changed while the engine was off, and init starts Heartbeat with its old files."""
    bench = Bench(tmp_path, written=NEW, works_by=NEW)
    bench.book.keep(OLD, Node.PRIMARY)
    bench.engine(Event.ENGINE_UP)
    assert bench.room.look() is True and bench.anew == 1
    again = Bench(tmp_path, written=NEW, works_by=again_under(tmp_path))
    again.engine(Event.ENGINE_UP)
    again.room.begin()
    assert again.this_node.conf.cluster_ip == "10.0.0.5" and again.said() == [WAITS]
    assert again.room.look() is False, "and not for ever"


def have_running(monkeypatch: pytest.MonkeyPatch, identity: str) -> None:
    """Have the engine of the conf run as `identity`, "" for not at all."""
    engine = FakeEngine()
    engine.run(identity)
    monkeypatch.setattr(active_conf, "engine_of", lambda conf: as_engine(engine))


def test_an_engine_that_others_set_up_is_not_bound_to_the_record_of_the_other_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the agent works with the recorded engine, which is off, and begins anew for the conf file, for ever."""
    book = InstalledConf(tmp_path / "standing.json")
    (tmp_path / "asha.conf").write_text("HAENGINE=pacemaker\nHAMEDIA=ucast eth0 192.0.2.2\n")
    book.keep(Conf(engine="heartbeat"), Node.PRIMARY)
    there = {"heartbeat": FakeEngine(), "pacemaker": FakeEngine()}
    monkeypatch.setattr(active_conf, "engine_of", lambda conf: as_engine(there[conf.engine]))
    monkeypatch.setattr(active_conf, "GRANT", tmp_path / "grant")
    there["pacemaker"].run("9:9")
    assert conf_in_force(tmp_path / "asha.conf", book).engine == "pacemaker"
    there["heartbeat"].run("8:8")
    assert conf_in_force(tmp_path / "asha.conf", book).engine == "heartbeat"


def again_under(folder: Path) -> Conf:
    return InstalledConf(folder / "standing.json").under(NEW)


def test_an_engine_found_running_without_a_book_gets_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.room.begin()
    assert bench.book.blank, "nothing is known of an engine that is off"
    bench.engine(Event.ENGINE_UP)
    bench.room.begin()
    while not (tmp_path / "standing.json").exists():  # a thread writes it, so that no disk is waited for
        SystemClock().sleep(0.01)
    assert InstalledConf(tmp_path / "standing.json").under(NEW).cluster_ip == "10.0.0.5"


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"HACLUSTERIP": "everywhere"}', '{"HAPRINODE": "another"}']
)
def test_a_book_that_says_nothing_leaves_the_file_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "standing.json").write_text(text)
    assert InstalledConf(tmp_path / "standing.json").under(NEW) == NEW


@pytest.mark.parametrize(
    ("engine", "granted", "address"),
    [("9:9", False, "10.0.0.5"), ("", True, "10.0.0.5"), ("", False, "10.0.0.6")],
)
def test_an_agent_or_script_that_begins_later_goes_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, granted: bool, address: str
) -> None:
    """A grant that is left over when Heartbeat has died is to be let go of with the address it had put up."""
    book = InstalledConf(tmp_path / "standing.json")
    book.keep(OLD, Node.PRIMARY)
    have_running(monkeypatch, engine)
    monkeypatch.setattr(active_conf, "GRANT", tmp_path / "grant")
    if granted:
        GrantFile(tmp_path / "grant").ask(Verb.START, 1.0, "9:9")
    conf = tmp_path / "asha.conf"
    conf.write_text(f"HACLUSTERIP=10.0.0.6\nHAPRINODE={HERE}\n")
    assert conf_in_force(conf, book).cluster_ip == address


RENAMED = Conf(cluster_ip="10.0.0.5", primary_name="not-this-host", secondary_name="nor-this")


@pytest.mark.parametrize(("engine", "granted"), [("9:9", False), ("", True)])
@pytest.mark.parametrize("node", list(Node))
def test_a_host_that_gets_another_name_under_heartbeat_stays_the_node_it_is_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: Node, engine: str, granted: bool
) -> None:
    InstalledConf(tmp_path / "standing.json").keep(RENAMED, node)
    have_running(monkeypatch, engine)
    monkeypatch.setattr(active_conf, "GRANT", tmp_path / "grant")
    if granted:
        GrantFile(tmp_path / "grant").ask(Verb.START, 1.0, "9:9")
    conf = tmp_path / "asha.conf"
    conf.write_text("HACLUSTERIP=10.0.0.5\nHAPRINODE=not-this-host\nHASECNODE=nor-this\n")
    this_node = read_this_node(conf, InstalledConf(tmp_path / "standing.json"))
    assert this_node.node is node
    bench = Bench(tmp_path, written=RENAMED, works_by=RENAMED)
    (problem,) = bench.room.problems()
    assert f"this machine's name is now '{HERE}'" in problem and "'not-this-host'" in problem
    status = bench.room.report(Status())
    assert status.misnamed == problem and status.problems == (problem,)
    (told,) = [found for found in problems(status) if found.alert.key == "name"]
    assert told.alert.severity is Severity.CRITICAL and HERE in told.alert.text
    bench.conf.write_text(conf.read_text() + "RESTART=YES\n")
    bench.room.reload()
    assert bench.this_node.conf.restart, "and goes on reading its conf"


def test_a_host_that_neither_heartbeat_nor_a_grant_binds_is_no_node_by_an_old_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    InstalledConf(tmp_path / "standing.json").keep(RENAMED, Node.PRIMARY)
    have_running(monkeypatch, "")
    monkeypatch.setattr(active_conf, "GRANT", tmp_path / "grant")
    conf = tmp_path / "asha.conf"
    conf.write_text("HAPRINODE=not-this-host\nHASECNODE=nor-this\n")
    with pytest.raises(UserError, match="neither HAPRINODE"):
        read_this_node(conf, InstalledConf(tmp_path / "standing.json"))


def test_an_engine_that_would_not_start_under_this_name_is_not_started(tmp_path: Path) -> None:
    engine = FakeEngine(kept=("aes256", "known"))
    context = node_context(tmp_path, ThisNode(RENAMED, Node.PRIMARY))
    control = EngineControl(context, as_engine(engine), InstalledConf(tmp_path / "standing.json"))
    with pytest.raises(UserError, match="would not start again under that name"):
        asyncio.run(control.prepare())
    assert engine.asked == []
