"""End of an answering process as soon as the asker is gone, also in the middle of a long answer."""

from __future__ import annotations

import io
import os
import select
import threading
from collections.abc import Callable
from typing import BinaryIO


def end_when_abandoned(answered: BinaryIO, clean_up: Callable[[], None]) -> None:
    """End this process, after `clean_up`, as soon as nobody reads `answered` any more.

    Only a pipe or a socket is watched; for anything else the call does nothing. A thread does the waiting,
    because the process itself may be reading a large file or waiting for a disk that does not answer. The end
    of the questions cannot serve as the sign: a client that asks a single question closes its sending end
    before the answer comes.
    """
    try:
        descriptor = answered.fileno()
    except io.UnsupportedOperation:
        return
    threading.Thread(target=_wait, args=(descriptor, clean_up), daemon=True).start()


def _wait(descriptor: int, clean_up: Callable[[], None]) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # poll(2) reports an error and a hang-up even when no event is asked for
    poll.poll()
    try:
        clean_up()
    finally:
        os._exit(1)
