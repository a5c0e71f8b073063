"""Small questions the node tests ask of a running pair."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from hwsim.nodes import Node


async def reaches(node: Node, address: str, patience: float = 1.0) -> bool:
    """True when `address` answers within `patience` seconds: nothing listens on port 9, so it refuses."""
    knock = ["timeout", str(patience), "bash", "-c", f"exec 3<>/dev/tcp/{address}/9"]
    result = await node.run(knock, patience + 5)
    if result.code == 124:  # timeout(1)
        return False
    assert "refused" in result.err, result
    return True


async def until(condition: Callable[[], bool], what: str, deadline: float = 5.0) -> None:
    """Poll for an event."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"{what} did not come in {deadline:g} s"
        await asyncio.sleep(0.005)
