"""The stand-in for Asterisk and a real one do the same where the product looks.

Each test is run on both. A test that fails on the stand-in alone names what is to be corrected there.
"""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hwsim import asterisk
from hwsim.asterisk import real
from hwsim.nodes import Network, Node, cleanup, new_prefix, rack_dir
from hwsim.nodes.inside import Result, Running
from hwsim.nodes.netns import asker_in
from hwsim.nodes.network import CLUSTER_ADDRESS
from hwsim.pbxdata import DIRECTORIES
from hwsim.site import AMI_SECRET, AMI_USER, Site
from hwsim.telephones.conf import PJSIP, conf_files, modules_left_out

PIDFILE, CONTROL = "/var/run/asterisk/asterisk.pid", "/var/run/asterisk/asterisk.ctl"
LOG = "/var/log/asterisk/messages"
UNABLE = f"Unable to connect to remote asterisk (does {CONTROL} exist?)\n"
BOOTED = "Asterisk has fully booted.\n"
OUTSIDE = Network.address("outside")
OWN = Network.address("primary")
DEADLINE = 30.0


class Pbx:
    """A node that has the cluster address and an Asterisk, which is started by the tests."""

    def __init__(self, *, stand_in: bool) -> None:
        self._runner = asyncio.Runner()
        self._stand_in = stand_in
        self._prefix = new_prefix()
        self._network = Network(self._prefix)
        self._log = rack_dir(self._prefix) / "asterisk.log"

    def up(self) -> None:
        self._do(self._up())

    def down(self) -> None:
        self._do(self._down())
        self._runner.close()

    async def _up(self) -> None:
        await self._network.up()
        self.node = Node("primary", "haprimary", rack_dir(self._prefix), self._network)
        self.node.prepare(empty=DIRECTORIES)
        if self._stand_in:
            self.node.write("/etc/hwsim-asterisk.conf", Site().asterisk_conf(Path("/run/no.line")))
            self.node.write("/usr/local/sbin/asterisk", asterisk.program_text(), 0o755)
        else:
            real.install(self.node, modules_left_out(PJSIP))
            for name, text in conf_files(PJSIP, 20).items():
                self.node.write(f"/etc/asterisk/{name}", text)
        self.node.write("/etc/asterisk/manager.conf", Site().manager_conf)
        await self.node.boot()
        if not self._stand_in:
            await real.mount(self.node)
        await self.node.run(["ip", "addr", "add", f"{CLUSTER_ADDRESS}/24", "dev", "eth0"])
        self._asker = asker_in(self._network.namespace("outside"), OUTSIDE)
        self._asker.setblocking(False)

    async def _down(self) -> None:
        self._asker.close()
        await self.node.close()
        await self._network.down()
        await asyncio.to_thread(cleanup.remove, self._prefix)

    # -- what is done

    def run(self, *words: str) -> Result:
        """Run `asterisk WORDS` to its end."""
        return self._do(self.node.run(["asterisk", *words], DEADLINE))

    def say(self, command: str, deadline: float = DEADLINE) -> Result:
        """Give the console a command."""
        return self._do(self.node.run(["asterisk", "-rx", command], deadline))

    def start(self) -> Running:
        """Start it in the foreground."""
        return self._do(self.node.spawn(["asterisk", "-f", "-g", "-U", "asterisk"], self._log))

    def started(self) -> Running:
        """Start it, and wait until it has booted."""
        began = self.start()
        self.until(lambda: self.say("core waitfullybooted").out == BOOTED, "end of the boot")
        return began

    def ends(self, began: Running) -> int:
        """Wait for its end, and return its exit status."""
        return self._do(asyncio.wait_for(began.wait(), DEADLINE))

    def kill(self, number: int) -> None:
        """Send it a signal."""
        self.node.kill(self.pid(), number)

    # -- what is seen

    def pid(self) -> int:
        """Return what the pid file says, when it is written."""
        self.until(lambda: self.node.path(PIDFILE).read_text().strip(), "pid")
        return int(self.node.path(PIDFILE).read_text())

    def blocks(self, number: int) -> bool:
        """Tell whether its first thread blocks that signal."""
        status = self.node.path(f"/proc/{self.pid()}/status").read_text()
        blocked = re.search(r"^SigBlk:\s*(\w+)", status, re.MULTILINE)
        return blocked is not None and bool(int(blocked[1], 16) & 1 << (number - 1))

    def stands_still(self) -> bool:
        """Tell whether every thread of it is stopped; one may still be at work just after the signal."""
        threads = self.node.path(f"/proc/{self.pid()}/task").glob("*/stat")
        return all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in threads)

    def exists(self, path: str) -> bool:
        return self.node.path(path).exists()

    def until(self, true: Callable[[], object], what: str) -> None:
        end = time.monotonic() + DEADLINE
        while not true():
            assert time.monotonic() < end, f"no {what} in {DEADLINE:g} s"
            self._do(asyncio.sleep(0.002))

    def ask(self, method: str) -> None:
        """Ask it by SIP from outside, at the cluster address, as somebody whom it does not know."""
        asked = (
            f"{method} sip:nobody@{CLUSTER_ADDRESS} SIP/2.0",
            f"Via: SIP/2.0/UDP {OUTSIDE}:{self._asker.getsockname()[1]};branch=z9hG4bK{time.monotonic_ns()};rport",
            "Max-Forwards: 70",
            f"From: <sip:asker@{CLUSTER_ADDRESS}>;tag=a",
            f"To: <sip:nobody@{CLUSTER_ADDRESS}>",
            f"Call-ID: {time.monotonic_ns()}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:asker@{OUTSIDE}>",
            "Content-Length: 0",
            "",
            "",
        )
        self._asker.sendto("\r\n".join(asked).encode(), (CLUSTER_ADDRESS, 5060))

    def heard(self) -> list[tuple[str, int, str]]:
        """Return what was answered since: method, code, from which address."""
        found = []
        while True:
            try:
                data, (by, _) = self._asker.recvfrom(65536)
            except BlockingIOError:
                return found
            first, *fields = data.decode().split("\r\n")
            method = next(line.split()[-1] for line in fields if line.lower().startswith("cseq:"))
            found.append((method, int(first.split()[1]), by))

    def answer(self, method: str) -> tuple[str, int, str]:
        """Ask, and return the answer."""
        self.heard()
        self.ask(method)
        answers: list[tuple[str, int, str]] = []
        self.until(lambda: answers.extend(self.heard()) or answers, f"answer to {method}")
        return answers[0]

    def manager(self, *requests: str) -> str:
        """Return all that AMI says to these requests, until it hangs up."""
        script = 'exec 3<>/dev/tcp/127.0.0.1/5038; printf "%b" "$1" >&3; cat <&3'
        lines = "".join(request.replace("\n", "\\r\\n") + "\\r\\n\\r\\n" for request in requests)
        said = self._do(self.node.run(["bash", "-c", script, "bash", lines], DEADLINE))
        assert said.code == 0, "it does not hang up"
        return said.out.replace("\r", "")

    def _do(self, what: Any) -> Any:
        return self._runner.run(what)


