"""The places where the agent keeps its files and finds others."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.sync.places import Places

CONF = Path("/etc/asha.conf")
# On a tmpfs: a grant does not outlive a reboot, and reading it never waits for a disk.
GRANT = Path("/run/asha/grant")
JOURNAL = Path("/var/lib/asha/journal")
CARD = Path("/var/lib/asha/card.json")
MAINTENANCE = Path("/var/lib/asha/maintenance.json")
# The conf values with which Heartbeat's files were last made (agent/standing.py).
STANDING = Path("/var/lib/asha/standing.json")
TRENDS = Path("/var/lib/asha/trends.json")
DATA = Places()
# The panel's own files (panel/entry/places.py), which the agent checks and does not use.
PANEL = Path("/var/lib/asha/panel")
# Exists while the telephones' files are older than the address with which they are to be made.
REGENERATE = Path("/var/lib/asha/regenerate")
# This very interpreter and package, whatever PATH says.
OWN_COMMAND = (sys.executable, "-I", "-m", "appliance.cli")
