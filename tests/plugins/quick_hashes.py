"""Hashes of passwords without their price, which is for its own test to look at."""

from __future__ import annotations

import pytest

from appliance.panel.auth import passwords


def make_hashes_quick(patch: pytest.MonkeyPatch) -> None:
    """Until `patch` is undone, a hash takes a millisecond; the hash that an unknown name is compared with, too."""
    patch.setattr(passwords, "_METHOD", "scrypt:1024:8:1")
    patch.setattr(passwords, "_NOBODYS", passwords.hash_of("nobody's"))
