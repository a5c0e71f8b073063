"""`asha relay wizard` with a board that only notes what it is told: what no simulated LCUS board can show."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from appliance.cli import conf as conf_command
from appliance.cli import relay, relay_wizard
from appliance.config import Conf, load
from appliance.control.client import AgentAbsent
from appliance.core.answers import PortShown
from appliance.core.errors import HardwareError, UserError
from appliance.core.model import Node, Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.relay_facts import RELAYS, Contacts
from appliance.host.clock import Clock
from appliance.hw import drivers, ports

HID = PortShown("/dev/hidraw0", "16c0:05df at port 1-4", ("dcttech",), False)


class NotingCard:
    """A relay that obeys; `told`: what it was told, each with the contacts of the conf it was opened with."""

    def __init__(self, conf: Conf, told: list[tuple[str, tuple[int, ...]]]) -> None:
        self.facts = RELAYS[conf.relay_driver]
        self._contacts = conf.contacts
        self._told = told
        self._says = Contacts.RELEASED

    def move(self, to: Relay) -> None:
        self._told.append((to.value, self._contacts))
        self._says = Contacts(to.value)

    def guard(self, seconds: int) -> None:
        self._told.append(("guard", self._contacts))

    def position(self) -> Reading[Contacts]:
        return Known(self._says, 0.0)

    def close(self) -> None:
        self._told.append(("close", self._contacts))


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """The primary with a HID board, and no agent."""
    noted: list[tuple[str, tuple[int, ...]]] = []
    file = tmp_path / "asha.conf"
    file.write_text("RELAYPASSWORD=swordfish\n")
    file.chmod(0o600)

    def opened(conf: Conf, clock: Clock) -> NotingCard:
        return NotingCard(conf, noted)

    def no_agent(*words: object) -> None:
        raise AgentAbsent("There is none.")

    peer = SimpleNamespace(granted=SimpleNamespace(value=None))
    monkeypatch.setattr(relay, "ask_status", lambda: SimpleNamespace(granted=False, peer=peer))
    monkeypatch.setattr(relay, "_HOLD", 0.0)
    monkeypatch.setattr(relay_wizard, "CONF", file)
    monkeypatch.setattr(relay_wizard, "conf_and_node", lambda: (load(file), Node.PRIMARY))
    monkeypatch.setattr(conf_command, "ask_as", no_agent)
    monkeypatch.setattr(drivers, "open_card", opened)
    monkeypatch.setattr(ports, "relay_ports", lambda conf: (HID,))
    return noted


def run(*words: str, answers: str = "") -> Result:
    return CliRunner().invoke(relay.relay, ["wizard", *words], input=answers)


def now(tmp_path: Path) -> Conf:
    return load(tmp_path / "asha.conf")


def at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_wizard, "at_terminal", lambda: True)


@pytest.mark.parametrize(("typed", "kept"), [("", "swordfish"), ("trout", "trout")])
def test_a_switch_on_the_network_is_asked_for_its_password_and_no_cabling(
    told: list[tuple[str, tuple[int, ...]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    kept: str,
) -> None:
    at_terminal(monkeypatch)
    done = run(answers=f"192.168.1.20\nberofos\n{typed}\ny\ny\ny\n")
    assert done.exit_code == 0, done.output
    conf = now(tmp_path)
    assert (conf.relay_driver, conf.relay_device, conf.relay_password) == ("berofos", "192.168.1.20", kept)
    assert told[:2] == [("guard", (1,)), ("energised", (1,))]
    assert "swordfish" not in done.output and "trout" not in done.output
    assert "RELAYDEVICE 192.168.1.20 RELAYPASSWORD ..." in done.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_while_energised_releases_the_contact(
    told: list[tuple[str, tuple[int, ...]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def ended(seconds: float) -> None:
        os.kill(os.getpid(), number)

    before = (tmp_path / "asha.conf").read_text()
    monkeypatch.setattr(relay, "CLOCK", SimpleNamespace(now=lambda: 0.0, sleep=ended))
    done = run("--device", HID.tty, "--driver", "dcttech", "--line", "pri", "--build", "coils", "--yes")
    assert done.exit_code != 0
    assert told == [("energised", (1,)), ("released", (1,)), ("close", (1,))]
    assert (tmp_path / "asha.conf").read_text() == before


def test_a_second_ctrl_c_does_not_end_the_release(
    told: list[tuple[str, tuple[int, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    move = NotingCard.move

    def ended(*given: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def interrupted(card: NotingCard, to: Relay) -> None:
        if to is Relay.RELEASED:
            ended()
        move(card, to)

    monkeypatch.setattr(NotingCard, "move", interrupted)
    monkeypatch.setattr(relay, "CLOCK", SimpleNamespace(now=lambda: 0.0, sleep=ended))
    handler = signal.getsignal(signal.SIGINT)
    assert run("--device", HID.tty, "--line", "pri", "--build", "coils", "--yes").exit_code == 1
    assert told == [("energised", (1,)), ("released", (1,)), ("close", (1,))]
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_register_that_does_not_follow_leaves_the_conf_file(
    told: list[tuple[str, tuple[int, ...]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (tmp_path / "asha.conf").read_text()
    monkeypatch.setattr(NotingCard, "position", lambda card: Unknown("it does not answer", 0.0))
    done = run("--device", HID.tty, "--line", "pri", "--build", "coils", "--yes")
    assert isinstance(done.exception, HardwareError)
    assert ("released", (1,)) in told and (tmp_path / "asha.conf").read_text() == before


def test_the_only_hid_board_gets_no_device_key_and_a_second_time_nothing_changes(
    told: list[tuple[str, tuple[int, ...]]], tmp_path: Path
) -> None:
    words = ("--device", HID.tty, "--line", "analog", "--build", "coils", "--yes", "--no-click")
    assert run(*words).exit_code == 0
    assert (now(tmp_path).relay_driver, now(tmp_path).relay_device) == ("dcttech", "")
    assert "nothing was changed" in run(*words).output
    assert told == []


def test_a_board_on_another_makes_adapter_can_be_chosen(
    told: list[tuple[str, tuple[int, ...]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tty = PortShown("/dev/ttyUSB0", "0403:6001 at port 1-2", ("kmtronic-2", "kmtronic-8"), False)
    monkeypatch.setattr(ports, "relay_ports", lambda conf: (tty,))
    at_terminal(monkeypatch)
    done = run("--no-click", answers="1\nmodbus-wirenboard\npri\ncoils\ny\n")
    assert done.exit_code == 0, done.output
    assert "kmtronic-2: KMTronic board of 1 or 2 relays (inferred)" in done.output
    assert "modbus-wirenboard: Wiren Board relay module (inferred)" in done.output
    assert "Its driver: (kmtronic-2, kmtronic-8, " in done.output and "[kmtronic-2]" in done.output
    assert now(tmp_path).relay_driver == "modbus-wirenboard"
    assert told == []


def test_the_secondary_has_no_relay(
    told: list[tuple[str, tuple[int, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_wizard, "conf_and_node", lambda: (Conf(), Node.SECONDARY))
    done = run("--yes")
    assert isinstance(done.exception, UserError) and "in the primary" in str(done.exception)
    assert told == []
