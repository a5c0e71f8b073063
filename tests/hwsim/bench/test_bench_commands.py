"""The table of how long commands take."""

from __future__ import annotations

from hwsim.bench.commands import MOST_SECONDS, table
from hwsim.bench.spread import Spread


def test_a_command_that_takes_too_long_is_marked_by_its_median() -> None:
    quick, slow = Spread(0.1, MOST_SECONDS, 0.9, 10), Spread(0.1, MOST_SECONDS + 0.001, 0.3, 10)
    first, second = table({"status": quick, "check --help": slow}, 10).splitlines()[2:]
    assert first == "| `asha status` | 0.100 / **0.200** / 0.900 |  |"
    assert second == "| `asha check --help` | 0.100 / **0.201** / 0.300 | more than 0.2 |"