@pytest.fixture(scope="module", params=["stand-in", "real"])
def machine(request: pytest.FixtureRequest) -> Iterator[Pbx]:
    made = Pbx(stand_in=request.param == "stand-in")
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture
def pbx(machine: Pbx) -> Iterator[Pbx]:
    """The machine; its Asterisk does not run before, nor after."""
    yield machine
    for pid in machine.node.pids(r"asterisk -"):
        machine.node.kill(pid, signal.SIGKILL)
    machine.until(lambda: not machine.node.pids(r"asterisk -"), "end of Asterisk")
    for path in (PIDFILE, CONTROL):
        machine.node.unlink(path)


def answer_to_stop(said: Result) -> str:
    """Return in a word what the console said to 'core stop now'."""
    if said.code == 1 and said.out + said.err == UNABLE:
        return "unable to connect"
    if said.code == 0 and said.out.startswith("No such command 'core stop now'"):
        return "no such command"
    return "taken" if (said.code, said.out) == (0, "") else repr(said)


def test_the_console_from_before_the_start_to_the_end(pbx: Pbx) -> None:
    said = pbx.say("core show uptime")
    assert (said.code, said.out + said.err) == (1, UNABLE)
    answers = [answer_to_stop(pbx.say("core stop now"))]
    began = pbx.start()
    while answers[-1] in ("unable to connect", "no such command"):
        answers.append(answer_to_stop(pbx.say("core stop now")))
    assert list(dict.fromkeys(answers)) == ["unable to connect", "no such command", "taken"]
    assert pbx.ends(began) == 0
    assert not pbx.exists(PIDFILE)
    assert not pbx.exists(CONTROL)


