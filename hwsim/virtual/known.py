"""The kinds of violation that today's controller is known to commit: a list that only ever grows shorter.

The campaign counts them, shows them, and does not fail for them. A kind that is mended is taken out here, and from then
on a single seed that ends so fails the campaign.
"""

from __future__ import annotations

from hwsim.virtual.audit import Kind

KNOWN_VIOLATIONS: frozenset[Kind] = frozenset(
    {
        Kind.TWO,  # one deaf direction: the node that hears the other one serve lets go of nothing
        Kind.NOBODY_UNSAID,  # the LAN and the cluster address are not looked at
        Kind.NOBODY_HALF_SAID,  # the same where the other node has something else to tell
        Kind.NEVER_WHOLE,  # an address that was taken away stays away; a grant that was given up stays for ever
    }
)
