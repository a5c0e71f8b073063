"""What an attacker, a spoilt disk or foreign data do to the product; racks and nodes as in tests/system."""

from __future__ import annotations

from rack_fixtures import pair, pytest_configure, pytest_pyfunc_call

__all__ = ["pair", "pytest_configure", "pytest_pyfunc_call"]
