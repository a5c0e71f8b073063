"""One rack for a test module, as its SITE says; the module's async tests play on it in turn."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from pair_on_rack import Pair

from hwsim.nodes.engines import ENGINES, Engine
from hwsim.site import Site


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The module's pair. A module with SERIAL has a null-modem cable at /dev/ttyS9 of both nodes, and
    the tests of one with DEADLINE may take that many seconds each.

    A module with ENGINES plays all its tests on each of them, on a rack of its own.
    """
    site: Site = request.module.SITE
    wanted = request.config.getoption("--engine")
    engine: Engine = getattr(request, "param", ENGINES[wanted] if wanted else site.engine)
    options = {"serial": "SERIAL", "deadline": "DEADLINE"}
    given = {
        name: getattr(request.module, word) for name, word in options.items() if hasattr(request.module, word)
    }
    rack = Pair(site.with_engine(engine), **given)
    try:
        rack.up()
        yield rack
    finally:
        rack.down()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have each test of a module with ENGINES played on the module's pair of each."""
    engines = getattr(metafunc.module, "ENGINES", ())
    if engines and "pair" in metafunc.fixturenames:
        names = [engine.name for engine in engines]
        metafunc.parametrize("pair", engines, ids=names, indirect=True, scope="module")


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
