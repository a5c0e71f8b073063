"""In a node's machine: what the product reads of the real DAHDI, told at each change, beside what dahdi_scan says."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from appliance.core.reading import Known
from appliance.dahdi.alarms import from_words
from appliance.dahdi.line import read_line
from appliance.dahdi.span import Span
from appliance.dahdi.spans import read_spans

_TURN = 0.05  # seconds
_ROOT = Path("/")
_NAME, _DESCRIPTION = 19, 39  # characters that SPANSTAT has room for


def scanned() -> list[tuple[str, str, str, int, int]]:
    """What dahdi_scan says: number, name, description, alarms and channels of each span."""
    done = subprocess.run(["dahdi_scan"], capture_output=True, text=True, check=False, timeout=20)
    found = []
    for part in done.stdout.split("[")[1:]:
        number, _, rest = part.partition("]\n")
        values = dict(line.split("=", 1) for line in rest.splitlines() if "=" in line)
        alarms = from_words(values["alarms"]).value
        found.append((number, values["name"], values["description"], alarms, int(values["totchans"])))
    return found


def ours(spans: tuple[Span, ...]) -> list[tuple[str, str, str, int, int]]:
    """The same as the product reads it, from /proc too, where no name is cut off."""
    return [
        (
            str(span.number),
            span.name[:_NAME],
            span.description[:_DESCRIPTION],
            span.alarms.value,
            len(span.channels),
        )
        for span in spans
    ]


def main() -> None:
    last = ""
    while True:
        seen = read_spans(_ROOT, time.monotonic())
        line = read_line(seen, (), time.monotonic())
        words = line.value.value if isinstance(line, Known) else f"unknown: {line.reason}"
        if words != last and isinstance(seen, Known):
            print(f"lab: reader {words}", flush=True)
            tool, own = scanned(), ours(seen.value)
            print(
                f"lab: dahdi_scan {'agrees' if tool == own else f'says {tool}, the reader {own}'}", flush=True
            )
            last = words
        time.sleep(_TURN)


if __name__ == "__main__":
    main()
