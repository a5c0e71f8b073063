"""What the host does behind asha's back: something starts Asterisk on the standby, a pid file goes, a name changes."""

from __future__ import annotations

from dataclasses import replace

from pair_on_rack import PAIR_SITE, Pair

# Names with capitals, which Heartbeat turns into lower case.
SITE = replace(PAIR_SITE, names=("HAPrimary", "HAStandby.Example.com"))
# As a unit with Restart=always does: look, and start it again.
KEEPER = "while :; do asterisk -rx 'core show uptime' >/dev/null 2>&1 || asterisk -g >/dev/null 2>&1; sleep 0.2; done"
PID_FILE = "/var/run/asterisk/asterisk.pid"
RUNNING = "ps ax | grep -c '[s]bin/asterisk -g'"


async def test_an_asterisk_that_comes_back_on_the_standby_is_ended_each_time_and_told_of(pair: Pair) -> None:
    """The pair has names with capitals, and it came home: each hears the other."""
    await pair.home()
    keeper = await pair.secondary.node.spawn(["sh", "-c", KEEPER], pair.secondary.logs / "keeper.log")
    try:
        status = await pair.until_status(
            "secondary", lambda status: status["strays"]["ended"] >= 2, "two strays were ended", 60
        )
        assert any("started Asterisk again and again" in problem for problem in status["problems"])
        assert status["role"] == "standby"
    finally:
        keeper.kill()
    await pair.until_status(
        "secondary", lambda status: status["pbx"]["state"]["value"] == "dead", "the last one is gone", 40
    )
    assert pair.rack.asterisk_runs("primary")


async def test_a_serving_asterisk_without_its_pid_file_is_found_by_an_agent_that_starts(pair: Pair) -> None:
    await pair.home()
    pid = pair.primary.asterisk_pid()
    await pair.primary.node.run(["rm", PID_FILE])
    await pair.fresh_agent("primary")
    status = await pair.until_status("primary", lambda status: status["role"] == "active", "it serves on")
    assert status["pbx"]["pid"] == pid, "it is the one that served before"
    assert (await pair.primary.node.run(["sh", "-c", RUNNING])).out.strip() == "1", "and there is no second"
    await pair.primary.node.run(["sh", "-c", f"echo {pid} >{PID_FILE}"])


async def test_a_host_that_is_renamed_while_it_serves_goes_on_as_its_node_and_still_hands_over(
    pair: Pair,
) -> None:
    await pair.home()
    name = (await pair.primary.node.run(["uname", "-n"])).out.strip()
    await pair.primary.node.run(["hostname", "pbx-by-dhcp"])
    try:
        await pair.fresh_agent("primary")
        status = await pair.until_status("primary", lambda status: status["role"] == "active", "it serves on")
        assert status["node"] == "primary"
        assert any("this machine's name is now 'pbx-by-dhcp'" in problem for problem in status["problems"])
        at = pair.rack.kill_asterisk("primary")
        await pair.served(at, "secondary")
    finally:
        await pair.primary.node.run(["hostname", name])
    await pair.until_status("primary", lambda status: not status["misnamed"], "and the alarm ends with it")
