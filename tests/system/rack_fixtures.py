"""One rack for a test module, as its SITE says; the module's async tests play on it in turn.

On which engine a module is played:

- One with ENGINES is played on each of them, on a rack of its own.
- One whose SITE names its engine, or has a second one installed, is about just that and is played as its SITE says.
- Any other is true of every engine. It is played on Heartbeat, or on the engine that `--engine` names.

With `--engine NAME` nothing else is played than what is played on that engine. A single test that is about one of its
module's engines is marked `engine("pacemaker")`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes.engines import ENGINES, Engine
from hwsim.site import Site


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The module's pair. A module with SERIAL has a null-modem cable at /dev/ttyS9 of both nodes, and
    the tests of one with DEADLINE may take that many seconds each.
    """
    site: Site = request.module.SITE
    engine: Engine = getattr(request, "param", None) or _engine(request.module, request.config)
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


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine(name): a test that is about this one of its module's engines")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have each test of a module with ENGINES played on the module's pair of each."""
    engines = getattr(metafunc.module, "ENGINES", ())
    if engines and "pair" in metafunc.fixturenames:
        names = [engine.name for engine in engines]
        metafunc.parametrize("pair", engines, ids=names, indirect=True, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out each test on a rack that is about another engine than the one it would be played on."""
    left_out = [item for item in items if not _is_played(item, config)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


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


def _is_played(item: pytest.Item, config: pytest.Config) -> bool:
    wanted = config.getoption("--engine")
    if not isinstance(item, pytest.Function) or "pair" not in item.fixturenames:
        return not wanted
    played = item.callspec.params["pair"] if hasattr(item.module, "ENGINES") else _engine(item.module, config)
    mark = item.get_closest_marker("engine")
    return wanted in (None, played.name) and (mark is None or mark.args == (played.name,))


def _engine(module: ModuleType, config: pytest.Config) -> Engine:
    """Return the engine that a module without ENGINES is played on."""
    site: Site = module.SITE
    wanted = config.getoption("--engine")
    names_its_own = site.others or site.engine is not PAIR_SITE.engine
    return site.engine if names_its_own or not wanted else ENGINES[wanted]
