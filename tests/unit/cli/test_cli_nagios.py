"""`asha nagios` speaks as monitoring plugins do."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner, Result
from test_cli_status import LOST, peer, whole
from test_cli_words import reading

from appliance.cli import nagios
from appliance.cli.main import asha
from appliance.control.client import AgentAbsent
from appliance.core.status import ProbeStatus, Status


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
