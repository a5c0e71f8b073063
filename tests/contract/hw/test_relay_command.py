"""`asha relay` on a simulated board: what it lists, when it refuses, and what it says of a register."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from board_bench import BoardBench
from click.testing import CliRunner, Result
from hid_bench import HidBench
from relay_card_suite import await_position

from appliance.agent import grant_file
from appliance.cli import hardware, relay
from appliance.config import Conf
from appliance.control.client import AgentAbsent
from appliance.core.errors import ClusterError, HardwareError, UserError
from appliance.core.model import Node, Relay
from appliance.hw import discovery, drivers
from appliance.hw.adapters import drivers_that_fit
from appliance.hw.hidraw_sysfs import SysfsRelayBoards
from appliance.hw.ttys_sysfs import SysfsTtys
from appliance.hw.usb_identity import UsbIdentity
from hwsim.card.board import BoardFault
from hwsim.card.hid_board import HID_USB
from hwsim.card.sysfs import HidTree


@pytest.fixture
def speech() -> str:
    return "lcus-text"


@pytest.fixture
def bench(tmp_path: Path, speech: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BoardBench]:
    bench = BoardBench(tmp_path, speech)
    in_service(monkeypatch)
    monkeypatch.setattr(relay, "_HOLD", 0.1)
    known_by(monkeypatch, bench)
    yield bench
    bench.close()


def known_by(monkeypatch: pytest.MonkeyPatch, bench: BoardBench, **fields: object) -> None:
    """The command on this bench's machine."""
    monkeypatch.setattr(relay, "conf_and_node", lambda: (bench.conf(**fields), Node.PRIMARY))
    monkeypatch.setattr(relay, "load", lambda **how: bench.conf(**fields))
    monkeypatch.setattr(drivers, "open_card", lambda conf, clock: bench.open(relay_driver=conf.relay_driver))
    monkeypatch.setattr(discovery, "usb_ttys", lambda *roots: SysfsTtys(bench.root, bench.root / "dev"))


def in_service(monkeypatch: pytest.MonkeyPatch, here: bool = False, there: bool | None = None) -> None:
    peer = SimpleNamespace(granted=SimpleNamespace(value=there))
    monkeypatch.setattr(relay, "ask_status", lambda: SimpleNamespace(granted=here, peer=peer))


def tried(*words: str) -> Result:
    return CliRunner().invoke(relay.relay, ["test", *words])


def test_it_clicks_twice_and_reads_back(bench: BoardBench) -> None:
    done = tried("--yes")
    assert done.exit_code == 0, done.output
    assert "register: energised" in done.output and "register: released" in done.output
    assert "not proved" in done.output
    await_position(bench.line, Relay.RELEASED)
    assert len(bench.moves) == 2 * len(bench.contacts)


def test_it_asks_first(bench: BoardBench) -> None:
    done = CliRunner().invoke(relay.relay, ["test"], input="n\n")
    assert "calls on it are cut" in done.output and done.exit_code == 1
    assert bench.moves == []


@pytest.mark.parametrize(("here", "there"), [(True, False), (False, True), (True, None)])
def test_refused_while_a_node_is_in_service(
    bench: BoardBench, monkeypatch: pytest.MonkeyPatch, here: bool, there: bool | None
) -> None:
    in_service(monkeypatch, here, there)
    done = tried("--yes")
    assert isinstance(done.exception, ClusterError) and "in service" in str(done.exception)
    assert bench.moves == []


