"""Write 1 into TRACKFILE when the process of PIDFILE dies while SERVING exists.

Usage: deathwatch PIDFILE TRACKFILE SERVING. The kernel reports the death (pidfd), so nothing is polled once
the process is there. Runs as one file in a node, by a bare Python.
"""

from __future__ import annotations

import os
import select
import sys
import time


def pidfd_of(pidfile: str) -> int:
    """Return a pidfd of the process, as soon as there is one."""
    while True:
        try:
            with open(pidfile) as file:  # noqa: PTH123
                return os.pidfd_open(int(file.read()))
        except (OSError, ValueError):
            time.sleep(0.01)


def main(pidfile: str, trackfile: str, serving: str) -> None:
    """Wait for the death and write the track file."""
    select.select([pidfd_of(pidfile)], [], [])
    if os.path.exists(serving):  # noqa: PTH110
        with open(trackfile, "w") as file:  # noqa: PTH123
            file.write("1\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
