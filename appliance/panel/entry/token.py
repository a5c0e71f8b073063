"""The bearer token that lets Prometheus, and nobody else, read the metrics. Only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from appliance.panel.entry.places import PANEL_DIR, read_own, write_own


class MetricsToken:
    """The one token of this node, kept in `directory`. Raises HostError when that cannot be read or written."""

    def __init__(self, directory: Path = PANEL_DIR) -> None:
        self.path = directory / "metrics"

    def new(self) -> str:
        """A new one, for showing once. The one before it is void."""
        token = secrets.token_urlsafe(32)
        write_own(self.path, _digest(token) + "\n")
        return token

    def is_right(self, presented: str) -> bool:
        """`presented` is the token. False when none was ever made."""
        kept = (read_own(self.path) or "").strip()
        return bool(kept) and hmac.compare_digest(kept.encode(), _digest(presented).encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()
