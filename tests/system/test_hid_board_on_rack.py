"""A HID relay board instead of the Rhino card: reached by hidraw's ioctls, found again under another number."""

from __future__ import annotations

from dataclasses import replace

from pair_on_rack import PAIR_SITE, Pair
from test_card_faults_live import transfer_says

from hwsim.card.card import Fault
from hwsim.site import Site

SITE = replace(PAIR_SITE, profile=Site().profile, relay="dcttech").with_conf(
    {"CARDDEADLINE": "1", "LINEDEADLINE": "5500ms"}
)


async def test_renumbered_while_active(pair: Pair) -> None:
    await pair.home()
    for name in ("hidraw3", "hidraw0"):
        began = pair.rack.unplug_card()
        pair.rack.plug_card(name)
        await pair.until(
            lambda began=began: pair.rack.history.first("in_service", "primary", began) is not None,  # type: ignore[misc]
            "the line comes back",
        )
        status = await pair.until_status("primary", lambda status: status["role"] == "active", "it is active")
        assert status["relay"]["place"] == f"/dev/{name}"
    listed = await pair.primary.asha("relay", "list")
    assert (
        "/dev/hidraw0  16c0:05df at port 1-2  fits: dcttech (documented)  <- of the conf file"
        in listed.output
    )


async def test_a_board_that_hangs_in_the_kernel_holds_up_nothing_but_its_line(pair: Pair) -> None:
    await pair.home()
    await pair.away()
    began = pair.rack.now()
    pair.rack.card.faults.add(Fault.DEAF)
    try:
        await pair.stage.ask(pair.primary, "takeover")
        await pair.until_status(
            "primary",
            transfer_says("blocked", "the relay could not be energised"),
            "why the line does not come",
        )
        await pair.served(began, "secondary")
    finally:
        pair.rack.card.faults.clear()
    await pair.until_status("primary", lambda status: status["role"] == "standby", "it is on standby")
