"""Bearer token with which Prometheus reads the metrics; only the SHA-256 of the token is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from appliance.host.paths import PANEL_DIR
from appliance.panel.auth.files import read_own, write_own


class MetricsToken:
    """The metrics token of this node, kept in `directory`.

    Methods raise HostError when the file cannot be read or written.
    """

    def __init__(self, directory: Path = PANEL_DIR) -> None:
        self.path = directory / "metrics"

    def new(self) -> str:
        """Make a token, to be shown once, and return it; the token made before becomes void."""
        token = secrets.token_urlsafe(32)
        write_own(self.path, _digest(token) + "\n")
        return token

    def is_right(self, presented: str) -> bool:
        """Return whether `presented` is the token; False when no token was ever made."""
        kept = (read_own(self.path) or "").strip()
        return bool(kept) and hmac.compare_digest(kept.encode(), _digest(presented).encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()