def test_what_is_asked_when_it_has_booted(pbx: Pbx) -> None:
    pbx.started()
    assert pbx.say("core waitfullybooted") == Result(0, BOOTED, "")
    assert pbx.say("core show uptime").out.startswith("System uptime: ")
    assert "0 active calls" in pbx.say("core show channels").out
    assert pbx.say("core frobnicate").out.startswith("No such command 'core frobnicate'")
    version = pbx.run("-V").out.split()[1]
    assert re.search(
        rf"^\[.+\] Asterisk {re.escape(version)} built by ", pbx.node.path(LOG).read_text(), re.M
    )


def test_sip_is_answered_when_it_has_booted_from_the_address_that_the_route_prefers(pbx: Pbx) -> None:
    began = pbx.start()
    while not pbx.exists(CONTROL):
        pbx.ask("BYE")
        assert not pbx.heard(), "it has not even a console"
        pbx.until(lambda: True, "")
    assert pbx.say("core waitfullybooted").out == BOOTED
    assert pbx.answer("BYE") == ("BYE", 481, OWN)
    assert pbx.answer("CANCEL") == ("CANCEL", 481, OWN)
    assert pbx.answer("OPTIONS") == ("OPTIONS", 401, OWN)
    assert began.code is None


def test_a_start_is_refused_while_it_runs(pbx: Pbx) -> None:
    began = pbx.started()
    said = pbx.run("-g")
    words = f"Asterisk already running on {CONTROL}.  Use 'asterisk -r' to connect."
    assert (said.code, words in said.out + said.err) == (1, True), said
    assert began.code is None


def test_in_the_background_the_start_ends_at_once_and_the_pid_file_names_the_daemon(pbx: Pbx) -> None:
    said = pbx.run("-g", "-U", "asterisk")
    assert said.code == 0, said
    pbx.until(lambda: pbx.exists(CONTROL), "control socket")
    assert pbx.say("core waitfullybooted").out == BOOTED
    assert pbx.node.pids(r"asterisk -g") == [pbx.pid()]


@pytest.mark.parametrize("how", ["core stop now", "core stop gracefully", signal.SIGTERM])
def test_it_ends_by_itself_and_takes_its_files_along(pbx: Pbx, how: str | int) -> None:
    began = pbx.started()
    if isinstance(how, int):
        pbx.kill(how)
    else:
        assert answer_to_stop(pbx.say(how)) == "taken"
    assert pbx.ends(began) == 0
    assert not pbx.exists(PIDFILE)
    assert not pbx.exists(CONTROL)
    assert pbx.say("core show uptime").code == 1


CALL = "channel originate Local/100@from-trunk application Wait 60"
CONCISE, HANG_UP = "core show channels concise", "channel request hangup all"


def with_a_call(pbx: Pbx) -> Running:
    began = pbx.started()
    assert pbx.say(CALL).code == 0
    pbx.until(lambda: len(channels(pbx)) == 2, "call")
    return began


def channels(pbx: Pbx) -> list[str]:
    return [line.split("!")[0] for line in pbx.say(CONCISE).out.splitlines()]


def test_a_call_is_two_channels_which_a_console_ends(pbx: Pbx) -> None:
    began = with_a_call(pbx)
    assert all(re.fullmatch(r"Local/100@from-trunk-\w+;[12]", name) for name in channels(pbx)), channels(pbx)
    assert "2 active channels\n1 active call\n" in pbx.say("core show channels").out
    said = pbx.say(HANG_UP)
    assert (said.code, said.out.count("Requested Hangup on channel 'Local/100@")) == (0, 2), said
    pbx.until(lambda: channels(pbx) == [], "end of the call")
    assert began.code is None


