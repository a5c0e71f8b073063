"""What a pair does on each engine alike, with the real daemons: it comes up, fails over, is moved, and heals."""

from __future__ import annotations

from pair_on_rack import PAIR_SITE, STAYS, Pair, ready_standby

from hwsim.nodes.engines import HEARTBEAT, PACEMAKER
from hwsim.nodes.network import LINKS
from hwsim.rack import SIDES
from hwsim.service_log import recorded

SITE = PAIR_SITE
ENGINES = (HEARTBEAT, PACEMAKER)


async def at_home_again(pair: Pair, side: str) -> None:
    """The node that stood by after a fault serves as before when it is asked to."""
    await pair.until_status(side, ready_standby, "it is ready")
    await pair.move("takeover", to=side)


async def test_it_comes_up_and_exactly_one_serves(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        await pair.stays("primary", STAYS)
        assert log.seconds_with_nobody(began) == 0.0
        assert log.seconds_with_two(began) == 0.0
    assert all(pair.rack.engine_runs(side) for side in SIDES)


async def test_asterisk_killed(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.kill_asterisk("primary")
    await pair.served(fault, "secondary")
    assert pair.rack.first_answer("garp", "secondary", fault) is not None
    assert not pair.rack.asterisk_runs("primary")
    await at_home_again(pair, "primary")


async def test_power_cut_of_the_active_node(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.power_off("primary")
    await pair.served(fault, "secondary")
    began = pair.rack.now()
    await pair.power_up("primary")
    await pair.rack.start_agent("primary")
    await pair.stage.ask(pair.primary, "ha", "start")
    await pair.until_status(
        "secondary", lambda status: bool(status["peer"]["fit"]["value"]), "the other node is back"
    )
    assert [move for move in pair.moved_since(began) if move[0] != "relay"] == []
    await at_home_again(pair, "primary")


async def test_a_planned_move_and_the_way_back(pair: Pair) -> None:
    await pair.home()
    await pair.move("standby", to="secondary")
    await pair.move("standby", to="primary")


async def test_both_links_cut_and_healed(pair: Pair) -> None:
    await pair.home()
    settled = await pair.split_and_healed()
    assert pair.rack.in_service(settled.owner)


async def test_the_engine_killed_on_the_active_node(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.kill_engine("primary")
    await pair.until(lambda: not pair.rack.asterisk_runs("primary"), "the primary's Asterisk is gone", 5)
    await pair.served(fault, "secondary")
    await pair.until_status("primary", lambda status: status["role"] == "off", "the primary is off")
    async with recorded(pair.rack) as log:
        assert not log.has_address("primary")
    began = pair.rack.now()
    await pair.stage.ask(pair.primary, "ha", "start")
    await pair.until_status("primary", lambda status: status["role"] == "standby", "it is back as standby")
    assert [move for move in pair.moved_since(began) if move[0] != "relay"] == []
    assert pair.rack.in_service("secondary")


async def test_a_lone_node_begins_after_initdead_and_not_before(pair: Pair) -> None:
    await pair.home()
    for side in SIDES:
        pair.rack.power_off(side)
    await pair.power_up("primary")
    await pair.rack.start_agent("primary")
    began = pair.rack.now()
    await pair.stage.ask(pair.primary, "ha", "start")
    await pair.until(lambda: pair.rack.in_service("primary"), "the lone node serves")
    granted = await pair.entry("primary", lambda entry: entry["kind"] == "grant", began)
    assert granted["at"] - began > pair.rack.site.initdead - 0.5


async def test_a_link_that_is_cut_is_shown_and_moves_nothing(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    lan, cable = LINKS
    pair.primary.node.cut(cable)
    for side in SIDES:
        await pair.until_status(
            side, lambda status: status["peer"]["links"] == {lan: "up", cable: "down"}, "seen"
        )
    pair.primary.node.heal(cable)
    for side in SIDES:
        await pair.until_status(
            side, lambda status: status["peer"]["links"] == {lan: "up", cable: "up"}, "healed"
        )
    assert pair.moved_since(began) == []


async def test_after_all_this_no_text_has_named_the_other_engine(pair: Pair) -> None:
    """The journals are those of all tests of this module, played before this one."""
    await pair.home()
    (other,) = (engine.title for engine in ENGINES if engine is not pair.rack.site.engine)
    for side in SIDES:
        server = pair.server(side)
        told = [str(entry) for entry in server.journal()]
        for words in (("status",), ("status", "--json"), ("events",)):
            told.append((await server.asha(*words)).output)
        assert any(pair.rack.site.engine.title in text for text in told)
        assert [text for text in told if other in text or "HA engine" in text] == []
