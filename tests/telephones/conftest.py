"""What telephones see of a pair of real Asterisks; racks and nodes as in tests/system."""

from __future__ import annotations

from rack_fixtures import pair, pytest_pyfunc_call

__all__ = ["pair", "pytest_pyfunc_call"]
