"""Figures of the security tests: a test counts what it tried, and the run ends with the sums.

Loaded with `-p tests.plugins.security_figures`. A figure travels as a property of the test's report, so that it
reaches the end of the run from the worker processes of pytest-xdist too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

_MARK = "figure: "
_sums: Counter[str] = Counter()

Count = Callable[[str, int], None]


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Add `number` to the figure `name`, such as `count("commands tried at the gate", 5000)`.

    What got through, or was lost, is a figure too: it is printed even when it is 0.
    """

    def add(name: str, number: int) -> None:
        record_property(_MARK + name, int(number))  # a truth value counts as one or none

    return add


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what one test counted."""
    if report.when == "teardown":
        for name, number in report.user_properties:
            if name.startswith(_MARK):
                _sums[name.removeprefix(_MARK)] += int(str(number))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums, in the order of their names."""
    if _sums:
        terminalreporter.section("what was tried")
        for name in sorted(_sums):
            terminalreporter.write_line(f"{_sums[name]:>12,}  {name}")
