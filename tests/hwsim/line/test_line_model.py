"""The simulated line keeps the facts' times (docs/facts/pri-timing.md), in virtual time."""

from __future__ import annotations

from random import Random

import pytest

from hwsim.line.line import TelephoneLine
from hwsim.line.profiles import PROFILES
from hwsim.line.q921 import Cure
from hwsim.line.span_side import Signal
from hwsim.simtime import VirtualTime


class Bench:
    def __init__(self, profile: str = "r1t1", chance: Random | None = None) -> None:
        self.time = VirtualTime()
        profiles = dict.fromkeys(("primary", "secondary"), PROFILES[profile])
        self.line = TelephoneLine(self.time, profiles, chance)

    def at(self, what: str, side: str, value: str, after: float = 0.0) -> float:
        return next(
            event.at
            for event in self.line.trace
            if (event.what, event.side, event.value) == (what, side, value) and event.at >= after
        )

    def move(self, side: str) -> float:
        self.line.connect(side)
        return self.time.now()


def test_a_moved_line_is_usable_after_the_settle_time_and_not_before() -> None:
    bench = Bench()
    bench.line.attach_pbx("secondary")
    bench.time.advance(0.3)
    moved = bench.move("secondary")
    bench.time.advance(10)
    assert 5.0 <= bench.at("in_service", "secondary", "yes") - moved <= 5.3
    assert bench.at("alarm", "secondary", "RECOVERING") - moved == pytest.approx(0.05)


def test_the_d_channel_comes_up_while_the_driver_still_settles() -> None:
    bench = Bench()
    bench.line.attach_pbx("secondary")
    moved = bench.move("secondary")
    bench.time.advance(10)
    assert bench.at("dchannel", "secondary", "up") - moved < 2.5
    assert bench.at("alarm", "secondary", "OK") > bench.at("dchannel", "secondary", "up")


def test_no_pbx_means_no_service() -> None:
    bench = Bench()
    bench.move("secondary")
    bench.time.advance(60)
    assert bench.line.sides["secondary"].alarm == "OK"
    assert not bench.line.works("secondary")


def test_losing_the_line_raises_red_by_the_driver_and_ends_service_at_once() -> None:
    bench = Bench()
    bench.line.attach_pbx("primary")
    bench.move("primary")
    bench.time.advance(10)
    lost = bench.move("secondary")
    bench.time.advance(1)
    assert bench.at("alarm", "primary", "RED", lost) - lost == pytest.approx(0.032)
    assert not bench.line.works("primary")


def test_a_lost_link_is_noticed_late_and_a_line_back_sooner_is_a_ghost() -> None:
    bench = Bench()
    bench.line.attach_pbx("primary")
    bench.line.attach_pbx("secondary")
    bench.move("primary")
    bench.time.advance(10)
    bench.move("secondary")
    bench.time.advance(4.4)
    bench.move("primary")
    bench.time.advance(12)
    assert bench.line.sides["primary"].alarm == "OK"
    assert bench.line.sides["primary"].dchannel == "up"
    assert not bench.line.works("primary"), "it believes it is up, and is not"
    bench.line.restart_span("primary")
    bench.time.advance(1)
    assert bench.line.works("primary")


@pytest.mark.parametrize("away", [0.5, 3, 5])
def test_a_short_cut_leaves_the_link_as_it_was_when_no_other_pbx_took_it(away: float) -> None:
    """Tried with real libpri 1.6: no event at either end, and the link goes on."""
    bench = Bench()
    bench.line.attach_pbx("primary")
    bench.move("primary")
    bench.time.advance(10)
    cut = bench.time.now()
    bench.line.cut()
    bench.time.advance(away)
    bench.line.restore()
    bench.time.advance(20)
    assert bench.line.works("primary")
    assert not [event for event in bench.line.trace if event.what == "dchannel" and event.at >= cut]


def test_sabme_is_sent_in_the_pattern_that_libpri_was_seen_to_send() -> None:
    """t = 0, 1, 2, 3, a gap, 5, 6, 7: the next one after the line is back brings the link up."""
    for back, up in [(0.5, 1.05), (2.5, 3.05), (3.5, 5.05), (5.5, 6.05)]:
        bench = Bench()
        bench.line.attach_pbx("primary")
        bench.time.advance(back)
        bench.move("primary")
        bench.time.advance(5)
        assert bench.at("dchannel", "primary", "up") == pytest.approx(up)


def test_the_line_is_never_in_service_at_both_sides() -> None:
    bench = Bench("rcbfx")
    for side in ("primary", "secondary"):
        bench.line.attach_pbx(side)
    for side in ("primary", "secondary", "primary"):
        bench.move(side)
        bench.time.advance(1)
    serving = set()
    for event in bench.line.trace:
        if event.what == "in_service":
            serving = serving | {event.side} if event.value == "yes" else serving - {event.side}
            assert len(serving) <= 1


@pytest.mark.parametrize(
    ("signal", "alarm", "after"), [(Signal.AIS, "BLUE", 2.5), (Signal.RAI, "YELLOW", 0.5)]
)
def test_an_ill_provider_raises_its_own_alarm(signal: Signal, alarm: str, after: float) -> None:
    bench = Bench("wct4xxp")
    bench.line.attach_pbx("primary")
    bench.move("primary")
    bench.time.advance(10)
    ill = bench.time.now()
    bench.line.send(signal)
    bench.time.advance(5)
    assert bench.at("alarm", "primary", alarm, ill) - ill == pytest.approx(after)
    assert not bench.line.works("primary")
    well = bench.time.now()
    bench.line.restore()
    bench.time.advance(10)
    settled = bench.at("alarm", "primary", "OK", well) - well
    assert settled == pytest.approx(5.05 if alarm == "BLUE" else 0.05)


