"""What the rooms bring to the control socket is one whole: each verb once, every part of the status, all problems."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_agent_cycle import Bench

from appliance.agent.components.component import Component, who
from appliance.agent.control_api import ControlApi
from appliance.control.access import AllowedUsers, authorise
from appliance.control.protocol import ControlRequest
from appliance.core.answers import Said
from appliance.core.errors import ClusterError, UserError
from appliance.core.maintenance import begin
from appliance.core.status import Status


class Kitchen(Component):
    """A room with something of everything."""

    def __init__(self, verb: str = "cook") -> None:
        self.verbs = {verb: self._cook}

    def report(self, status: Status) -> Status:
        return super().report(status._replace(trouble="the stove is hot"))

    def problems(self) -> list[str]:
        return ["the milk boils over"]

    async def _cook(self, request: ControlRequest) -> Said:
        return Said(f"{request.text('what')} is served")


def control_api(bench: Bench, *rooms: Component) -> ControlApi:
    nothing: Any = None
    return ControlApi(
        bench.context,
        cycle=bench.cycle,
        executor=nothing,
        engine=nothing,
        orders=nothing,
        changes=nothing,
        engine_sensor=nothing,
        policy=nothing,
        data=nothing,
        active_conf=nothing,
        sark=nothing,
        components=rooms,
    )


def test_a_room_answers_and_is_part_of_the_status(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.observations.duplicate = "00:11:22:33:44:55"
    requests = control_api(bench, Component(), Kitchen())
    assert asyncio.run(requests.answer(ControlRequest("cook", {"what": "soup"}))) == Said("soup is served")
    for _ in range(2):
        status = asyncio.run(requests.answer(ControlRequest("status")))
        assert status.trouble == "the stove is hot" and status.node == "primary"
        assert [text[:12] for text in status.problems] == ["the cluster ", "the milk boi"]
    with pytest.raises(UserError, match="knows no verb 'eat'"):
        asyncio.run(requests.answer(ControlRequest("eat")))


@pytest.mark.parametrize("verb", ["cook", "start", "status"])
def test_no_component_takes_a_verb_from_another(tmp_path: Path, verb: str) -> None:
    with pytest.raises(ValueError, match=f"two components answer .*'{verb}'"):
        control_api(Bench(tmp_path), Kitchen(), Kitchen(verb))


def test_the_engine_is_not_started_by_hand_in_the_middle_of_a_change(tmp_path: Path) -> None:
    requests = control_api(Bench(tmp_path))
    requests._policy = SimpleNamespace(permitted=lambda wish, request: None)  # type: ignore[assignment]
    requests._changes = SimpleNamespace(under_way=True, says=lambda: "the pair changes")  # type: ignore[assignment]
    with pytest.raises(ClusterError, match="the pair changes"):
        asyncio.run(requests.answer(ControlRequest("ha start")))


@pytest.mark.parametrize(
    ("unasked", "said"), [("", "Started: yes."), ("the other node is mute", "the other node is mute")]
)
def test_a_peer_that_cannot_be_asked_is_no_hindrance_to_a_start_but_said(
    tmp_path: Path, unasked: str, said: str
) -> None:
    requests = control_api(Bench(tmp_path))
    started: list[str] = []

    async def answer(found: str = "") -> str:
        return found

    async def start() -> None:
        started.append("engine")

    requests._policy = SimpleNamespace(  # type: ignore[assignment]
        permitted=lambda wish, request: SimpleNamespace(says="Started: yes")
    )
    requests._changes = SimpleNamespace(  # type: ignore[assignment]
        under_way=False, why_not_asked=lambda: answer(unasked)
    )
    requests._sark = SimpleNamespace(take_held=answer)  # type: ignore[assignment]
    requests._active_conf = SimpleNamespace(look=lambda: False)  # type: ignore[assignment]
    requests._orders = SimpleNamespace(start=start)  # type: ignore[assignment]
    answered = asyncio.run(requests.answer(ControlRequest("ha start")))
    assert said in answered.says and started == ["engine"]


def test_whatever_name_the_panel_gives_its_mark_stays_behind_it() -> None:
    request = authorise(ControlRequest("ha stop", {"by": "x" * 500}), 990, AllowedUsers(own=0, panel=990))
    assert who(request).endswith("… (panel)")
    assert begin(3600.0, who(request), "", 0.0).by == who(request)