@pytest.mark.parametrize("held", [True, False])
def test_without_an_agent_the_record_of_the_grant_decides(
    bench: BoardBench, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    def absent() -> None:
        raise AgentAbsent("There is none.")

    monkeypatch.setattr(relay, "ask_status", absent)
    monkeypatch.setattr(grant_file.GrantFile, "read", lambda self: SimpleNamespace(held=held))
    done = tried("--yes")
    assert isinstance(done.exception, ClusterError) is held
    assert bool(bench.moves) is not held


def test_a_board_that_does_not_follow_is_an_error_and_is_released(bench: BoardBench) -> None:
    bench.board.board_faults.add(BoardFault.SPLIT)
    done = tried("--yes")
    assert isinstance(done.exception, HardwareError)
    await_position(bench.line, Relay.RELEASED)


def test_a_board_without_coil_power_is_not_said_to_be_proved(bench: BoardBench) -> None:
    bench.board.board_faults.add(BoardFault.NO_COIL_POWER)
    done = tried("--yes")
    assert "register: energised" in done.output and "a register is no contact" in done.output
    assert bench.moves == []


@pytest.mark.parametrize(
    ("speech", "says"),
    [
        ("lcus-text", "RELAYDRIVER lcus-text"),
        ("lcus-bytes", "RELAYDRIVER lcus-bytes"),
        ("lcus", "does not say"),
    ],
)
def test_the_dialect_of_an_lcus_board_is_named(
    bench: BoardBench, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    known_by(monkeypatch, bench, relay_driver="lcus")
    done = tried("--yes")
    assert done.exit_code == 0 and says in done.output, done.output
    await_position(bench.line, Relay.RELEASED)
    assert len(bench.moves) == 2 * len(bench.contacts), "asking switches nothing"


def test_without_a_relay_and_on_the_secondary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "conf_and_node", lambda: (Conf(), Node.PRIMARY))
    assert isinstance(tried("--yes").exception, UserError)
    monkeypatch.setattr(relay, "conf_and_node", lambda: (Conf(relay_driver="lcus"), Node.SECONDARY))
    assert "in the primary" in str(tried("--yes").exception)


def test_list_names_the_drivers_that_fit_and_sends_nothing(bench: BoardBench) -> None:
    done = CliRunner().invoke(relay.relay, ["list"])
    assert "ttyUSB0  1a86:7523 at port 1-2  fits: lcus (documented), lcus-text (documented)" in done.output
    assert done.output.rstrip().endswith("<- of the conf file")
    assert bench.board.heard == []
    bench.unplug()
    assert (
        CliRunner().invoke(relay.relay, ["list"]).output == "No serial port on USB, and no HID relay board.\n"
    )


@pytest.fixture
def hid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HidBench]:
    bench = HidBench(tmp_path)
    in_service(monkeypatch)
    monkeypatch.setattr(relay, "_HOLD", 0.1)
    monkeypatch.setattr(relay, "conf_and_node", lambda: (bench.conf(relay_device=""), Node.PRIMARY))
    monkeypatch.setattr(relay, "load", lambda **how: bench.conf(relay_device=""))
    monkeypatch.setattr(drivers, "open_card", lambda conf, clock: bench.open(relay_device=""))
    monkeypatch.setattr(discovery, "usb_ttys", lambda *roots: SysfsTtys(bench.root, bench.root / "dev"))

    def boards(*roots: Path) -> SysfsRelayBoards:
        return SysfsRelayBoards(bench.root, bench.root / "dev")

    monkeypatch.setattr(discovery, "hid_boards", boards)
    yield bench
    bench.close()


def test_a_hid_board_is_listed_and_tried(hid: HidBench) -> None:
    listed = CliRunner().invoke(relay.relay, ["list"])
    node = hid.root / "dev/hidraw0"
    assert (
        listed.output == f"{node}  16c0:05df at port 1-2  fits: dcttech (documented)  <- of the conf file\n"
    )
    assert hid.board.heard == []
    done = tried("--yes")
    assert done.exit_code == 0 and "register: energised" in done.output, done.output
    await_position(hid.line, Relay.RELEASED)
    assert len(hid.moves) == 2 * len(hid.contacts)


def test_of_two_hid_boards_none_is_said_to_be_the_conf_files(hid: HidBench) -> None:
    other = HidTree(hid.root / "dev", hid.root / "sys", replace(HID_USB, port="1-4"))
    other.add("hidraw1", "/dev/null", "www.dcttech.com USBRelay2")
    listed = CliRunner().invoke(relay.relay, ["list"]).output
    assert listed.count("fits: dcttech (documented)\n") == 2 and "conf file" not in listed


def test_which_drivers_fit() -> None:
    assert drivers_that_fit(UsbIdentity("2a19", "0c01", "NLRL1", "1-1")) == ("numato",)
    assert drivers_that_fit(UsbIdentity("0403", "6001", "A1", "1-1")) == ("kmtronic-2", "kmtronic-8")
    assert drivers_that_fit(UsbIdentity("04d8", "ffee", "00021478", "1-1")) == ("devantech",)
    assert drivers_that_fit(UsbIdentity("16c0", "05df", "", "1-1")) == ("dcttech",)
    assert drivers_that_fit(UsbIdentity("067b", "2303", "", "1-1")) == ()


def test_card_probe_names_the_board_and_card_learn_is_for_the_rhino_card(
    bench: BoardBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "load", lambda **how: bench.conf())
    monkeypatch.setattr(drivers, "find_card", lambda conf, now, store: bench.find())
    monkeypatch.setattr(hardware, "_refuse_while_serving", lambda: None)
    done = CliRunner().invoke(hardware.card, ["probe"])
    assert "driver   lcus-text, for the LCUS board that answers with lines of text" in done.output
    learned = CliRunner().invoke(hardware.card, ["learn", str(bench.root / "profile"), "--yes"])
    assert isinstance(learned.exception, UserError) and "asha relay test" in str(learned.exception)
    assert bench.board.heard == []
