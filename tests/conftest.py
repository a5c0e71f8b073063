"""Options of the whole suite, and the signals its programs start with."""

from __future__ import annotations

import gc
import signal

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's affair: what is slow beside a busy neighbour is no fault of the product.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For `make unit`, which is run after every change; `make test` tries the usual hundred.
settings.register_profile("few examples", settings.get_profile("any machine"), max_examples=20)
settings.load_profile("any machine")


pytest_plugins = ["tests.plugins.own_machine"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--card",
        metavar="TTY",
        help="also run the relay card's conformance suite on the real card at TTY (moves its relay!)",
    )
    parser.addoption(
        "--long",
        action="store_true",
        help="play the random tests of killed passes and merges for minutes each, as make test-long does",
    )
    parser.addoption(
        "--engine",
        metavar="NAME",
        help="play the tests on a rack on this engine, heartbeat or pacemaker, where they do not name theirs",
    )


def pytest_configure() -> None:
    # A suite that runs in a shell's background, or under nohup, is started with these ignored, and so would be
    # every program that it tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    # Thousands of collected tests stay to the end: looking through them again and again finds nothing to free.
    gc.collect()
    gc.freeze()
