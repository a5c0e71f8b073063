"""Many browsers that follow the page.

Run on a node: `python -m hwsim.bench.panel.viewers COOKIE COUNT`. Prints JSON, one object a line: {"open":
COUNT} when every stream has had its first event, and from then on what the first stream was shown and when:
{"at": monotonic seconds, "relay": …, "states": […]}. The other streams only read what they get.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time

from hwsim.bench.panel.page import NotServed, connection
from hwsim.bench.panel.stream import drawn, events

_PIECE = 1 << 16


def main() -> None:
    """Run until the first stream ends, which the exit status reports."""
    cookie, count = sys.argv[1], int(sys.argv[2])
    opened = threading.Barrier(count, action=lambda: _tell({"open": count}))
    threads = [
        threading.Thread(target=_take if number else _watch, args=(cookie, opened)) for number in range(count)
    ]
    for thread in threads:
        thread.daemon = True
        thread.start()
    while all(thread.is_alive() for thread in threads):
        threads[0].join(1.0)
    sys.exit(1)


def _watch(cookie: str, opened: threading.Barrier) -> None:
    stream = _follow(cookie)
    waits = True
    for kind, data in events(stream):
        at = time.monotonic()
        shown = drawn(kind, data)
        if shown is not None:
            _tell({"at": at, "relay": shown.relay, "states": shown.states})
        if waits:
            opened.wait()
            waits = False


def _take(cookie: str, opened: threading.Barrier) -> None:
    stream = _follow(cookie)
    if stream.read1(_PIECE):
        opened.wait()
    while stream.read1(_PIECE):
        pass


def _follow(cookie: str) -> http.client.HTTPResponse:
    server = connection()
    server.request("GET", "/live", headers={"Cookie": cookie, "Accept": "text/event-stream"})
    stream = server.getresponse()
    if stream.status != http.client.OK:
        raise NotServed(f"the stream was answered with {stream.status} {stream.reason}")
    return stream


def _tell(document: object) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
