"""The agents' parts in a change of the cluster engine, one trouble at a time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance.core.engine_change import ASKED_AGAIN, ASKED_SELDOM
from appliance.core.errors import AshaError, ClusterError
from appliance.core.grant import Grant
from appliance.core.reading import Known
from tests.plugins.engine_change_world import AGREED, CURRENT, TITLES, World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_auto_starts_no_other_engine_than_the_peer_runs(world: World) -> None:
    """The primary's disk was replaced, and its new installation prefers another engine."""
    world.primary.conf, world.primary.running = "pacemaker", ""

    async def ask() -> None:
        agent = world.primary.agent
        assert agent is not None
        CURRENT.set(world.primary)
        with pytest.raises(
            ClusterError, match="pbx2 runs Heartbeat, and HAENGINE=auto has chosen"
        ) as refused:
            await agent.why_not_asked()
        assert "asha conf set HAENGINE heartbeat" in refused.value.todo
        world.secondary.running = ""
        assert await agent.why_not_asked() == "", "it runs none"
        world.answers = False
        assert "pbx2 could not be asked which engine it runs" in await agent.why_not_asked()
        world.primary.running = "pacemaker"
        assert await agent.why_not_asked() == "", "it runs already"

    world.play(ask)


def test_undisturbed_both_change(world: World) -> None:
    async def play() -> None:
        await world.begin()
        await world.settle()

    world.play(play)
    world.end()
    assert world.primary.running == world.secondary.running == "pacemaker"


@pytest.mark.parametrize("starts", ["not at all", "in part"])
def test_what_the_primary_cannot_start_both_leave(world: World, starts: str) -> None:
    async def play() -> None:
        if starts == "in part":
            for machine in world.machines:
                machine.halves = {"pacemaker"}
        else:
            world.primary.refuses = {"pacemaker"}
        await world.begin()
        await world.arrive()
        for machine in world.machines:
            assert (
                "could not be started" in (await machine.ask("engine", to="pacemaker", cancel="")).change.says
            )

    world.play(play)
    world.end()
    assert world.primary.running == world.secondary.running == "heartbeat"


@pytest.mark.parametrize("enabled", [{"heartbeat"}, {"heartbeat", "pacemaker"}])
def test_a_secondary_that_boots_before_its_order_does_not_take_init_s_engine_for_the_pair_s(
    world: World, enabled: set[str]
) -> None:
    async def play() -> None:
        world.secondary.at_boot = set(enabled)
        await world.begin()
        world.answers = False
        await world.until(lambda: "pacemaker" in world.secondary.files, "the new engine's files")
        world.secondary.cut_power()
        await world.settle()

    world.play(play)
    assert world.torn == []
    assert world.primary.running == world.secondary.running == world.secondary.conf == "heartbeat"


def test_a_primary_that_boots_in_its_change_asks_before_it_serves(world: World) -> None:
    """The secondary has gone on alone meanwhile, and init has started the new engine on the primary."""

    async def play() -> None:
        world.primary.at_boot = set(TITLES)
        await world.begin()
        await world.until(lambda: "pacemaker" in world.primary.files, "the primary changes")
        world.primary.cut_power()
        await world.until(lambda: not world.secondary.restless, "the secondary has gone on alone")
        assert world.secondary.running == "pacemaker"
        await world.settle()

    world.play(play)
    assert world.torn == []
    assert world.primary.running == world.secondary.running == "pacemaker"


def test_a_change_that_was_given_up_keeps_the_reason_of_the_node_that_took_part(world: World) -> None:
    async def play() -> None:
        world.primary.refuses = {"pacemaker"}
        await world.begin()
        await world.arrive()
        said = await world.primary.ask("engine", to="pacemaker", cancel="")
        assert "could not be started" in said.change.says
        again = await world.primary.ask("engine", to="pacemaker", cancel=said.change.number)
        assert again.change == said.change
        another = await world.primary.ask("engine", to="pacemaker", cancel="another")
        assert another.change.number == "another" and another.change.over

    world.play(play)


