"""Each module of this folder has one rack, as its SITE says; its async tests play on it in turn."""

from __future__ import annotations

from rack_fixtures import (
    pair,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_generate_tests,
    pytest_pyfunc_call,
)

__all__ = [
    "pair",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_pyfunc_call",
]
