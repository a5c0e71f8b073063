"""HAFENCE's harmless question: which programs have one, and what an answer proves."""

from __future__ import annotations

import pytest

from appliance.core.host_check.fence import (
    Power,
    PowerAnswer,
    judge_fence,
    judge_stonith,
    power_answer,
    status_question,
)
from appliance.core.host_check.finding import Level

IPMI = "/usr/sbin/fence_ipmilan"
ON, OFF = PowerAnswer(Power.ON), PowerAnswer(Power.OFF)


@pytest.mark.parametrize(
    ("command", "question"),
    [
        (f"{IPMI} --ip=10.0.0.9 --action=off", f"{IPMI} --ip=10.0.0.9 --action=status"),
        (f"{IPMI} --action off --ip 10.0.0.9", f"{IPMI} --action status --ip 10.0.0.9"),
        (f"{IPMI} -a 10.0.0.9 -o off", f"{IPMI} -a 10.0.0.9 -o status"),
        (f"{IPMI} -a 10.0.0.9 -o reboot", f"{IPMI} -a 10.0.0.9 -o status"),
        (
            f"{IPMI} -a 10.0.0.9",
            "",
        ),  # without an action it reboots; a word added may be one that it does not know
        (f"{IPMI} -o off --action=off", ""),
        (f"{IPMI} --action=on", ""),
        (f"{IPMI} -o", ""),
        ("/usr/local/sbin/cut --action=off", ""),
        ("/usr/bin/ipmitool -H 10.0.0.9 power off", ""),
    ],
)
def test_only_a_fence_agents_own_action_is_replaced(command: str, question: str) -> None:
    assert " ".join(status_question(command.split())) == question


@pytest.mark.parametrize(
    ("code", "power", "why"),
    [
        (0, Power.ON, ""),
        (2, Power.OFF, ""),
        (1, Power.NOT_TOLD, "it ended with status 1: no route"),
        (None, Power.NOT_TOLD, "it did not end within its deadline: no route"),
        (-9, Power.NOT_TOLD, "it ended with status -9: no route"),
    ],
)
def test_what_an_exit_status_says(code: int | None, power: Power, why: str) -> None:
    assert power_answer(code, "no route") == PowerAnswer(power, why)


@pytest.mark.parametrize(
    ("command", "answer", "lives", "level", "says"),
    [
        (f"{IPMI} -o off", ON, True, Level.OK, "reaches its device"),
        (f"{IPMI} -o off", OFF, True, Level.ERROR, "another machine's outlet"),
        (f"{IPMI} -o off", OFF, False, Level.OK, "reaches its device"),
        (f"{IPMI} -o off", PowerAnswer(Power.NOT_TOLD, "no route"), True, Level.ERROR, "does not tell: no route"),
        (f"{IPMI} -o reboot", ON, True, Level.WARNING, "reboots the other node"),
        (IPMI, None, True, Level.WARNING, "reboots the other node"),
        ("/usr/local/sbin/cut", None, True, Level.OK, "cannot be asked without cutting power"),
    ],
)  # fmt: skip
def test_what_is_judged(command: str, answer: PowerAnswer | None, lives: bool, level: str, says: str) -> None:
    found = judge_fence(command.split(), "", answer, pings=True, peer_lives=lives)
    assert found.level == level and says in found.says


def test_the_device_says_nothing_of_a_program_that_root_does_not_run_or_of_the_lan() -> None:
    words = f"{IPMI} -o off".split()
    assert judge_fence(words, "cannot be run", None, pings=True, peer_lives=True).level == Level.ERROR
    assert "HAPING is not" in judge_fence(words, "", ON, pings=False, peer_lives=True).says


@pytest.mark.parametrize(
    ("engine", "cuts", "switched", "level"),
    [
        ("Pacemaker", True, True, Level.OK),
        ("Pacemaker", True, False, Level.OK),
        ("Pacemaker", False, True, Level.WARNING),
        ("Pacemaker", False, False, Level.ERROR),
        ("Heartbeat", True, True, Level.ERROR),
    ],
)
def test_who_is_told_yes_by_nobody_hears_it_from_asha_check(
    engine: str, cuts: bool, switched: bool, level: Level
) -> None:
    assert judge_stonith(engine, cuts=cuts, switched=switched).level is level
