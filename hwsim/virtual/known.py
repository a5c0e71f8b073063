"""The kinds of violation that today's controller is known to commit: a list that only ever grows shorter.

The campaign counts them, shows them, and does not fail for them. A kind that is mended is taken out here, and from then
on a single seed that ends so fails the campaign.
"""

from __future__ import annotations

from hwsim.virtual.audit import Kind

KNOWN_VIOLATIONS: frozenset[Kind] = frozenset(
    {
        Kind.TWO,  # started apart: each waits for Heartbeat, which does nothing for ever
        Kind.TWO_UNSAID,  # apart, with telephones that reach both
        Kind.NOBODY_UNSAID,  # both stand by and wait for each other's Heartbeat
        Kind.NOBODY_HALF_SAID,  # the standby says nothing when the service that it does not see is gone
        Kind.NEVER_WHOLE,  # where one of these stays after everything is repaired
        Kind.APART,  # two that serve for ever never bring their messages together
    }
)
