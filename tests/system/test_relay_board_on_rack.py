"""A relay board instead of the Rhino card: the pair keeps its promises, and a register is not taken for the line."""

from __future__ import annotations

from dataclasses import replace

from pair_on_rack import PAIR_SITE, Pair
from test_card_faults_live import transfer_says

from hwsim.card.board import BoardFault
from hwsim.card.boards import SerialBoard
from hwsim.site import Site

SITE = replace(PAIR_SITE, profile=Site().profile, relay="lcus-text").with_conf(
    {"CARDDEADLINE": "1", "LINEDEADLINE": "5500ms"}
)


async def test_the_line_goes_with_service_and_comes_back(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    await pair.move("takeover", to="secondary")
    await pair.move("takeover", to="primary")
    seen = pair.rack.history.happenings
    moves = [one.side for one in seen if one.kind == "relay" and one.at >= began]
    assert moves == ["secondary", "primary"]


async def test_a_board_without_coil_power_says_that_it_did_and_is_not_believed(pair: Pair) -> None:
    await pair.home()
    await pair.away()
    board = pair.rack.card
    assert isinstance(board, SerialBoard)
    board.board_faults.add(BoardFault.NO_COIL_POWER)
    began = pair.rack.now()
    try:
        await pair.stage.ask(pair.primary, "takeover")
        status = await pair.until_status(
            "primary", transfer_says("blocked", "the relay is stuck"), "it is stuck"
        )
        assert status["relay"]["commanded"]["value"] == "energised"
        assert not pair.rack.in_service("primary")
        await pair.served(began, "secondary")
        await pair.until_status("primary", lambda status: status["role"] == "standby", "it is on standby")
    finally:
        board.board_faults.clear()
