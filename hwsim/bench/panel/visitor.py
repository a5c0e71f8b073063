"""A browser on a node that prints JSON.

Run there: `python -m hwsim.bench.panel.visitor login|keep|looks …`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hwsim.bench.panel.page import connection, first_login, look

NAME, PASSWORD = "olga", "correct horse battery"
# The panel's own view is at most half a second old: each look comes later than that, so that the panel asks
# again.
_APART = 0.7


def login(code: str) -> str:
    """Return the cookie of the first operator's session."""
    server = connection()
    try:
        return first_login(server, code, NAME, PASSWORD)
    finally:
        server.close()


def keep(cookie: str, directory: str) -> tuple[float, float, int]:
    """Store the parts of the page below `directory`, for another server to serve.

    Returns the seconds to the first byte, the seconds to the whole page, and the bytes.
    """
    server = connection()
    seen = look(server, cookie)
    server.close()
    for path, body in seen.parts.items():
        place = Path(directory) / (path.partition("?")[0].lstrip("/") or "index.html")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    return seen.first, seen.whole, seen.size


def looks(cookie: str, tries: str, peer: str = "") -> dict[str, list[tuple[float, float]]]:
    """Look `tries` times over a new connection ("new"), each followed by one over the same ("kept").

    Beside each, look at the server on the port `peer`, if named ("peer"). Each look gives the seconds to the
    first byte and to the whole page.
    """
    found: dict[str, list[tuple[float, float]]] = {"new": [], "kept": [], "peer": []}
    for _ in range(int(tries)):
        server = connection()
        for kind in ("new", "kept"):
            time.sleep(_APART)
            seen = look(server, cookie)
            found[kind].append((seen.first, seen.whole))
        server.close()
        if peer:
            other = connection(int(peer))
            seen = look(other)
            found["peer"].append((seen.first, seen.whole))
            other.close()
    return found


def main() -> None:
    """Run the verb on the command line."""
    verb, *words = sys.argv[1:]
    verbs: dict[str, Callable[..., object]] = {"login": login, "keep": keep, "looks": looks}
    print(json.dumps(verbs[verb](*words)))


if __name__ == "__main__":
    main()
