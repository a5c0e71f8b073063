"""The card's USB identity, kept on disk so that the card is known again under another tty number."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path

from appliance.host.disk import replace_file
from appliance.hw.identity import UsbIdentity

STORE = Path("/var/lib/asha/card.json")

_log = logging.getLogger(__name__)


def remembered(store: Path, tty: Path) -> UsbIdentity | None:
    """The identity last seen at the configured `tty`. None when there is none, or it was for another tty.

    A store that cannot be read or understood counts as empty: it is written again on the next sight.
    """
    try:
        document = json.loads(store.read_text())
        if document["configured"] != str(tty):
            return None
        return UsbIdentity(**{name: str(document["usb"][name]) for name in UsbIdentity.__slots__})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        _log.warning("what the card looked like could not be read from %s: %s", store, problem)
        return None


def remember(store: Path, tty: Path, usb: UsbIdentity) -> None:
    """Keep `usb` as what belongs at the configured `tty`; whole or not at all.

    A disk that cannot be written must not keep anyone from using the card: it is logged, not raised.
    """
    document = {"configured": str(tty), "usb": dataclasses.asdict(usb)}
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        replace_file(store, json.dumps(document, indent=1) + "\n")
    except OSError as problem:
        _log.warning("the card's identity could not be kept in %s: %s", store, problem)


def forget(store: Path) -> None:
    """Forget the card: whatever is at the configured tty next is taken for it. Raises OSError."""
    store.unlink(missing_ok=True)
