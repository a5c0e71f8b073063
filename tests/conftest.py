"""Options of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--card",
        metavar="TTY",
        help="also run the relay card's conformance suite on the real card at TTY (moves its relay!)",
    )
