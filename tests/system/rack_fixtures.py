"""One rack for a test module, as its SITE says; the module's async tests play on it in turn."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from pair_on_rack import Pair


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The module's pair. A module with SERIAL has a null-modem cable at /dev/ttyS9 of both nodes."""
    rack = Pair(request.module.SITE, serial=getattr(request.module, "SERIAL", False))
    try:
        rack.up()
        yield rack
    finally:
        rack.down()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """An async test is played on its module's rack; what helps to understand its failure is kept."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    logs = Path(pyfuncitem.config.rootpath) / "out" / "system" / pyfuncitem.name
    pyfuncitem.funcargs["pair"].play(pyfuncitem.obj(**arguments), logs)
    return True
