"""The kinds of violation that today's controller is known to commit: a list that only ever grows shorter.

The campaign counts them, shows them, and does not fail for them. A kind that is mended is taken out here, and from then
on a single seed that ends so fails the campaign.
"""

from __future__ import annotations

from hwsim.virtual.audit import Kind

# One seed in some thousands of each (seeds 4875 and 2203).
KNOWN_VIOLATIONS: frozenset[Kind] = frozenset(
    {
        Kind.TWO,  # a node stood still, and lost its agent, its engine and the file of its grant before it went on
        Kind.APART,  # a card that never answers, a firewall between the nodes, and then all cables out for a moment
    }
)