def test_files_that_cannot_be_taken_away_are_told(world: World) -> None:
    async def play() -> None:
        world.secondary.keeps_files = True
        await world.begin()
        await world.arrive()

    world.play(play)
    journal = "".join(path.read_text() for path in world.secondary.folder.rglob("*") if path.is_file())
    assert "could not be taken away" in journal


def test_it_begins_on_the_secondary_and_once(world: World) -> None:
    async def play() -> None:
        with pytest.raises(AshaError, match="begins on the secondary"):
            await world.primary.ask("engine migrate", to="pacemaker")
        with pytest.raises(AshaError, match="no such engine"):
            await world.secondary.ask("engine migrate", to="/bin/sh")
        with pytest.raises(AshaError, match="Heartbeat already"):
            await world.secondary.ask("engine migrate", to="heartbeat")
        with pytest.raises(AshaError, match="ordered by nobody"):
            await world.secondary.ask("engine switch", to="pacemaker", number="7")
        world.answers = False
        with pytest.raises(AshaError, match="does not answer"):
            await world.secondary.ask("engine migrate", to="pacemaker")
        world.answers = True
        await world.begin()
        await world.until(lambda: "pacemaker" in world.secondary.files, "the new engine's files")
        with pytest.raises(AshaError, match="under way"):
            await world.begin()

    world.play(play)


async def alone_while_the_primary_is_off(world: World) -> None:
    """The secondary's change ends while the primary has no power; then the primary is switched on."""
    world.primary.cut_power()
    await world.until(lambda: not world.secondary.restless, "the secondary has gone on alone")
    assert world.secondary.running
    await world.settle()


def test_a_primary_that_has_gone_back_and_loses_its_power_before_the_secondary_knows_asks_at_boot(
    world: World,
) -> None:
    """Its own change was over: init starts the old engine. The secondary has gone on alone under the new one."""

    async def play() -> None:
        world.primary.refuses = {"pacemaker"}
        await world.begin()
        await world.until(lambda: world.primary.conf == "pacemaker", "the primary takes part")
        world.answers = False
        await world.until(
            lambda: world.primary.running == "heartbeat" and not world.primary.restless, "it is back"
        )
        await asyncio.sleep(2.0)  # the end is on disk
        await alone_while_the_primary_is_off(world)

    world.play(play)
    assert world.torn == []
    world.alike()


def test_a_primary_that_never_got_its_order_finds_the_old_engine_at_the_secondary(world: World) -> None:
    """It has no note, so it asks nobody at boot; the secondary does not know whether it has one."""

    async def play() -> None:
        world.carry = lambda asked: 1000.0 if asked["do"] == "switch" else 0.0
        await world.begin()
        await world.until(lambda: "pacemaker" in world.secondary.files, "the new engine's files")
        await asyncio.sleep(3.0)
        await alone_while_the_primary_is_off(world)

    world.play(play)
    assert world.torn == []
    world.alike()
    assert world.primary.running == "heartbeat"


def test_an_order_that_arrives_when_the_secondary_has_gone_on_alone_is_refused(world: World) -> None:
    """The secondary could not even tell the primary that the order is not meant any more."""

    async def play() -> None:
        world.carry = lambda asked: 200.0 if asked["do"] == "switch" else 0.0
        await world.begin()
        await world.until(lambda: "pacemaker" in world.secondary.files, "the new engine's files")
        await asyncio.sleep(3.0)
        world.answers = world.lan = False
        await world.until(lambda: not world.secondary.restless, "the secondary has gone on alone")
        world.answers = world.lan = True
        await asyncio.sleep(300.0)
        await world.arrive()

    world.play(play)
    assert world.torn == []
    world.alike()
    assert world.primary.running == "heartbeat"


def test_a_primary_that_comes_back_while_the_secondary_begins_alone_waits_for_it(world: World) -> None:
    """The primary is on its way back; its machine is on again when the secondary has last looked at the LAN."""

    async def play() -> None:
        world.primary.refuses = {"pacemaker"}
        await world.begin()
        await world.until(lambda: world.primary.conf == "pacemaker", "the primary takes part")
        await world.until(lambda: world.primary.conf == "heartbeat", "it is on its way back")
        world.primary.cut_power()

        def late() -> None:
            world.primary.boot()
            world.secondary.slow = 8.0

        world.lan_is_looked_at = late
        await world.until(lambda: world.secondary.slow, "the secondary has looked at the LAN")
        await world.settle()

    world.play(play)
    assert world.torn == []
    world.alike()


