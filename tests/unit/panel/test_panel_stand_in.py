"""The stand-in says what a real agent says: its status document has the same keys all the way down."""

from __future__ import annotations

from typing import Any

from appliance.agent.blank import blank_document
from tests.plugins.agent_stand_in import STATUS

# Of these the keys depend on the site, or on what happened.
_FREE = {
    "links",
    "permits",
    "names",
    "probes",
    "problems",
    "transfer",
    "maintenance",
    "spans",
    "errand",
    "agent",
}


def keys(document: Any, at: str = "") -> set[str]:
    """Every key with its way, `peer.alive.why`."""
    if not isinstance(document, dict):
        return set()
    found = set()
    for name, value in document.items():
        found.add(f"{at}{name}")
        if name not in _FREE:
            found |= keys(value, f"{at}{name}.")
    return found


def test_it_has_the_keys_of_the_real_document() -> None:
    real = blank_document("pbx1", "it is not set up", "pbx1", "pbx2")
    ours, theirs = keys(STATUS), keys(real)
    # A reading that a blank document has not got at all, ours has with its two keys, and the reverse.
    loose = {"line", "relay.card", "relay.commanded"}
    differing = {key for key in ours ^ theirs if key.rsplit(".", 1)[0] not in loose}
    assert differing == set()
