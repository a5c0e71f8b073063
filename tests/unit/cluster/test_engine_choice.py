"""Which engine a node takes: what runs, what it was set up with, and Pacemaker for a new pair only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.cluster import installed
from appliance.cluster.installed import chosen_engine
from appliance.core.engine_traits import EngineTraits
from appliance.core.errors import HostError
from tests.plugins.fake_engine import FakeEngine, as_engine


class Engine(FakeEngine):
    """An engine that may be absent, run, or have been set up at some time."""

    def __init__(self, title: str, there: bool, runs: bool, written: float) -> None:
        super().__init__(traits=EngineTraits(title))
        self.there, self.written = there, written
        if runs:
            self.run("1:1")

    def place(self) -> str:
        if not self.there:
            raise HostError("It is not installed.")
        return "/usr/sbin"

    def set_up_at(self) -> float:
        return self.written


Host = Callable[..., None]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    """Have a machine on which each engine, by its first letter, is installed, runs, or was set up at a time."""

    def set_up(there: str, runs: str = "", **written: float) -> None:
        monkeypatch.setattr(
            installed,
            "_ENGINES",
            tuple(
                lambda title=title: as_engine(
                    Engine(title, title[0] in there, title[0] in runs, written.get(title[0], 0.0))
                )
                for title in ("Pacemaker", "Heartbeat")
            ),
        )

    return set_up


@pytest.mark.parametrize(
    ("there", "runs", "written", "wanted"),
    [
        ("PH", "", {}, "Pacemaker"),
        ("H", "", {}, "Heartbeat"),
        ("P", "", {}, "Pacemaker"),
        ("", "", {}, "Heartbeat"),
        ("PH", "H", {}, "Heartbeat"),
        ("PH", "H", {"P": 9.0}, "Heartbeat"),
        ("PH", "P", {"H": 9.0}, "Pacemaker"),
        ("PH", "", {"H": 9.0}, "Heartbeat"),
        ("PH", "", {"H": 9.0, "P": 10.0}, "Pacemaker"),
        ("PH", "", {"H": 10.0, "P": 9.0}, "Heartbeat"),
        ("P", "", {"H": 10.0}, "Heartbeat"),
        ("H", "", {"P": 10.0}, "Pacemaker"),
    ],
)
def test_a_pair_that_has_run_keeps_its_engine(
    host: Host, there: str, runs: str, written: dict[str, float], wanted: str
) -> None:
    host(there, runs, **written)
    assert chosen_engine("auto").engine.traits.title == wanted


@pytest.mark.parametrize("title", ["Heartbeat", "Pacemaker"])
def test_one_that_is_named_is_taken_whatever_runs(host: Host, title: str) -> None:
    host("", "PH")
    engine, why = chosen_engine(title.lower())
    assert (engine.traits.title, why) == (title, f"HAENGINE={title.lower()} names it")
