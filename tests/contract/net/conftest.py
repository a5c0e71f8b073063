"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from machine import MAC, Machine, enter_namespace


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    """Two machines on one cable; each has eth0, up, with an address of its own."""
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        a, b = (Machine(pool, pool.submit(enter_namespace).result()) for pool in (one, two))
        a.ip(f"link add eth0 address {MAC['a']} type veth peer name eth0 address {MAC['b']} netns {b.thread}")
        for number, machine in enumerate((a, b), start=1):
            machine.ip(f"addr add 192.0.2.{number}/24 dev eth0")
            machine.ip("link set eth0 up")
        yield a, b
