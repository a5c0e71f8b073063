from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from card_bench import CardBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[CardBench]:
    bench = CardBench(tmp_path)
    yield bench
    bench.close()
