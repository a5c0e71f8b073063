"""A browser on a node. Run there: `python -m hwsim.bench.panel.visitor login|keep|looks …`; prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hwsim.bench.panel.page import connection, first_login, look

NAME, PASSWORD = "olga", "correct horse battery"
# The panel's own view is at most half a second old: each look is to make it look anew.
_APART = 0.7


def login(code: str) -> str:
    """The cookie of the first operator's session."""
    server = connection()
    try:
        return first_login(server, code, NAME, PASSWORD)
    finally:
        server.close()


def keep(cookie: str, directory: str) -> tuple[float, float, int]:
    """Put what a page is made of below `directory`, for another server to serve. First byte, whole page, bytes."""
    server = connection()
    seen = look(server, cookie)
    server.close()
    for path, body in seen.parts.items():
        place = Path(directory) / (path.partition("?")[0].lstrip("/") or "index.html")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    return seen.first, seen.whole, seen.size


def looks(cookie: str, tries: str, peer: str = "") -> dict[str, list[tuple[float, float]]]:
    """`tries` looks over a connection of its own each ("new"), and after it one more over the same ("kept").

    Beside each, one at the server on the port `peer`, if named ("peer"). First byte and whole page, in seconds.
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
    """The program."""
    verb, *words = sys.argv[1:]
    verbs: dict[str, Callable[..., object]] = {"login": login, "keep": keep, "looks": looks}
    print(json.dumps(verbs[verb](*words)))


if __name__ == "__main__":
    main()
