"""A profile learned from the vendor's tool drives the card; learning never leaves the relay energised."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from card_bench import CardBench
from relay_card_suite import await_position, check_relay_card

from appliance.core.errors import HardwareError, UserError
from appliance.core.model import Relay
from appliance.hw.relay import CardAbsent, CardRefused, ProfileWrong
from appliance.hw.rhino.card import CardCommand
from appliance.hw.rhino.learn import learn_profile
from appliance.hw.rhino.profile import Exchange, Profile, load_profile
from appliance.hw.serial_port import LineSettings
from hwsim.card import vendortool
from hwsim.card.card import Fault


def learn(bench: CardBench, *, confirm: bool = True) -> Profile:
    return learn_profile(
        bench.conf(),
        bench.root / "learned.toml",
        bench.clock,
        confirm=confirm,
        sys_root=bench.root,
        store=bench.store,
        lock=bench.lock,
    )


def test_the_learned_profile_says_what_passed(bench: CardBench) -> None:
    profile = learn(bench)
    assert profile == load_profile(str(bench.root / "learned.toml"))
    assert (profile.mark, profile.relay, profile.line) == (
        "learned",
        0,
        LineSettings(9600, 8, "N", 1, "none"),
    )
    assert profile.commands == {
        CardCommand.RESET: (Exchange(b"RESET\r\n", b"OK\r\n"),),
        CardCommand.RELAYON: (Exchange(b"RELAYON 0\r\n", b"OK\r\n"),),
        CardCommand.RELAYOFF: (Exchange(b"RELAYOFF 0\r\n", b"OK\r\n"),),
    }
    assert bench.observe() is Relay.RELEASED
    assert bench.card.heard[-1] == b"RELAYOFF 0"


def test_the_serial_driver_passes_the_suite_on_a_learned_profile(bench: CardBench) -> None:
    learn(bench)
    path = str(bench.root / "learned.toml")
    check_relay_card(lambda: bench.open(card_driver="serial", card_profile=path), bench.observe)
    with pytest.raises(ProfileWrong, match="learned for relay 0, not for 1"):
        bench.open(card_driver="serial", card_profile=path, card_relay=1).move(Relay.ENERGISED)


def test_line_settings_of_the_tool_are_learned(bench: CardBench) -> None:
    text = vendortool.tool_text().replace("termios.CS8", "termios.CS8 | termios.CSTOPB | termios.CRTSCTS")
    vendortool.install(bench.tool, text.replace("B9600", "B38400"))
    assert learn(bench).line == LineSettings(38400, 8, "N", 2, "rtscts")


def test_nothing_moves_without_consent(bench: CardBench) -> None:
    with pytest.raises(UserError):
        learn(bench, confirm=False)
    assert bench.card.heard == []


def test_no_card(bench: CardBench) -> None:
    bench.unplug()
    with pytest.raises(CardAbsent):
        learn(bench)


def test_a_tool_that_fails_teaches_nothing(bench: CardBench) -> None:
    bench.card.faults.add(Fault.GARBAGE)
    with pytest.raises(CardRefused):
        learn(bench)
    assert not (bench.root / "learned.toml").exists()


def test_a_card_that_dies_in_the_lesson(bench: CardBench) -> None:
    bench.card.faults.add(Fault.DIES)
    with pytest.raises(CardRefused, match=r"could not be released.*Unplug the card"):
        learn(bench)
    assert not (bench.root / "learned.toml").exists()


def test_a_tool_that_sends_no_bytes(bench: CardBench) -> None:
    vendortool.install(bench.tool, "#!/bin/sh\nexit 0\n")
    with pytest.raises(HardwareError, match="modem lines"):
        learn(bench)


def test_a_tool_that_fails_after_energising(bench: CardBench) -> None:
    tool_then(bench, 'RELAYON) "$real" "$@"; exit 1')
    with pytest.raises(CardRefused):
        learn(bench)
    await_position(bench.observe, Relay.RELEASED)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupted_while_energised(bench: CardBench, number: signal.Signals) -> None:
    tool_then(bench, 'RELAYON) "$real" "$@"; exec sleep 60')
    script = (
        "import sys; from pathlib import Path; from appliance.config import Conf;"
        "from appliance.host.clock import SystemClock; from appliance.hw.rhino.learn import learn_profile;"
        "root = Path(sys.argv[1]);"
        "conf = Conf(card_tty=root / 'dev/ttyUSB0', card_tool=root / 'rhinofailover', card_deadline=30);"
        "clock = SystemClock(); clock.sleep = lambda seconds: None;"
        "learn_profile(conf, root / 'learned.toml', clock, confirm=True,"
        " sys_root=root, store=root / 'card.json', lock=root / 'lock')"
    )
    learner = subprocess.Popen(
        [sys.executable, "-c", script, str(bench.root)],
        cwd=Path(__file__).parents[3],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        await_position(bench.observe, Relay.ENERGISED)
        learner.send_signal(number)
        _, error = learner.communicate(timeout=10)
    finally:
        learner.kill()
        learner.wait()
    assert "KeyboardInterrupt" in error
    await_position(bench.observe, Relay.RELEASED)


def tool_then(bench: CardBench, case: str) -> None:
    """A tool that is the good one but for one case of the second word."""
    real = bench.root / "real-rhinofailover"
    vendortool.install(real)
    vendortool.install(
        bench.tool, f'#!/bin/sh\nreal={real}\ncase "$2" in\n{case};;\n*) exec "$real" "$@";;\nesac\n'
    )
