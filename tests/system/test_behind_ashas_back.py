"""What the host does behind asha's back: a pid file goes, a name changes."""

from __future__ import annotations

from dataclasses import replace

from pair_on_rack import PAIR_SITE, Pair

# Names with capitals, which Heartbeat turns into lower case.
SITE = replace(PAIR_SITE, names=("HAPrimary", "HAStandby.Example.com"))
PID_FILE = "/var/run/asterisk/asterisk.pid"
RUNNING = "ps ax | grep -c '[s]bin/asterisk -g'"


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
