"""The line as a witness for whether the secondary may act while its peer is silent.

A silent peer and a line that arrived here mean that the primary is down; a silent peer and a line that has
not arrived mean that the primary still holds it. HAWITNESS says what to do. Part of `transfer`.
"""

from __future__ import annotations

from appliance.core.model import Line, Node
from appliance.core.reading import Unknown, is_known
from appliance.core.transfer import Seen, Transfer, Witness, arrived, doubted_because


def holds_back(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether the secondary must not start yet.

    A silent peer and a line that has not arrived mean that the primary still holds the line.
    """
    policy = transfer.policy
    if policy.node is Node.PRIMARY or policy.witness is Witness.OFF or not policy.has_line:
        return False
    if arrived(seen.line) or is_known(seen.peer.alive, True):
        return False
    return policy.witness is Witness.REQUIRE or now - transfer.began < policy.witness_wait


def why_held_back(transfer: Transfer, seen: Seen) -> str:
    """Return the sentence that tells people why the secondary is held back."""
    if isinstance(seen.line, Unknown) or seen.line.value is Line.UNVERIFIABLE:
        return _why_unseen(transfer.policy.witness, doubted_because(seen.line))
    if transfer.policy.witness is Witness.PREFER:
        return "the peer is silent and the line has not arrived: waiting HAWITNESSWAIT before acting"
    return (
        "the peer is silent and the line has not arrived, so it still holds the line: HAWITNESS=REQUIRE "
        "keeps Asterisk stopped here until the line arrives. Power off the primary to free it"
    )


def _why_unseen(witness: Witness, why: str) -> str:
    """Return the sentence for a line of which nobody can say whether it arrived.

    Such a line is never taken for one that has arrived.
    """
    if witness is Witness.PREFER:
        return (
            f"the peer is silent, and nobody can say whether the line arrived: waiting HAWITNESSWAIT ({why})"
        )
    return (
        "the peer is silent, and nobody can say whether the line arrived, so HAWITNESS=REQUIRE keeps Asterisk stopped "
        f"here: {why}. Where the line cannot be verified, use HAWITNESS=PREFER or OFF"
    )
