"""`asha relay wizard` on a simulated board: what it asks, what it writes, and that it leaves nothing energised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from board_bench import BoardBench
from click.testing import CliRunner, Result
from relay_card_suite import await_position

from appliance.cli import conf as conf_command
from appliance.cli import relay, relay_wizard
from appliance.config import Conf, load
from appliance.control.client import AgentAbsent
from appliance.core.errors import ClusterError, HardwareError, UserError
from appliance.core.model import Node, Relay
from appliance.host.clock import Clock
from appliance.hw import discovery, drivers
from appliance.hw.hidraw_sysfs import SysfsRelayBoards
from appliance.hw.relay import RelayCard
from appliance.hw.ttys_sysfs import SysfsTtys
from hwsim.card.board import BoardFault
from hwsim.card.card import Position

BEFORE = "# ours\nRHINOSPF=YES\nCARDDEADLINE=6\n"
COILS = ("--line", "pri", "--build", "coils")
_open_card = drivers.open_card


@pytest.fixture
def speech() -> str:
    return "lcus"


@pytest.fixture
def bench(tmp_path: Path, speech: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BoardBench]:
    """The primary with a board that was just plugged in, and no HA engine."""
    bench = BoardBench(tmp_path, speech)
    file = tmp_path / "asha.conf"
    file.write_text(BEFORE)
    file.chmod(0o600)

    def opened(conf: Conf, clock: Clock) -> RelayCard:
        return _open_card(conf, bench.clock, sys_root=bench.root, store=bench.store, lock=bench.lock)

    def no_agent(*words: object) -> None:
        raise AgentAbsent("There is none.")

    in_service(monkeypatch, False)
    monkeypatch.setattr(relay, "_HOLD", 0.1)
    monkeypatch.setattr(relay_wizard, "CONF", file)
    monkeypatch.setattr(relay_wizard, "conf_and_node", lambda: (load(file), Node.PRIMARY))
    monkeypatch.setattr(conf_command, "ask_as", no_agent)
    monkeypatch.setattr(drivers, "open_card", opened)
    monkeypatch.setattr(discovery, "usb_ttys", lambda *roots: SysfsTtys(bench.root, bench.root / "dev"))
    monkeypatch.setattr(
        discovery, "hid_boards", lambda *roots: SysfsRelayBoards(bench.root, bench.root / "dev")
    )
    yield bench
    await_position(bench.line, Relay.RELEASED)
    bench.close()


def in_service(monkeypatch: pytest.MonkeyPatch, here: bool) -> None:
    peer = SimpleNamespace(granted=SimpleNamespace(value=False))
    monkeypatch.setattr(relay, "ask_status", lambda: SimpleNamespace(granted=here, peer=peer))


def given(*words: str) -> Result:
    """The command for a script: nobody can be asked."""
    return CliRunner().invoke(relay.relay, ["wizard", *words])


def answered(monkeypatch: pytest.MonkeyPatch, *answers: str, words: tuple[str, ...] = ()) -> Result:
    """The command at a terminal, where a person gives `answers` and then closes it."""
    monkeypatch.setattr(relay_wizard, "at_terminal", lambda: True)
    return CliRunner().invoke(relay.relay, ["wizard", *words], input="".join(f"{one}\n" for one in answers))


def written(bench: BoardBench) -> str:
    return (bench.root / "asha.conf").read_text()


def device(bench: BoardBench) -> str:
    return str(bench.root / "dev/ttyUSB0")


def board(bench: BoardBench) -> tuple[str, ...]:
    return ("--device", device(bench), "--driver", "lcus")


def on(bench: BoardBench) -> list[int]:
    """The contacts that were energised, in turn, as the board counts them."""
    return [contact + bench.first for contact, position in bench.moves if position is Position.NO]


def keys(bench: BoardBench) -> dict[str, str]:
    lines = [line for line in written(bench).splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize(
    ("speech", "driver"), [("lcus", "lcus"), ("lcus-text", "lcus-text"), ("lcus-bytes", "lcus-bytes")]
)
def test_by_its_options_alone_it_tries_the_contact_and_writes_the_keys(
    bench: BoardBench, driver: str
) -> None:
    done = given(*board(bench), *COILS, "--yes")
    assert done.exit_code == 0, done.output
    assert keys(bench) == {
        "RHINOSPF": "NO",
        "CARDDEADLINE": "6",
        "RELAYDRIVER": driver,
        "RELAYDEVICE": device(bench),
        "RELAYCONTACTS": "1",
    }
    assert written(bench).startswith("# ours\n")
    assert on(bench) == [1] and "Contact 1, for line pin 1, 2, 4, 5:" in done.output
    assert "line pin 5 --- common  K2 pole 2" in done.output
    assert (
        f"On the other node: asha conf set RHINOSPF NO RELAYDRIVER {driver} RELAYCONTACTS 1\n" in done.output
    )


def test_a_person_is_asked_everything_and_told_how_well_it_is_known(
    bench: BoardBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = answered(monkeypatch, "7", "board", "1", "lcus", "bri", "contacts", "4,3,2,1", "y", *"yyyy", "y")
    assert done.exit_code == 0, done.output
    assert f"1. {device(bench)}  1a86:7523" in done.output
    assert done.output.count("Error: ") == 2, "neither is in the list, and it is asked again"
    assert "lcus: LCUS board that answers nothing (documented)" in done.output
    assert keys(bench)["RELAYCONTACTS"] == "4,3,2,1"
    assert sorted(on(bench)) == [1, 2, 3, 4]
    assert "Contact 4, for line pin 3:" in done.output and "These pins are documented:" in done.output
    assert "line pin 3 --- common  contact 4  NO (energised)" in done.output


@pytest.mark.parametrize(
    "answers",
    [
        ("1", "lcus"),  # the terminal is closed
        ("1", "lcus", "pri", "coils", "n"),
        ("1", "lcus", "pri", "coils", "y", "y", "n"),
        ("1", "lcus", "pri", "coils", "y", "n"),  # it was not heard
        ("7", "board", ""),  # asked again each time
    ],
)
def test_what_ends_the_dialogue_leaves_the_conf_file(
    bench: BoardBench, monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...]
) -> None:
    done = answered(monkeypatch, *answers)
    assert done.exit_code == 1, done.output
    assert written(bench) == BEFORE


def test_ctrl_c_while_a_contact_is_energised_releases_it(
    bench: BoardBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        await_position(lambda: bench.armature(1), Position.NO)
        raise KeyboardInterrupt

    monkeypatch.setattr(relay, "CLOCK", SimpleNamespace(now=bench.clock.now, sleep=interrupted))
    done = given(*board(bench), *COILS, "--yes")
    assert done.exit_code == 1 and on(bench) == [1]
    await_position(lambda: bench.armature(1), Position.NC)
    assert written(bench) == BEFORE


@pytest.mark.parametrize("speech", ["lcus-text"])
def test_a_board_that_does_not_follow_is_an_error_and_nothing_is_written(bench: BoardBench) -> None:
    bench.board.board_faults.add(BoardFault.SPLIT)
    words = ("--line", "pri", "--build", "contacts", "--contacts", "1,2,3,4")
    done = given(*board(bench), *words, "--yes")
    assert isinstance(done.exception, HardwareError)
    assert written(bench) == BEFORE


@pytest.mark.parametrize("more", [(), ("--no-click",)])
def test_refused_while_a_node_is_in_service(
    bench: BoardBench, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    in_service(monkeypatch, True)
    done = given(*board(bench), *COILS, "--yes", *more)
    assert isinstance(done.exception, ClusterError) and "in service" in str(done.exception)
    assert bench.moves == [] and bench.board.heard == [] and written(bench) == BEFORE


@pytest.mark.parametrize("more", [(), ("--no-click",)])
def test_a_node_that_comes_into_service_meanwhile_keeps_its_line_and_its_keys(
    bench: BoardBench, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    monkeypatch.setattr(relay_wizard, "write_picture", lambda *given: in_service(monkeypatch, True))
    done = given(*board(bench), *COILS, "--yes", "--picture", str(bench.root / "line.svg"), *more)
    assert isinstance(done.exception, ClusterError)
    assert bench.moves == [] and written(bench) == BEFORE


def test_without_clicks_no_contact_moves_and_for_programs_there_is_a_document(bench: BoardBench) -> None:
    file = bench.root / "line.svg"
    done = given(*board(bench), *COILS, "--yes", "--no-click", "--json", "--picture", str(file))
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert "+RELAYDRIVER=lcus" in told["diff"] and told["other_node"].startswith("asha conf set")
    assert bench.moves == [] and file.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), "--device, --driver, --line, --build, --yes"),
        (("--driver", "berofos", "--yes"), "--device"),
        (("--line", "pri", "--build", "contacts", "--yes"), "--device, --driver, --contacts"),
    ],
)
def test_without_a_terminal_the_options_that_are_missing_are_named(
    bench: BoardBench, words: tuple[str, ...], names: str
) -> None:
    done = given(*words)
    assert isinstance(done.exception, UserError)
    assert str(done.exception).endswith(f"Give these options too: {names}.")
    assert bench.board.heard == [] and written(bench) == BEFORE


@pytest.mark.parametrize(
    "words",
    [
        ("--build", "coils", "--contacts", "1,2"),
        ("--build", "contacts", "--contacts", "1,2"),
        ("--build", "coils", "--contacts", "9"),
        ("--build", "coils", "--contacts", "first"),
        ("--build", "coils", "--device", "192.168.1.20"),
    ],
)
def test_what_cannot_be_is_an_error_before_anything_is_sent(
    bench: BoardBench, words: tuple[str, ...]
) -> None:
    done = given(*board(bench), "--line", "pri", "--yes", *words)
    assert isinstance(done.exception, UserError), done.output
    assert bench.board.heard == [] and written(bench) == BEFORE
