"""A real Asterisk is found whoever has started it, wherever it writes, and no second one is started beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pair_on_rack import PAIR_SITE, Pair

from appliance.core.reading import Known
from appliance.pbx.probes import CliProbe
from hwsim.asterisk.real import ROOT

# No span: a real Asterisk needs the kernel's DAHDI for one.
SITE = replace(PAIR_SITE, telephones=1).with_conf({"RHINOSPF": "NO"})
DEADLINE = 240.0
PID_FILE = "/var/run/asterisk/asterisk.pid"
CONF = "/etc/asterisk/asterisk.conf"
ELSEWHERE = "/var/run/elsewhere"
PROCESSES = r"^/usr/sbin/asterisk "


async def test_its_console_answers_without_a_program(pair: Pair) -> None:
    await pair.home()
    control = pair.primary.node.path("/run/asterisk/asterisk.ctl")
    said = await CliProbe("no such program", 30.0, lambda: control).ask(pair.rack.now)
    assert isinstance(said, Known) and said.value.startswith("System uptime: "), said
    log = await pair.primary.node.run(["cat", "/var/log/asterisk/messages"])
    assert "onnection" not in log.out, "who asks so is not written of"


@pytest.mark.parametrize("said", ["nothing", "the agent's"])
async def test_one_that_serves_without_its_pid_file_serves_on(pair: Pair, said: str) -> None:
    await pair.home()
    pid, began = pair.primary.asterisk_pid(), pair.rack.now()
    if said == "nothing":
        await pair.primary.node.run(["rm", PID_FILE])
    else:
        pair.primary.node.write(PID_FILE, f"{pair.primary.node.pids('asha agent')[0]}\n")
    try:
        await pair.fresh_agent("primary")
        status = await pair.until_status("primary", lambda status: status["role"] == "active", "it serves on")
        assert status["pbx"]["pid"] == pid
        await pair.stage.ask(pair.primary, "pbx", "start")
        assert "start Asterisk" not in pair.orders("primary", began)
        assert pair.primary.node.pids(PROCESSES) == [pid]
    finally:
        pair.primary.node.write(PID_FILE, f"{pid}\n")


@pytest.mark.parametrize(
    ("argv", "run_directory"),
    [
        (("/usr/sbin/asterisk", "-g"), ""),  # as root
        (("/usr/sbin/asterisk", "-g", "-U", "asterisk"), ELSEWHERE),
        (("/usr/sbin/safe_asterisk",), ""),
    ],
    ids=["by hand", "by another user, elsewhere", "safe_asterisk"],
)
async def test_one_that_somebody_starts_on_the_standby_is_found_and_ended(
    pair: Pair, argv: tuple[str, ...], run_directory: str
) -> None:
    await pair.home()
    node = pair.secondary.node
    before = (await node.run(["cat", CONF])).out
    if run_directory:
        node.write(CONF, before.replace("/var/run/asterisk", run_directory))
        await node.run(["install", "-d", "-o", "asterisk", run_directory])
    started = await node.spawn(["chroot", str(ROOT), *argv], pair.secondary.logs / "by-hand.log")
    try:
        status = await pair.until_status("secondary", lambda status: status["ungranted"], "it is found", 60)
        assert status["pbx"]["pid"] in node.pids(PROCESSES)
        await pair.until_status(
            "secondary", lambda status: status["strays"]["ended"], "asha has ended it", 60
        )
    finally:
        started.kill()
        for watcher in node.pids("safe_asterisk"):
            node.kill(watcher)
        node.write(CONF, before)
    await pair.until_status(
        "secondary", lambda status: status["pbx"]["state"]["value"] == "dead", "none runs there", 60
    )
    assert node.pids(PROCESSES) == []