def test_a_stop_that_ends_calls_goes_on_for_a_second_and_refuses_every_other_command(pbx: Pbx) -> None:
    began = with_a_call(pbx)
    asked = time.monotonic()
    assert pbx.say("core stop gracefully", 0.5).code != 1
    for command in (CONCISE, HANG_UP):
        assert pbx.say(command).out == f"Command '{command}' cannot be run during shutdown\n"
    assert began.code is None, "it waits for the call"
    pbx.say("core stop now")
    assert pbx.ends(began) == 0
    assert time.monotonic() - asked >= 1.0


def test_a_signal_ends_one_with_calls_no_sooner_than_the_console(pbx: Pbx) -> None:
    began = with_a_call(pbx)
    asked = time.monotonic()
    pbx.kill(signal.SIGTERM)
    assert pbx.ends(began) == 0
    assert time.monotonic() - asked >= 1.0
    assert not pbx.exists(PIDFILE)


def test_sigterm_is_lost_while_it_is_blocked_in_the_boot_and_ends_it_later(pbx: Pbx) -> None:
    began = pbx.start()
    pbx.until(lambda: pbx.exists(PIDFILE) and pbx.blocks(signal.SIGTERM), "block of SIGTERM")
    pbx.kill(signal.SIGTERM)
    pbx.until(
        lambda: pbx.say("core waitfullybooted").out == BOOTED or began.code is not None, "end of the boot"
    )
    assert began.code is None, "it runs on"
    assert pbx.answer("BYE")[1] == 481
    pbx.kill(signal.SIGTERM)
    assert pbx.ends(began) == 0


def test_a_killed_one_leaves_its_files_and_the_next_takes_them_over(pbx: Pbx) -> None:
    killed = pbx.started()
    pbx.kill(signal.SIGKILL)
    assert pbx.ends(killed) == -signal.SIGKILL
    assert pbx.exists(PIDFILE)
    assert pbx.exists(CONTROL)
    said = pbx.say("core show uptime")
    assert (said.code, said.out + said.err) == (1, UNABLE)
    first = pbx.pid()
    pbx.start()
    pbx.until(lambda: pbx.pid() != first, "pid of its own")
    pbx.until(lambda: pbx.say("core waitfullybooted").out == BOOTED, "end of the boot")


def test_a_hangup_does_not_end_it_and_a_stopped_one_answers_nobody(pbx: Pbx) -> None:
    began = pbx.started()
    pbx.kill(signal.SIGHUP)
    assert pbx.answer("BYE")[1] == 481
    pbx.kill(signal.SIGSTOP)
    pbx.until(pbx.stands_still, "stop of all its threads")
    pbx.ask("BYE")
    assert pbx.say("core show uptime", 1.0).code is None
    assert not pbx.heard()
    pbx.kill(signal.SIGCONT)
    pbx.until(pbx.heard, "answer when it goes on")
    assert began.code is None


def test_the_manager_greets_lets_in_who_knows_the_secret_and_answers(pbx: Pbx) -> None:
    pbx.started()
    login = f"Action: Login\nActionID: 1\nUsername: {AMI_USER}\nSecret: %s\nEvents: off"
    said = pbx.manager(login % AMI_SECRET, "Action: Ping\nActionID: 2", "Action: Logoff\nActionID: 3")
    assert said.startswith("Asterisk Call Manager/")
    messages = [
        dict(line.split(": ", 1) for line in text.splitlines() if ": " in line) for text in said.split("\n\n")
    ]
    by_id = {message["ActionID"]: message for message in messages if "ActionID" in message}
    assert by_id["1"]["Response"] == "Success"
    assert by_id["2"] == by_id["2"] | {"Response": "Success", "Ping": "Pong"}
    assert by_id["3"]["Response"] == "Goodbye"
    refused = pbx.manager(login % "wrong")
    assert "Response: Error" in refused
    assert "Message: Authentication failed" in refused
