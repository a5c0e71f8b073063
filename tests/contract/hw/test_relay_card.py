"""Every driver keeps the promises of RelayCard: on the simulated card, and with --card=TTY on a real one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from card_bench import CardBench
from relay_card_suite import await_position, check_relay_card

from appliance.config import Conf, load
from appliance.core.model import Relay
from appliance.host.clock import SystemClock
from appliance.host.paths import CONF
from appliance.hw.drivers import RHINO_DRIVERS, open_card

SIMULATED = "simulated"
each_driver = pytest.mark.parametrize("driver", [driver.name for driver in RHINO_DRIVERS])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A real card joins only when it is named; its tool, profile and relay are those of /etc/asha.conf."""
    if "tty" in metafunc.fixturenames:
        given = metafunc.config.getoption("--card")
        metafunc.parametrize("tty", [SIMULATED, given] if given else [SIMULATED])


@each_driver
def test_conformance(bench: CardBench, driver: str, tty: str) -> None:
    if tty == SIMULATED:
        check_relay_card(lambda: bench.open(card_driver=driver), bench.observe)
    else:
        conf = replace(load() if CONF.exists() else Conf(), card_tty=Path(tty), card_driver=driver)
        check_relay_card(
            lambda: open_card(conf, SystemClock(), store=bench.store, lock=bench.lock), lambda: None
        )


@each_driver
def test_only_the_configured_relay_moves(bench: CardBench, driver: str) -> None:
    bench.open(card_driver=driver, card_relay=1).move(Relay.ENERGISED)
    await_position(lambda: bench.observe(1), Relay.ENERGISED)
    assert bench.observe(0) is Relay.RELEASED
