"""A killed rack leaves nothing, and a live one is left alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from hwsim.nodes import RackError, pair, rack_dir
from hwsim.nodes.cleanup import leftovers, remove

RACK = """
import asyncio
from hwsim.nodes import pair
async def main():
    async with pair() as rack:
        await rack.boot()
        await rack.primary.spawn(["sleep", "1002"], rack.primary.boot_log)
        await rack.secondary.freeze()
        print(rack.network.prefix, rack.primary.init, rack.secondary.init, flush=True)
        await asyncio.sleep(1000)
asyncio.run(main())
"""


def remains(prefix: str) -> list[str]:
    """Everything on the host that carries the prefix."""
    places = (Path("/run/netns"), *Path("/sys/fs/cgroup").rglob("asha-*"), rack_dir(prefix))
    names = [str(place) for top in places if top.exists() for place in (top, *top.iterdir())]
    return [name for name in names if prefix in name]


def runs(pid: str) -> bool:
    """A zombie, waiting for the host's init to bury it, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def test_a_killed_rack_leaves_nothing_after_cleanup() -> None:
    rack = subprocess.Popen([sys.executable, "-c", RACK], stdout=subprocess.PIPE, text=True)
    assert rack.stdout is not None
    prefix, *inits = rack.stdout.readline().split()
    assert prefix not in leftovers()
    with pytest.raises(RackError, match="is running"):
        remove(prefix)
    rack.kill()
    rack.communicate()
    assert prefix in leftovers()
    assert remains(prefix)
    cleaned = subprocess.run(
        [sys.executable, "-m", "hwsim.nodes.cleanup"], capture_output=True, text=True, check=True
    )
    assert cleaned.stderr == ""
    assert prefix in cleaned.stdout
    assert remains(prefix) == []
    assert not any(runs(init) for init in inits)
    remove(prefix)  # again: harmless


def test_a_rack_that_ends_well_leaves_nothing() -> None:
    async def scenario() -> str:
        async with pair() as rack:
            await rack.boot()
            assert remains(rack.network.prefix)
            return rack.network.prefix

    assert remains(asyncio.run(scenario())) == []


def test_up_and_down_can_be_repeated() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            await rack.network.up()
            await rack.primary.boot()
            assert (await rack.primary.run(["true"])).ok
            await rack.primary.close()
            await rack.network.down()
            await rack.network.down()

    asyncio.run(scenario())
