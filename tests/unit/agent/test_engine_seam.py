"""The agent works with any cluster engine: here with one that knows nothing of Heartbeat."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.agent.active_conf import InstalledConf
from appliance.agent.context import NodeContext
from appliance.agent.engine_control import EngineControl, EngineRequests
from appliance.agent.observations import Observations
from appliance.agent.sensors.engine import EngineSensor
from appliance.agent.this_node import ThisNode
from appliance.cluster.engine import PeerMessage
from appliance.config import Conf
from appliance.core.engine_requests import DEATH_CALLED
from appliance.core.engine_target import EngineTarget
from appliance.core.errors import ClusterError, RequestDropped
from appliance.core.model import Line, Node
from appliance.core.reading import Known, Unknown, is_known
from tests.plugins.agent_context import node_context
from tests.plugins.fake_engine import FakeEngine, as_engine
from tests.plugins.hand_clock import HandClock

CONF = Conf(cluster_ip="10.77.0.100", primary_name="pbx1", secondary_name="pbx2")


def named_as_this_host(node: Node) -> Conf:
    """Return a conf in which this machine is `node`: an engine is not started under another name."""
    here = os.uname().nodename
    return replace(CONF, primary_name=here) if node is Node.PRIMARY else replace(CONF, secondary_name=here)


class Bench:
    def __init__(self, folder: Path, node: Node = Node.PRIMARY) -> None:
        self.engine, self.this_node = FakeEngine(), ThisNode(CONF, node)
        context = node_context(folder, self.this_node, HandClock())
        self.observations = context.observations
        self.sensor = EngineSensor(context, as_engine(self.engine))

    async def hear(self, *messages: PeerMessage) -> None:
        self.observations.changed.clear()
        self.engine.watches[0].say(*messages)
        await asyncio.wait_for(self.observations.changed.wait(), 5.0)


def test_what_the_engine_says_is_on_the_board(tmp_path: Path) -> None:
    async def play() -> None:
        bench = Bench(tmp_path)
        bench.sensor.look()
        assert is_known(bench.observations.engine, False) and not bench.observations.peer_seen
        bench.engine.run("1:7", peer_alive=Known(True, 1.0), holds=Known("asha", 1.0), links={"eth1": False})
        await bench.hear()
        observations = bench.observations
        assert (observations.engine, observations.engine_id, observations.peer_seen) == (
            Known(True, 0.0),
            "1:7",
            True,
        )
        assert (observations.engine_holds, observations.links) == (Known("asha", 1.0), {"eth1": "down"})
        assert observations.engine_since is not None

    asyncio.run(play())


def test_the_peers_word_is_true_at_the_time_it_was_sent(tmp_path: Path) -> None:
    async def play() -> None:
        bench = Bench(tmp_path)
        bench.engine.run("1:7")
        bench.sensor.look()
        await bench.hear(PeerMessage("pbx2", {"line": "clear", "granted": "yes"}, 900.5))
        report = bench.observations.report
        assert report is not None
        assert (report.at, report.line, report.granted) == (
            900.5,
            Known(Line.CLEAR, 900.5),
            Known(True, 900.5),
        )

    asyncio.run(play())


def test_an_engine_that_is_gone_takes_its_words_with_it(tmp_path: Path) -> None:
    async def play() -> None:
        bench = Bench(tmp_path)
        bench.engine.run("1:7", peer_alive=Known(True, 1.0), links={"eth1": True})
        bench.sensor.look()
        await bench.hear(PeerMessage("pbx2", {}, 900.5))
        silent = Unknown("it is gone", 2.0)
        bench.engine.run("", runs=Known(False, 2.0), peer_alive=silent, holds=silent, links={})
        await bench.hear()
        observations = bench.observations
        assert (
            is_known(observations.engine, False)
            and observations.engine_id == ""
            and observations.engine_since is None
        )
        assert (observations.peer_alive, observations.report, observations.peer_seen, observations.links) == (
            silent,
            None,
            False,
            {},
        )

    asyncio.run(play())


def test_a_connection_that_gets_the_number_of_an_old_one_is_heard(tmp_path: Path) -> None:
    """The kernel forgets a closed descriptor; an agent that goes by its number alone would be deaf for ever."""

    async def play() -> None:
        bench = Bench(tmp_path)
        bench.sensor.look()
        watch = bench.engine.watches[0]
        (before,) = watch.sources()
        watch.reconnects = True
        bench.sensor.look()
        (now,) = watch.sources()
        assert (now is before, now.fileno()) == (False, before.fileno())
        bench.engine.run("1:7")
        await bench.hear()
        assert bench.observations.engine_id == "1:7"

    asyncio.run(play())


def test_the_peer_is_told_through_the_engine(tmp_path: Path) -> None:
    async def play() -> None:
        bench = Bench(tmp_path)
        bench.sensor.tell({"role": "standby"})
        assert bench.engine.watches[0].told == [{"role": "standby"}]

    asyncio.run(play())


def engine_control(tmp_path: Path, context: NodeContext, engine: FakeEngine) -> EngineControl:
    book = InstalledConf(tmp_path / "standing.json")
    return EngineControl(
        context, as_engine(engine), book, tmp_path / "engine-restart", tmp_path / "engine-target"
    )


@pytest.mark.parametrize("node", list(Node))
def test_orders_reach_the_engine(tmp_path: Path, node: Node) -> None:
    async def play() -> None:
        engine = FakeEngine(kept=("aes256", "known"))
        context = node_context(tmp_path, ThisNode(named_as_this_host(node), node))
        control = engine_control(tmp_path, context, engine)
        await control.prepare()
        await control.start()
        assert await control.standby() == ""
        await control.takeover()
        assert await control.stop()
        engine.heeds_stop = False
        assert not await control.stop()
        assert engine.asked.pop() == "stop"
        assert engine.asked == [f"install 10.77.0.100 {node.value}", "start", "standby", "takeover", "stop"]

    asyncio.run(play())


def test_a_restart_that_an_agents_death_has_cut_short_is_finished_by_the_next(tmp_path: Path) -> None:
    async def play() -> None:
        engine, context = FakeEngine(), node_context(tmp_path, ThisNode(CONF, Node.SECONDARY))

        def die() -> None:
            raise ClusterError("it was killed here")

        engine.on_restart = die
        with pytest.raises(ClusterError):
            await engine_control(tmp_path, context, engine).restart()
        engine.on_restart = lambda: None
        again = engine_control(tmp_path, context, engine)
        for _ in range(2):
            await EngineRequests(context, again).resume_restart()
            assert engine.asked == ["restart", "start"], "once it is finished there is nothing to resume"

    asyncio.run(play())


def test_one_that_was_to_be_called_dead_is_kept_off_by_the_next_agent_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        engine, context = FakeEngine(), node_context(tmp_path, ThisNode(CONF, Node.SECONDARY))
        clock = context.clock
        monkeypatch.setattr(clock, "sleep", lambda seconds: engine.asked.append(f"off {seconds:g} s"))
        off = f"off {CONF.deadtime + DEATH_CALLED:g} s"

        def die() -> None:
            raise ClusterError("it was killed here")

        engine.on_restart = die
        with pytest.raises(ClusterError):
            await engine_control(tmp_path, context, engine).restart(until_dead=True)
        await EngineRequests(context, engine_control(tmp_path, context, engine)).resume_restart()
        assert engine.asked == ["restart", off, off, "start"], (
            "the time begins anew: nobody knows how long it was off"
        )

    asyncio.run(play())


def test_a_request_that_the_engine_drops_is_known_to_the_controller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        engine, context = FakeEngine(), node_context(tmp_path, ThisNode(CONF, Node.SECONDARY))
        control, seen = engine_control(tmp_path, context, engine), context.observations
        began = context.clock.now()

        def drop() -> None:
            raise RequestDropped("It is dropped.", todo="Wait.", seconds_left=3500.0)

        monkeypatch.setattr(engine, "standby", drop)
        assert await control.standby() == "It is dropped. Wait."
        assert seen.asked.dropped_at >= began and seen.asked.seconds_left == 3500.0
        assert seen.changed.is_set()
        assert seen.asked.takeover_at < began
        monkeypatch.setattr(engine, "takeover", drop)
        with pytest.raises(RequestDropped):
            await control.takeover()
        assert seen.asked.takeover_at >= began

    asyncio.run(play())


def test_an_operators_start_ends_a_restart_that_failed(tmp_path: Path) -> None:
    """Else an agent that is started much later would have an engine to see to that serves."""

    async def play() -> None:
        engine, context = FakeEngine(), node_context(tmp_path, ThisNode(CONF, Node.SECONDARY))
        control = engine_control(tmp_path, context, engine)
        control._put_mark(b"")
        await control.start()
        await EngineRequests(context, engine_control(tmp_path, context, engine)).resume_restart()
        assert engine.asked == ["start"]

    asyncio.run(play())


def test_an_operators_stop_is_not_undone_by_a_restart_under_way(tmp_path: Path) -> None:
    async def play() -> None:
        engine, context = FakeEngine(), node_context(tmp_path, ThisNode(CONF, Node.SECONDARY))
        control, may_end = engine_control(tmp_path, context, engine), threading.Event()
        engine.on_restart = lambda: engine.asked.append("started" if may_end.wait(10.0) else "late")
        restart = asyncio.create_task(control.restart())
        await asyncio.sleep(0)  # it has begun
        stop = asyncio.create_task(control.stop())
        await asyncio.sleep(0)
        may_end.set()
        await asyncio.gather(restart, stop)
        assert engine.asked == ["restart", "started", "stop"]
        assert not control.restart_is_pending()

    asyncio.run(play())


def test_the_primary_makes_the_secret_before_the_files(tmp_path: Path) -> None:
    async def play() -> None:
        engine = FakeEngine()
        book = InstalledConf(tmp_path / "standing.json")
        await EngineControl(
            node_context(tmp_path, ThisNode(named_as_this_host(Node.PRIMARY), Node.PRIMARY)),
            as_engine(engine),
            book,
        ).prepare()
        assert engine.kept == ("aes256", "made here")
        assert not book.blank

    asyncio.run(play())


def test_only_news_of_the_peer_makes_the_cycle_turn(tmp_path: Path) -> None:
    async def play() -> None:
        bench = Bench(tmp_path)
        observations = bench.observations
        bench.engine.run("1:7", peer_alive=Known(True, 0.0))
        bench.sensor.look()
        turned = []
        for at, line in ((1.0, "clear"), (2.0, "clear"), (3.0, "absent"), (4.0, "absent"), (60.0, "absent")):
            observations.changed.clear()
            bench.engine.watches[0].say(PeerMessage("pbx2", {"line": line}, at))
            async with asyncio.timeout(5.0):
                while observations.report is None or observations.report.at != at:  # noqa: ASYNC110 - old words set no event
                    await asyncio.sleep(0)
            turned.append(observations.changed.is_set())
        assert turned == [True, False, True, False, True]  # the last: it was silent, and is there again

    asyncio.run(play())


def test_who_counts_is_told_of_each_word_and_of_each_turn(tmp_path: Path) -> None:
    async def play() -> None:
        bench = Bench(tmp_path)
        heard: list[str] = []
        turned = asyncio.get_running_loop().create_future()
        bench.sensor.heard = lambda report, now: heard.append(report.run)
        bench.sensor.turned = lambda late, passed: turned.done() or turned.set_result((late, passed))
        bench.engine.run("1:7", peer_alive=Known(True, 0.0))
        work = asyncio.create_task(bench.sensor.run())
        late, passed = await asyncio.wait_for(turned, 5.0)
        assert 0.0 <= late < passed < 5.0
        await bench.hear(PeerMessage("pbx2", {"line": "clear", "run": "77"}, 1.0))
        assert heard == ["77"]
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(play())


def test_whether_the_engine_is_to_run_outlives_the_agent(tmp_path: Path) -> None:
    async def play() -> None:
        engine = FakeEngine()

        def agent() -> tuple[EngineControl, Observations]:
            context = node_context(tmp_path, ThisNode(CONF, Node.PRIMARY))
            return engine_control(tmp_path, context, engine), context.observations

        control, seen = agent()
        assert seen.engine_target is EngineTarget.UNSET
        for order, target in ((control.start, EngineTarget.STARTED), (control.stop, EngineTarget.STOPPED)):
            await order()
            assert agent()[1].engine_target is seen.engine_target is target
        seen.engine_target = EngineTarget.STARTED
        await EngineRequests(node_context(tmp_path, ThisNode(CONF, Node.PRIMARY)), control).keep_target()
        assert agent()[1].engine_target is EngineTarget.STARTED

    asyncio.run(play())


def test_asha_that_ends_is_no_operator_who_wants_the_engine_off(tmp_path: Path) -> None:
    """Each shutdown stops the engine; one that does not come back with the machine is missed."""

    async def play() -> None:
        context = node_context(tmp_path, ThisNode(CONF, Node.PRIMARY))
        control = engine_control(tmp_path, context, FakeEngine())
        await control.start()
        await control.stop(leaving=True)
        assert context.observations.engine_target is EngineTarget.STOPPED, (
            "the agent that ends misses nothing"
        )
        after_boot = node_context(tmp_path, ThisNode(CONF, Node.PRIMARY))
        engine_control(tmp_path, after_boot, FakeEngine())
        assert after_boot.observations.engine_target is EngineTarget.STARTED

    asyncio.run(play())


def test_where_the_disk_takes_nothing_this_agent_at_least_knows_it(tmp_path: Path) -> None:
    async def play() -> None:
        context, no_folder = node_context(tmp_path, ThisNode(CONF, Node.PRIMARY)), tmp_path / "a-file"
        no_folder.write_text("")
        book, mark = InstalledConf(tmp_path / "standing.json"), tmp_path / "engine-restart"
        control = EngineControl(context, as_engine(FakeEngine()), book, mark, no_folder / "engine-target")
        assert await control.stop()
        assert context.observations.engine_target is EngineTarget.STOPPED

    asyncio.run(play())


def test_a_stop_that_fails_leaves_the_engine_one_that_is_not_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        engine, context = FakeEngine(), node_context(tmp_path, ThisNode(CONF, Node.PRIMARY))
        control = engine_control(tmp_path, context, engine)

        def fail(releasing: object) -> bool:
            raise ClusterError("it does not end")

        monkeypatch.setattr(engine, "stop", fail)
        with pytest.raises(ClusterError):
            await control.stop()
        assert (tmp_path / "engine-target").read_text() == "stopped\n"

    asyncio.run(play())
