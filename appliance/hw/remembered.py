"""The card's USB identity, kept on disk so that the card is known again under another tty number."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path
from typing import NamedTuple

from appliance.core.document import parse_object
from appliance.host.statefile import StateFile
from appliance.hw.identity import UsbIdentity

STORE = Path("/var/lib/asha/card.json")

_log = logging.getLogger(__name__)


class Card(NamedTuple):
    """The card's identity, and the tty at which it belongs by the conf file."""

    configured: str
    usb: UsbIdentity


def card_file(store: Path = STORE) -> StateFile[Card | None]:
    """The file at `store`."""
    return StateFile(
        store, _parse, lambda: None, "what is at RHINOUSB is taken for the card, and remembered anew"
    )


def remembered(store: Path, tty: Path) -> UsbIdentity | None:
    """The identity last seen at the configured `tty`. None when there is none, or it was for another tty.

    A store that cannot be read or understood counts as empty: it is written again on the next sight.
    """
    card = card_file(store).load()
    return card.usb if card is not None and card.configured == str(tty) else None


def _parse(content: bytes) -> Card:
    document = parse_object(content)
    texts = [document["configured"], *(document["usb"][name] for name in UsbIdentity.__slots__)]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a value in it is no text")
    return Card(texts[0], UsbIdentity(*texts[1:]))


def remember(store: Path, tty: Path, usb: UsbIdentity) -> None:
    """Keep `usb` as what belongs at the configured `tty`; whole or not at all.

    A disk that cannot be written must not keep anyone from using the card: it is logged, not raised.
    """
    document = {"configured": str(tty), "usb": dataclasses.asdict(usb)}
    try:
        card_file(store).write(json.dumps(document, indent=1) + "\n", 0o644)
    except OSError as problem:
        _log.warning("the card's identity could not be kept in %s: %s", store, problem)


def forget(store: Path) -> None:
    """Forget the card: whatever is at the configured tty next is taken for it. Raises OSError."""
    card_file(store).remove()
