"""A process that answers questions ends when its asker is gone, also in the middle of a long answer."""

from __future__ import annotations

import io
import os
import select
import threading
from collections.abc import Callable
from typing import BinaryIO


def end_when_abandoned(answered: BinaryIO, clean_up: Callable[[], None]) -> None:
    """From now on end this process, after `clean_up`, as soon as nobody reads `answered` any more.

    That is a pipe or a socket; anything else is not watched. A thread waits for it: the process itself may be reading
    a large file, or a disk that does not answer. Whoever asks once closes his own end before he is answered, so that
    the end of the questions says nothing.
    """
    try:
        descriptor = answered.fileno()
    except io.UnsupportedOperation:
        return
    threading.Thread(target=_wait, args=(descriptor, clean_up), daemon=True).start()


def _wait(descriptor: int, clean_up: Callable[[], None]) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # an error and a hang-up are told of unasked
    poll.poll()
    try:
        clean_up()
    finally:
        os._exit(1)
