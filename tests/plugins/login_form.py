"""What a browser does with a form of the panel: it brings the hidden field back."""

from __future__ import annotations

import re


def hidden_in(page: str) -> str:
    """The hidden field by which a form shows that it is ours; "" when there is none."""
    found = re.search(r'name="csrf" value="([^"]*)"', page)
    return found[1] if found else ""
