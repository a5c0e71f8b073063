"""The simulated D-channel against real libpri at every end of the line: the same stories, the same times.

Where the model takes the worst that was seen of any exchange, it may be less kind than libpri; it is never kinder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from hwsim.libpri.ends import Played, Step, play, timers
from hwsim.line.line import TelephoneLine
from hwsim.line.profiles import PROFILES, Q921
from hwsim.simtime import VirtualTime

# The line leads to the primary, whose PBX calls at once; the secondary's PBX calls in vain from the same second on.
BOTH_START = (
    Step(0.0, "connect", "primary"),
    Step(0.0, "attach", "primary"),
    Step(0.0, "attach", "secondary"),
)
# libpri polls 10 s after the link came up, and 10 s after each answer. The exchange's own SABME has it up after 1 s.
POLLED = 31.0
LEFT_OF_T203 = 2.9
QUIET = POLLED - LEFT_OF_T203
NEAR = 0.1  # seconds in which the model and libpri agree: the way of a few frames


@dataclass(frozen=True)
class Both:
    """One story, played by libpri and by the model."""

    libpri: Played
    model: Played
    works: bool  # at the end, by the model

    def at(self, event: str, side: str = "primary", after: float = 0.0) -> float:
        """Return when both say `event`."""
        real, ours = self.libpri.at(side, event, after), self.model.at(side, event, after)
        assert ours == pytest.approx(real, abs=NEAR)
        return real

    def none_after(self, seconds: float, side: str = "primary") -> bool:
        return not self.libpri.of(side, seconds) and not self.model.of(side, seconds)


def modelled(story: Sequence[Step]) -> tuple[Played, bool]:
    time = VirtualTime()
    line = TelephoneLine(time, dict.fromkeys(("primary", "secondary"), PROFILES["rxt1"]))
    for step in story:
        time.advance(step.wait)
        if step.action == "connect":
            line.connect(step.side or None)
        elif step.action == "attach" and line.sides[step.side].pbx:
            line.restart_span(step.side)
        elif step.action == "attach":
            line.attach_pbx(step.side)
    seen = [(event.at, event.side, event.value) for event in line.trace if event.what == "dchannel"]
    # attach_pbx tells the state, too, and it is down.
    return Played(tuple(one for one in seen if one[0] > 0.0), {}), line.works("primary")


def both(*story: Step) -> Both:
    (libpri,) = play([story])
    model, works = modelled(story)
    return Both(libpri, model, works)


def carries(played: Played) -> bool:
    """True when the RESTART that ends a story was acknowledged: frames go there and back."""
    return "restart ack" in played.of("primary")


def test_the_timers_are_libpris_own() -> None:
    real, model = timers(), Q921()
    assert real["T200"] == model.t200 * 1000
    assert real["N200"] == model.tries - 1
    assert real["T203"] == model.rest_of_t203.most * 1000
    assert real["T203"] + (real["N200"] + 1) * real["T200"] == model.believes * 1000


def test_sabme_is_sent_as_the_model_sends_it() -> None:
    (seen,) = play([[Step(0.0, "attach", "primary"), Step(12.5)]])
    model = Q921()
    round_lasts = (model.tries - 1) * model.t200 + model.gap
    wanted = [turn * round_lasts + call * model.t200 for turn in range(3) for call in range(model.tries)]
    assert seen.calls["primary"] == pytest.approx([at for at in wanted if at <= 12.5], abs=0.01)


@pytest.mark.parametrize(("back", "up"), [(0.5, 1.0), (2.5, 3.0), (3.5, 5.0), (5.5, 6.0), (8.5, 10.0)])
def test_the_link_comes_up_with_the_next_sabme_after_the_line_is_back(back: float, up: float) -> None:
    seen = both(Step(0.0, "attach", "primary"), Step(back, "connect", "primary"), Step(12.0))
    assert seen.at("up") == pytest.approx(up, abs=NEAR)


def test_a_lost_line_is_noticed_after_the_rest_of_t203_and_four_t200() -> None:
    seen = both(*BOTH_START, Step(QUIET, "connect"), Step(20.0))
    assert seen.at("down") - QUIET == pytest.approx(LEFT_OF_T203 + 4.0, abs=NEAR)


@pytest.mark.parametrize("rest", [0.5, 4.0, 9.5])
def test_the_time_in_which_libpri_notices_a_lost_line_is_one_that_the_model_may_take(rest: float) -> None:
    lost = POLLED - rest
    (seen,) = play([[*BOTH_START, Step(lost, "connect"), Step(20.0)]])
    model = Q921()
    noticed = seen.at("primary", "down") - lost
    assert noticed == pytest.approx(rest + model.tries * model.t200, abs=NEAR)
    assert model.rest_of_t203.least + 4.0 <= noticed <= model.rest_of_t203.most + 4.0


@pytest.mark.parametrize("away", [0.5, 3.0, 5.0, 5.8])
def test_a_line_that_is_back_before_the_last_poll_keeps_its_link(away: float) -> None:
    story = (*BOTH_START, Step(QUIET, "connect"), Step(away, "connect", "primary"), Step(20.0))
    seen = both(*story)
    assert seen.none_after(2.0)
    assert seen.works
    assert carries(play([[*story, Step(0.0, "restart channel", "primary"), Step(1.0)]])[0])


@pytest.mark.parametrize(("away", "up"), [(6.2, 6.9), (8.2, 8.9), (9.2, 9.9), (10.2, 11.9), (13.2, 13.9)])
def test_a_line_that_is_back_later_comes_up_again_after_it_went_down(away: float, up: float) -> None:
    seen = both(*BOTH_START, Step(QUIET, "connect"), Step(away, "connect", "primary"), Step(10.0))
    down = seen.at("down")
    assert down - QUIET == pytest.approx(6.9, abs=NEAR)
    assert seen.at("up", after=down) - QUIET == pytest.approx(up, abs=NEAR)
    assert seen.works


def test_the_other_pbx_comes_up_with_its_own_next_sabme() -> None:
    seen = both(*BOTH_START, Step(QUIET, "connect", "secondary"), Step(20.0))
    assert seen.at("up", "secondary") == pytest.approx(30.0, abs=NEAR)
    assert seen.at("down") - QUIET == pytest.approx(6.9, abs=NEAR)


def test_a_restarted_link_is_up_at_once() -> None:
    seen = both(*BOTH_START, Step(QUIET, "attach", "primary"), Step(5.0))
    assert seen.at("up", after=QUIET) == pytest.approx(QUIET, abs=NEAR)
    assert seen.works


@pytest.mark.parametrize("away", [0.5, 2.0, 4.4, 5.8, 8.2])
@pytest.mark.parametrize("numbered_frames", [0, 1])
def test_the_model_of_a_move_there_and_back_is_never_kinder_than_libpri(
    away: float, numbered_frames: int
) -> None:
    """Before the move a frame with a number was sent or not; 2 s after it the PBX wants to use its link."""
    talk = [Step(0.1, "restart channel", "primary")] * numbered_frames
    moved = QUIET - 0.1 * numbered_frames
    story = (
        *BOTH_START,
        *talk,
        Step(moved, "connect", "secondary"),
        Step(away, "connect", "primary"),
        Step(2.0, "restart channel", "primary"),
        Step(0.5),
    )
    seen = both(*story)
    acknowledged = seen.libpri.of("primary").count("restart ack") > numbered_frames
    assert acknowledged or not seen.works


def test_a_ghost_ends_by_itself_where_the_exchange_is_libpri_and_the_model_takes_the_worst() -> None:
    story = (
        *BOTH_START,
        Step(QUIET, "restart channel", "primary"),
        Step(1.0, "connect", "secondary"),
        Step(4.4, "connect", "primary"),
        Step(20.0),
    )
    seen = both(*story)
    back = QUIET + 1.0 + 4.4
    down, up = seen.libpri.at("primary", "down"), seen.libpri.at("primary", "up", 10.0)
    assert back < down < up < back + Q921().believes
    assert not seen.works
