"""Which engine a node takes: what runs, what it was set up with, and Pacemaker for a new pair only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from appliance.cluster import installed
from appliance.cluster.installed import chosen_engine, engine_of
from appliance.config import Conf, Medium
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


_UCAST = (Medium("ucast", "eth0", "192.0.2.2"),)


@pytest.mark.parametrize(
    ("there", "conf", "wanted", "why"),
    [
        (
            "PH",
            Conf(),
            "Heartbeat",
            "and Pacemaker cannot do what the conf file has (HAMEDIA would have to be of",
        ),
        ("PH", Conf(media=_UCAST), "Pacemaker", "this node is new"),
        ("PH", Conf(media=(*_UCAST, Medium("serial", "/dev/ttyS0"))), "Heartbeat", "HAMEDIA"),
        ("PH", Conf(media=_UCAST, deadtime=0.8), "Heartbeat", "HADEADTIME would have to be at least 1 s"),
        ("PH", Conf(media=_UCAST, stonith=True), "Pacemaker", "this node is new"),
        ("PH", Conf(stonith=True), "Pacemaker", "HASTONITH would have to be NO"),
        ("P", Conf(), "Pacemaker", "no other is installed"),
    ],
)
def test_a_new_pair_takes_what_can_do_what_the_conf_has(
    host: Host, there: str, conf: Conf, wanted: str, why: str
) -> None:
    host(there)
    engine, said = chosen_engine("auto", conf)
    assert engine.traits.title == wanted and why in said
    host("PH", P=9.0)
    assert engine_of(Conf()).traits.title == "Pacemaker", "a pair that has run keeps its engine"


def test_both_nodes_choose_the_same_by_their_own_conf_files(host: Host) -> None:
    """With `ucast` the paths differ between the nodes, and so may their devices."""
    host("PH")
    other = replace(Conf(), media=(Medium("ucast", "eth7", "192.0.2.1"),))
    assert engine_of(Conf(media=_UCAST)).traits.title == engine_of(other).traits.title == "Pacemaker"


@pytest.mark.parametrize("title", ["Heartbeat", "Pacemaker"])
def test_one_that_is_named_is_taken_whatever_runs(host: Host, title: str) -> None:
    host("", "PH")
    engine, why = chosen_engine(title.lower())
    assert (engine.traits.title, why) == (title, f"HAENGINE={title.lower()} names it")
