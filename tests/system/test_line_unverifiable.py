"""A pair whose spans say nothing of the line: dahdi_cfg never ran. Nothing waits for ever, and all of it is shown."""

from __future__ import annotations

from dataclasses import replace

from pair_on_rack import PAIR_SITE, Pair

from hwsim.dahdi.cards import R1T1
from hwsim.site import Site

# The witness is asked, and cannot tell: the secondary waits HAWITNESSWAIT, and then acts.
SITE = replace(PAIR_SITE, profile=Site().profile, cards=(replace(R1T1, set_up=False),)).with_conf(
    {"HAWITNESS": "PREFER", "HAWITNESSWAIT": "2"}
)
WHY = "span 1 (R1T1/0): dahdi_cfg has not set up its channels, so nothing goes over it; run dahdi_cfg"
NOBODY = "nobody can say whether the line is here"


async def test_a_transfer_ends_unverifiable_and_says_what_to_do(pair: Pair) -> None:
    await pair.home()
    status = await pair.until_status(
        "primary", lambda status: status["transfer"]["phase"] == "unverifiable", "the transfer has ended"
    )
    assert status["line"]["value"] == "unverifiable"
    assert WHY in status["line"]["why"]
    assert any(NOBODY in problem and WHY in problem for problem in status["problems"])
    said = await pair.primary.asha("status")
    assert WHY in said.output, said
    checked = await pair.primary.asha("check")
    assert f"unverifiable: {WHY}" in checked.output, checked
    # The standby is not held back by it: the state is one of seeing, not of serving.
    standby = await pair.until_status(
        "secondary", lambda status: status["role"] == "standby", "it is on standby"
    )
    assert standby["fit"] is True
    assert standby["line"]["value"] == "unverifiable"


async def test_the_witness_never_takes_it_for_a_line_that_arrived(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    pair.rack.power_off("primary")
    await pair.until_status("secondary", lambda status: status["granted"], "the secondary is granted")
    waiting = await pair.until_status(
        "secondary",
        lambda status: "nobody can say whether the line arrived" in status["headline"],
        "it waits",
    )
    assert waiting["pbx"]["state"]["value"] == "dead"
    status = await pair.until_status(
        "secondary", lambda status: status["transfer"]["phase"] == "unverifiable", "it has taken service"
    )
    assert pair.rack.now() - began >= 2.0
    assert any(NOBODY in problem for problem in status["problems"])
    assert status["pbx"]["state"]["value"] == "running"
    assert pair.rack.asterisk_runs("secondary")
