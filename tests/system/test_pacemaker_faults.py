"""What others do to Pacemaker behind asha's back: each ends served, or told with the remedy."""

from __future__ import annotations

from pair_on_rack import PAIR_SITE, TOOL, Pair, Status
from test_pair_wakes import TWO, thawed

from hwsim.card import vendortool
from hwsim.nodes.engines import PACEMAKER
from hwsim.rack import SIDES

SITE = PAIR_SITE.with_engine(PACEMAKER)
AGENT = PACEMAKER.script
LOOKED = 20.0  # seconds: the constraints are looked at every 10


async def crm(pair: Pair, *words: str, side: str = "primary") -> str:
    """Run one of Pacemaker's own commands, as an administrator does."""
    said = await pair.server(side).node.run(list(words), 20.0)
    assert said.ok, (words, said)
    return str(said.out)


async def told(pair: Pair, text: str) -> None:
    """Both nodes say `text` among what is wrong."""
    for side in SIDES:
        await pair.until_status(side, lambda status: says(status, text), f"{side} says: {text}", LOOKED)


async def not_told(pair: Pair, within: float = LOOKED) -> None:
    for side in SIDES:
        await pair.until_status(side, lambda status: not status["engine"]["troubles"], "it is over", within)


def says(status: Status, text: str) -> bool:
    return any(text in trouble for trouble in status["engine"]["troubles"]) and any(
        text in problem for problem in status["problems"]
    )


async def test_the_resource_deleted_is_put_back_and_serves(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    # What refers to it goes first: Pacemaker's schema holds an administrator to that.
    for element in (
        "rsc_location id='asha-wish'",
        "rsc_location id='asha-primary'",
        "group id='asha-service'",
    ):
        await crm(pair, "cibadmin", "--delete", "--xml-text", f"<{element}/>")
    await pair.until(lambda: not pair.rack.in_service("primary"), "Pacemaker stops what is not configured")
    await pair.until(lambda: any(pair.rack.in_service(side) for side in SIDES), "it serves again", 45)
    await not_told(pair)
    assert pair.moved_since(began)


async def test_a_constraint_left_behind_is_told(pair: Pair) -> None:
    await pair.home()
    await crm(pair, "crm_resource", "--ban", "--resource", "asha-service", "--node", "hastandby")
    await told(pair, "cli-ban-asha-service-on-hastandby")
    await crm(pair, "crm_resource", "--clear", "--resource", "asha-service")
    await not_told(pair)


async def test_moved_by_pacemakers_own_command_serves_there_and_is_told(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    await crm(pair, "crm_resource", "--move", "--resource", "asha-service", "--node", "hastandby")
    await pair.served(began, "secondary")
    await told(pair, "cli-prefer-asha-service")
    await crm(pair, "crm_resource", "--clear", "--resource", "asha-service")
    await not_told(pair)


async def test_unmanaged_and_maintenance_are_told(pair: Pair) -> None:
    await pair.home()
    unmanage = ("crm_resource", "--meta", "--resource", "asha")
    await crm(pair, *unmanage, "--set-parameter", "is-managed", "--parameter-value", "false")
    await told(pair, "does not manage asha's resource")
    await crm(pair, *unmanage, "--delete-parameter", "is-managed")
    await not_told(pair)
    await crm(pair, "crm_attribute", "--name", "maintenance-mode", "--update", "true")
    await told(pair, "in maintenance mode")
    assert pair.rack.in_service("primary")
    await crm(pair, "crm_attribute", "--name", "maintenance-mode", "--delete")
    await not_told(pair)
    assert pair.rack.in_service("primary")


async def test_a_node_in_standby_is_told(pair: Pair) -> None:
    await pair.home()
    await crm(pair, "crm_attribute", "--node", "hastandby", "--name", "standby", "--update", "on")
    await told(pair, "lets nothing run on hastandby")
    await crm(pair, "crm_attribute", "--node", "hastandby", "--name", "standby", "--delete")
    await not_told(pair)


async def test_a_start_that_has_failed_after_a_death_is_tried_again(pair: Pair) -> None:
    """Pacemaker by itself never would."""
    await pair.home()
    node = pair.secondary.node
    working = node.path(AGENT).read_text()
    node.write(AGENT, '#!/bin/sh\ncase "$1" in start) exit 1;; monitor) exit 7;; esac\nexit 0\n', 0o755)
    try:
        fault = pair.rack.power_off("primary")
        await pair.until_status(
            "secondary", lambda status: not status["peer"]["alive"]["value"], "it is gone"
        )
        await crm_says(pair, "secondary", "asha start on hastandby returned|failed")
    finally:
        node.write(AGENT, working, 0o755)
    # Its Asterisk was started ahead, so the telephones are served before the engine has done with it.
    await pair.until_status("secondary", lambda status: status["role"] == "active", "it serves", 75.0)
    await pair.served(fault, "secondary")


async def crm_says(pair: Pair, side: str, pattern: str) -> None:
    script = f"until crm_mon -1 2>&1 | grep -qiE '{pattern}'; do sleep 0.2; done"
    said = await pair.server(side).node.run(["sh", "-c", script], 30.0)
    assert said.ok, said


async def test_a_full_dev_shm_serves_on_and_is_told(pair: Pair) -> None:
    await pair.home()
    await crm(pair, "mount", "-t", "tmpfs", "-o", "size=4k,mode=1777", "full", "/dev/shm")
    try:
        await pair.until_status(
            "primary", lambda status: says(status, "A full /dev/shm is one cause"), "it is told", 40
        )
        assert pair.rack.in_service("primary")
    finally:
        await crm(pair, "umount", "/dev/shm")
    await not_told(pair)


async def test_a_stop_that_has_failed_is_told_and_tried_again_until_it_is_done(pair: Pair) -> None:
    """Pacemaker without fencing would leave it blocked for ever, whatever became of the fault."""
    await pair.home()
    pair.watchman.grace = 90.0  # the relay stays energised: that is the fault
    pair.primary.node.write(TOOL, vendortool.FAILING, 0o755)
    fault = pair.rack.now()
    try:
        await pair.stage.ask(pair.secondary, "takeover")
        await told(pair, "a stop of asha's resource has failed")
        assert not pair.rack.asterisk_runs("secondary")
    finally:
        pair.primary.node.write(TOOL, vendortool.tool_text(), 0o755)
    await pair.until(
        lambda: any(pair.rack.in_service(side) for side in SIDES), "one of them serves again", 60
    )
    assert pair.rack.history.first("relay", "secondary", fault) is not None
    await not_told(pair, 45.0)  # Pacemaker is told to try again every 30 s


async def test_the_peer_of_a_node_that_stood_still_goes_on(pair: Pair) -> None:
    """The node that stood still starts its engine afresh, before Pacemaker chooses which of the two to stop."""
    await pair.home()
    settled = await thawed(pair, "primary", 10.0)
    assert settled.owner == "secondary"
    assert settled.two < TWO