def test_a_node_that_is_off_is_asked_ever_more_seldom_and_at_once_when_it_is_heard(world: World) -> None:
    """The primary is off for an hour: its agent is gone before it has said which engine it runs."""
    asked: list[float] = []

    def carry(question: Mapping[str, str]) -> float:
        asked.append(world.clock.now())
        return 0.0

    async def play() -> None:
        await world.begin()
        await world.until(lambda: "pacemaker" in world.primary.files, "the primary changes")
        world.primary.cut_power()
        await world.until(lambda: not world.secondary.restless, "the secondary has gone on alone")
        asked.clear()
        world.carry = carry
        began = world.clock.now()
        await asyncio.sleep(3600.0)
        gaps = [after - before for before, after in itertools.pairwise(asked)]
        assert len(gaps) > 10 and all(after >= before - 1.0 for before, after in itertools.pairwise(gaps))
        assert asked[0] - began < 2 * ASKED_AGAIN
        assert ASKED_SELDOM <= gaps[-1] < ASKED_SELDOM + 2.0
        asked.clear()
        world.secondary.observations.peer_alive = Known(True, world.clock.now())
        await world.until(lambda: asked, "it is asked")
        await world.until(lambda: len(asked) == 2, "it is asked again")
        assert asked[1] - asked[0] < ASKED_AGAIN + 2.0
        await world.settle()

    world.play(play)
    assert world.torn == []
    world.alike()


@pytest.mark.parametrize("served", ["by both", "by the secondary"])
def test_after_a_split_in_the_middle_the_one_that_does_not_serve_follows(world: World, served: str) -> None:
    async def play() -> None:
        world.primary.refuses = {"pacemaker"}
        await world.begin()
        await world.until(lambda: world.primary.conf == "pacemaker", "the primary takes part")
        world.answers = world.lan = False
        await world.until(lambda: not any(one.restless for one in world.machines), "both have gone on alone")
        assert (world.primary.running, world.secondary.running) == ("heartbeat", "pacemaker")
        world.primary.serves = served == "by both"
        world.primary.refuses = set()
        healed = world.clock.now()
        world.answers = world.lan = True
        await world.until(lambda: world.primary.running == world.secondary.running, "they agree")
        assert world.clock.now() < healed + AGREED
        await world.arrive()

    world.play(play)
    world.alike()
    assert world.primary.running == ("heartbeat" if served == "by both" else "pacemaker")


@pytest.mark.parametrize("held", [True, False])
def test_a_node_that_holds_a_grant_is_not_stopped_to_ask(world: World, held: bool) -> None:
    """An agent that is started anew on a node that serves, which has booted since a change that nobody has settled."""

    async def play() -> None:
        await world.begin()
        await world.arrive()
        world.secondary.cut_power()
        note = world.primary.folder / "change.json"
        note.write_text(note.read_text().replace('"settled": true', '"settled": false'))
        world.primary.boots += 1
        world.primary.grant = Grant(held=held, generation=7)
        world.primary.kill_agent()
        await world.until(lambda: world.primary.agent is not None, "another agent runs")
        assert world.primary.restless is not held

    world.play(play)


def test_a_peer_that_names_an_unknown_engine_is_taken_for_one_that_does_not_answer(world: World) -> None:
    async def play() -> None:
        await world.begin()
        await world.until(lambda: "pacemaker" in world.secondary.files, "the new engine's files")
        world.primary.running = "hearts"
        world.primary.conf = "heartbeat"
        agent = world.secondary.agent
        assert agent is not None
        await world.until(lambda: "does not know" in agent.says(), "it is told")
        world.primary.running = "heartbeat"
        await world.arrive()

    world.play(play)
    world.alike()
