"""`asha nagios` speaks as monitoring plugins do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from test_cli_status import LOST, peer, whole
from test_cli_words import reading

from appliance.cli import main, nagios
from appliance.cli.main import asha
from appliance.control.client import AgentAbsent
from appliance.core.status import ProbeStatus, Status

ROOT = Path(__file__).resolve().parents[3]


def asked(monkeypatch: pytest.MonkeyPatch, answer: Status | Exception) -> Result:
    def ask_status(*, deadline: float) -> Status:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(nagios, "ask_status", ask_status)
    return CliRunner().invoke(asha, ["nagios"])


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({}, 0, "OK - Protected: "),
        ({"peer": peer(**LOST)}, 1, "WARNING - Running without protection: "),
        ({"pbx": {"state": reading("hung")}}, 2, "CRITICAL - No service: "),
        ({"role": "standby", "granted": False, "peer": {}}, 3, "UNKNOWN - Not known "),
    ],
)
def test_one_line_and_the_exit_code_say_it(
    changes: dict[str, Any], code: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = asked(monkeypatch, whole(**changes))
    assert done.exit_code == code and done.output.startswith(f"ASHA {word}"), done.output


def test_an_agent_that_is_away_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    done = asked(monkeypatch, AgentAbsent("The agent does not run."))
    assert (done.exit_code, done.output) == (3, "ASHA UNKNOWN - The agent does not run.\n")


def test_a_hint_stands_below_and_the_pair_is_as_well_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    done = asked(monkeypatch, whole(hints=["No alert is configured."]))
    assert done.exit_code == 0 and done.output.splitlines()[1:] == ["hint: No alert is configured."]
    assert "problems=0;" in done.output


def test_figures_stand_behind_one_bar_and_problems_below(monkeypatch: pytest.MonkeyPatch) -> None:
    document = whole(problems=["link eth1 | lost"], peer=peer(data_age=7.4))
    first, second = asked(
        monkeypatch, document._replace(probes={"ami": ProbeStatus(1.44)})
    ).output.splitlines()
    assert first.split(" | ") == [
        "ASHA WARNING - Degraded: link eth1 / lost.",
        "problems=1;;;0 data_age=7s;;;0 peer_heard=0.4s;;;0 ami=1.4ms;;;0",
    ]
    assert second == "link eth1 / lost"


Run = Callable[..., tuple[object, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the whole command, as a monitoring system does; return its exit code and what it printed."""

    def give(*words: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["asha", "nagios", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        return ended.value.code, capsys.readouterr().out

    return give


def failing(problem: Exception) -> Callable[..., Status]:
    def fail(*given: object, **rest: object) -> Status:
        raise problem

    return fail


@pytest.mark.parametrize(
    "problem", [KeyError("state"), RecursionError("too\ndeep | far"), OSError(28, "No space left on device")]
)
def test_a_plugin_that_breaks_is_unknown_and_says_it_on_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    monkeypatch.setattr(nagios, "ask_status", failing(problem))
    code, said = run()
    assert code == 3 and said.startswith(f"ASHA UNKNOWN - the plugin failed: {type(problem).__name__}: ")
    assert said.count("\n") == 1 and "|" not in said


def test_one_that_breaks_while_it_makes_its_line_is_unknown_too(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nagios, "ask_status", lambda **rest: whole())
    monkeypatch.setattr(nagios, "_figures", failing(ZeroDivisionError("seconds")))
    assert run() == (3, "ASHA UNKNOWN - the plugin failed: ZeroDivisionError: seconds\n")


def test_one_that_cannot_be_loaded_is_unknown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(main._COMMANDS, "nagios", "no_such_module")
    code, said = run()
    assert code == 3 and "ModuleNotFoundError" in said


def test_a_wrong_option_is_not_critical(run: Run) -> None:
    code, said = run("--deadlien", "5")
    assert code == 3 and said.startswith("ASHA UNKNOWN - the plugin failed: No such option")


def test_the_codes_of_the_pair_come_through(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nagios, "ask_status", lambda **rest: whole(pbx={"state": reading("hung")}))
    code, said = run()
    assert code == 2 and said.startswith("ASHA CRITICAL - ")


@pytest.mark.parametrize(
    ("program", "code", "begins"),
    [
        ("echo 'ASHA WARNING - a cable | problems=1'; exit 1", 1, "ASHA WARNING - a cable | problems=1"),
        (
            "echo 'Traceback'; echo 'ImportError: | no x' >&2; exit 1",
            3,
            "ASHA UNKNOWN - ",
        ),
        ("exit 127", 3, "ASHA UNKNOWN - "),
    ],
)
def test_the_plugins_script_takes_no_broken_program_for_a_warning(
    tmp_path: Path, program: str, code: int, begins: str
) -> None:
    asha = tmp_path / "asha"
    asha.write_text(f"#!/bin/sh\n{program}\n")
    asha.chmod(0o755)
    script = (ROOT / "deploy/nagios/check_asha").read_text().replace("/usr/sbin/asha", str(asha))
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == code and done.stdout.startswith(begins) and done.stdout.count("\n") == 1