def test_yellow_after_red_does_not_spare_the_settle_time() -> None:
    bench = Bench()
    bench.move("primary")
    bench.line.send(Signal.RAI)
    bench.time.advance(1)
    assert bench.line.sides["primary"].alarm == "YELLOW"
    bench.line.restore()
    bench.time.advance(4.9)
    assert bench.line.sides["primary"].alarm == "RECOVERING"
    bench.time.advance(1)
    assert bench.line.sides["primary"].alarm == "OK"


def test_chance_spreads_the_times_within_the_facts_and_repeats_with_its_seed() -> None:
    def times(seed: int) -> tuple[float, float]:
        bench = Bench(chance=Random(seed))
        bench.line.attach_pbx("primary")
        bench.move("primary")
        bench.time.advance(10)
        lost = bench.move("secondary")
        bench.time.advance(30)
        return bench.at("in_service", "primary", "yes"), bench.at("dchannel", "primary", "down", lost) - lost

    seen = [times(seed) for seed in range(30)]
    assert seen == [times(seed) for seed in range(30)]
    assert len(set(seen)) > 20
    assert all(5.0 <= service <= 5.3 and 4.0 <= down <= 14.0 for service, down in seen)


def test_a_line_away_longer_is_noticed_after_6_9_seconds_and_comes_back_by_itself() -> None:
    bench = Bench()
    bench.line.attach_pbx("primary")
    bench.move("primary")
    bench.time.advance(10)
    lost = bench.move("secondary")
    bench.time.advance(20)
    assert bench.at("dchannel", "primary", "down", lost) - lost == pytest.approx(6.9)
    bench.move("primary")
    bench.time.advance(10)
    assert bench.line.works("primary")


def test_a_relapse_restarts_the_settle_time() -> None:
    bench = Bench()
    bench.line.attach_pbx("primary")
    for _ in range(5):
        bench.move("primary")
        bench.time.advance(4)
        bench.move("secondary")
        bench.time.advance(1)
    last = bench.move("primary")
    bench.time.advance(10)
    assert bench.at("alarm", "primary", "OK") - last >= 5.0


def test_a_dead_provider_is_red_on_both_sides() -> None:
    bench = Bench()
    bench.move("primary")
    bench.time.advance(10)
    bench.line.cut()
    bench.time.advance(1)
    assert {side.alarm for side in bench.line.sides.values()} == {"RED"}
    bench.line.restore()
    bench.time.advance(6)
    assert bench.line.sides["primary"].alarm == "OK"


def test_a_stuck_d_channel_needs_a_restart() -> None:
    bench = Bench()
    bench.line.attach_pbx("primary")
    bench.move("primary")
    bench.time.advance(10)
    bench.line.stick_dchannel("primary")
    bench.time.advance(60)
    assert bench.line.sides["primary"].dchannel == "down"
    bench.line.restart_span("primary")
    bench.time.advance(3)
    assert bench.line.works("primary")


def _restart_pbx(bench: Bench) -> None:
    bench.line.detach_pbx("primary")
    bench.line.attach_pbx("primary")


def _take_line_away(bench: Bench) -> None:
    bench.move("secondary")
    bench.time.advance(1)
    bench.move("primary")


@pytest.mark.parametrize(
    ("needs", "cures"),
    [
        (Cure.TIME, ()),
        (Cure.SPAN_RESTART, ("span", "pbx")),
        (Cure.CARRIER_FALLS, ("carrier",)),
        (Cure.PBX_RESTART, ("pbx",)),
        (Cure.NONE, ()),
    ],
)
@pytest.mark.parametrize("tried", ["span", "carrier", "pbx"])
def test_a_stuck_link_ends_with_its_cure_and_with_nothing_less(
    needs: Cure, cures: tuple[str, ...], tried: str
) -> None:
    tries = {
        "span": lambda: bench.line.restart_span("primary"),
        "carrier": lambda: _take_line_away(bench),
        "pbx": lambda: _restart_pbx(bench),
    }
    bench = Bench()
    bench.line.attach_pbx("primary")
    bench.move("primary")
    bench.time.advance(10)
    bench.line.stick_dchannel("primary", needs)
    bench.time.advance(3)
    tries[tried]()
    bench.time.advance(10)  # 13 s: the exchange still believes in the old link
    assert bench.line.works("primary") is (tried in cures)
    bench.time.advance(60)
    assert bench.line.works("primary") is (tried in cures or needs is Cure.TIME)


def test_rhino_analog_raises_no_alarm_wherever_the_line_is() -> None:
    bench = Bench("rcbfx")
    bench.line.attach_pbx("primary")
    bench.move("secondary")
    bench.time.advance(60)
    assert bench.line.sides["primary"].alarm == "OK"
    assert bench.line.sides["primary"].dchannel == "none"
    assert not bench.line.works("primary")


@pytest.mark.parametrize(
    ("profile", "least", "most"), [("rxt1", 5.0, 5.3), ("dynamic", 0.9, 2.1), ("wct4xxp", 5.0, 5.3)]
)
def test_each_driver_clears_in_its_own_time(profile: str, least: float, most: float) -> None:
    bench = Bench(profile)
    moved = bench.move("primary")
    bench.time.advance(10)
    assert least <= bench.at("alarm", "primary", "OK") - moved <= most


def test_a_pbx_that_dies_takes_the_d_channel_with_it() -> None:
    bench = Bench()
    bench.line.attach_pbx("primary")
    bench.move("primary")
    bench.time.advance(10)
    bench.line.detach_pbx("primary")
    assert not bench.line.works("primary")
    bench.line.attach_pbx("primary")
    bench.time.advance(3)
    assert bench.line.works("primary")
