"""Where the agent keeps things."""

from __future__ import annotations

from pathlib import Path

CONF = Path("/etc/asha.conf")
# On a tmpfs: a grant does not outlive a reboot, and reading it never waits for a disk.
GRANT = Path("/run/asha/grant")
JOURNAL = Path("/var/lib/asha/journal")
CARD = Path("/var/lib/asha/card.json")
