"""The page of the relays beside each other."""

from __future__ import annotations

from appliance.core.relay_facts import RELAYS
from hwsim.bench.plays import Played, Plays
from hwsim.bench.relays import COMMAND, RHINO, contenders, page, rows
from hwsim.bench.rounds import Seen

ABOUT = dict.fromkeys(("cores", "kernel", "architecture", "heartbeat"), "x")


def test_each_kind_of_relay_that_asha_drives_is_played_once_beside_the_rhino_card() -> None:
    first, *others = contenders()
    assert first.name == RHINO and first.site.relay == ""
    assert [one.site.relay for one in others] == [one.name for one in others]
    makers = [
        {facts.title.split()[0] for facts in some}
        for some in ([RELAYS[one.name] for one in others], RELAYS.values())
    ]
    assert makers[0] == makers[1] and len(makers[0]) == len(others), "each maker's board once"


def test_the_page_compares_each_relay_with_the_rhino_card() -> None:
    killed = rows()[0]
    some = {**dict.fromkeys(killed.figures, 1.0), COMMAND: 0.02}
    seen = {RHINO: Seen(some, "t", 1.0), "dcttech": Seen({**some, COMMAND: 0.01}, "t", 1.0)}
    text = page(contenders(), Plays([Played(killed.name, who, 1, one) for who, one in seen.items()]), ABOUT)
    assert "| dcttech | 0.01 / **0.01** / 0.01 (0.50) | 1.00 / **1.00** / 1.00 (1.00) |" in text
    assert "| rhino | 0.02 / **0.02** / 0.02 | 1.00" in text
    assert text.count("| berofos | - |") == len(rows())
