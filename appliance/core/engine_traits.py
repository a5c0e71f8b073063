"""What differs between the cluster engines, and core must know: how an engine is called, and whether it loses requests.

Core decides the same under every engine, so its texts name none of them: they say ENGINE. Where a text leaves the agent
(the journal, an answer on the control socket, an alert), the title of the engine that runs there stands in its place
(`titled`), because that is the word in the engine's own log and manual. A text that somebody shows without that, such
as a resource script that has no agent to ask, is still a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ENGINE: Final = "the HA engine"
_AT_THE_BEGINNING = f"T{ENGINE[1:]}"


@dataclass(frozen=True, slots=True)
class EngineTraits:
    """An engine as core knows it.

    `title`: its name for people. `loses_requests`: it may miss the end of a move, and then drops every further request
    for an hour (`core/lost_request.py`). `hears_one_way`: it says of a link whether anything arrives over it; else
    whether the peer answers over it, so that both nodes see a link that works one way only as lost. `least_deadtime`:
    the shortest HADEADTIME with which its nodes do not lose each other on a busy machine, in seconds.
    """

    title: str = ENGINE
    loses_requests: bool = True
    hears_one_way: bool = True
    least_deadtime: float = 0.0


def titled(value: object, title: str) -> object:
    """Return `value`, a text or what JSON is made of, with `title` wherever a text says ENGINE."""
    if isinstance(value, str):
        return in_words_of(title, value)
    if isinstance(value, Mapping):
        return {name: titled(one, title) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [titled(one, title) for one in value]
    return value


def in_words_of(title: str, text: str) -> str:
    """Return `text` with `title` wherever it says ENGINE."""
    return text.replace(ENGINE, title).replace(_AT_THE_BEGINNING, title)
