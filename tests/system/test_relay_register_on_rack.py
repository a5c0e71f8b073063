"""A relay board whose register contradicts what it was told: the pair puts it right, says so, and fights nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pair_on_rack import PAIR_SITE, Pair

from hwsim.card.boards import SerialBoard
from hwsim.site import Site

SITE = replace(PAIR_SITE, profile=Site().profile, relay="lcus-text").with_conf(
    {"CARDDEADLINE": "1", "LINEDEADLINE": "5500ms", "LINEDWELL": "3", "RELAYCONTACTS": "1,2"}
)


def register_says(word: str, times: int) -> Any:
    """Return the check of a status: what the register says, and how often the relay was commanded again."""
    return lambda status: (
        status["relay"]["register"] == {"value": word, "why": _WHY}
        and (status["relay"]["put_right"] == times)
    )


_WHY = "its register, not its contacts"


async def test_a_board_that_is_reset_while_its_node_serves_gives_the_line_back_within_seconds(
    pair: Pair,
) -> None:
    await pair.home()
    board = pair.rack.card
    assert isinstance(board, SerialBoard)
    await pair.until_status("primary", register_says("energised", 0), "the register agrees")
    began = pair.rack.now()
    board.forget()
    await pair.until_status("primary", register_says("energised", 1), "it is commanded again")
    await pair.until(
        lambda: pair.rack.history.first("in_service", "primary", began) is not None, "the line is back"
    )
    back = pair.rack.history.first("in_service", "primary", began)
    assert back is not None
    assert back - began < 15.0
    seen = pair.rack.history.happenings
    assert [one.side for one in seen if one.kind == "relay" and one.at >= began] == ["secondary", "primary"]
    said = (await pair.primary.asha("status")).output
    assert "only the line says; commands given again in 10 min: 1" in said
    told = (await pair.primary.asha("events")).output
    assert "released although it was told to energise" in told and "it is energised again" in told


async def test_a_relay_that_somebody_else_energises_beside_a_node_that_serves_is_released(pair: Pair) -> None:
    await pair.home()
    await pair.away()
    board = pair.rack.card
    assert isinstance(board, SerialBoard)
    await pair.until_status("primary", register_says("released", 0), "the register agrees")
    pair.watchman.grace = 12.0
    began = pair.rack.now()
    for place in range(len(board.registers)):
        board.set(place, on=True)
    await pair.until_status("primary", register_says("released", 1), "it is released")
    seen = pair.rack.history.happenings
    assert [one.side for one in seen if one.kind == "relay" and one.at >= began][:2] == [
        "primary",
        "secondary",
    ]
    told = (await pair.primary.asha("events")).output
    assert "energised although it was told to release: somebody else has moved it" in told


async def test_a_line_of_which_somebody_moves_one_contact_is_released_as_a_whole_and_energised_again(
    pair: Pair,
) -> None:
    await pair.home()
    board = pair.rack.card
    assert isinstance(board, SerialBoard)
    before = await pair.until_status(
        "primary", lambda status: status["relay"]["register"]["value"] == "energised", "it agrees"
    )
    times, began = before["relay"]["put_right"], pair.rack.now()
    board.set(1, on=False)
    await pair.until_status("primary", register_says("energised", times + 1), "it is commanded again")
    seen = pair.rack.history.happenings
    assert [one.side for one in seen if one.kind == "relay" and one.at >= began] == ["secondary", "primary"]
    assert board.registers[:2] == [True, True]
    told = (await pair.primary.asha("events")).output
    assert "all are released, and then energised again" in told
