"""The wire that an interface goes through."""

from __future__ import annotations

from appliance.net.links import NetLink, wire_of

LINKS = {
    "eth0": NetLink("eth0", True),
    "eth0.5": NetLink("eth0.5", True, "eth0"),
    "lan": NetLink("lan", True, "eth0.5"),
    "a": NetLink("a", True, "b"),
    "b": NetLink("b", True, "a"),
}


def test_the_wire_is_the_lowest_interface() -> None:
    assert [wire_of(name, LINKS) for name in ("eth0", "eth0.5", "lan", "eth9")] == [
        "eth0",
        "eth0",
        "eth0",
        "eth9",
    ]
    assert wire_of("a", LINKS) in ("a", "b")
