"""The kinds of violation that today's controller is known to commit: a list that only ever grows shorter.

The campaign counts them, shows them, and does not fail for them. A kind that is mended is taken out here, and from then
on a single seed that ends so fails the campaign.
"""

from __future__ import annotations

from hwsim.virtual.audit import Kind

KNOWN_VIOLATIONS: frozenset[Kind] = frozenset()
