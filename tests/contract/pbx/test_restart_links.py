"""The restart of links and carriers: which commands are given, and what happens when they are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.dahdi.restart import restart_carriers
from appliance.host.clock import SystemClock
from appliance.pbx.dchannel import restart_spans

UP_AND_DOWN = "PRI span 1/0: Up, Active\nPRI span 2/0: Down, Active"
BOTH_DOWN = "PRI span 1/0: Down, Active\nPRI span 2/0: Down, Active"
OLD = "No such command"


class Program:
    """A program that writes down its words, and says `answers` to those that contain a key of it."""

    def __init__(self, path: Path, answers: dict[str, str], status: int = 0) -> None:
        self._log = path.with_suffix(".log")
        cases = "".join(f"*'{words}'*) echo '{said}';;\n" for words, said in answers.items())
        path.write_text(f'#!/bin/sh\necho "$*" >>{self._log}\ncase "$*" in\n{cases}esac\nexit {status}\n')
        path.chmod(0o755)
        self.path = path

    @property
    def given(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


@pytest.mark.parametrize(
    ("spans", "knows", "given"),
    [
        (BOTH_DOWN, "", ["dahdi restart"]),
        (UP_AND_DOWN, OLD, ["dahdi restart"]),
        (UP_AND_DOWN, "Usage", ["pri destroy span 2", "dahdi create channels new"]),
    ],
)
def test_a_span_that_works_is_spared_where_asterisk_can(
    tmp_path: Path, spans: str, knows: str, given: list[str]
) -> None:
    asterisk = Program(tmp_path / "asterisk", {"show spans": spans, "show help": knows})
    restart_spans(Conf(pbx_program=str(asterisk.path)), 10.0)
    assert [words.removeprefix("-rx ") for words in asterisk.given if "show" not in words] == given


def test_a_console_that_fails_is_told(tmp_path: Path) -> None:
    asterisk = Program(tmp_path / "asterisk", {}, status=1)
    with pytest.raises(HostError, match="not restarted"):
        restart_spans(Conf(pbx_program=str(asterisk.path)), 10.0)


@pytest.mark.parametrize("status", [0, 1])
def test_carriers_are_taken_down_and_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    ctl = tmp_path / "dev/dahdi/ctl"
    ctl.parent.mkdir(parents=True)
    ctl.touch()
    tool = Program(tmp_path / "dahdi_cfg", {}, status)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    if status:
        with pytest.raises(HostError, match="did not all come up again"):
            restart_carriers(tmp_path, SystemClock(), 0.0)
    else:
        restart_carriers(tmp_path, SystemClock(), 0.0)
    assert tool.given == ["-s", ""]


def test_without_dahdi_no_carrier_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Program(tmp_path / "dahdi_cfg", {})
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    restart_carriers(tmp_path, SystemClock(), 0.0)
    assert tool.given == []
