"""Where the agent keeps things, and finds them."""

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
# What Heartbeat's files were last made with (agent/standing.py).
STANDING = Path("/var/lib/asha/standing.json")
TRENDS = Path("/var/lib/asha/trends.json")
DATA = Places()
# The panel's own things (panel/entry/places.py), which the agent looks at and does not read.
PANEL = Path("/var/lib/asha/panel")
# There while telephones' files are older than the address they are to be made with.
REGENERATE = Path("/var/lib/asha/regenerate")
# This very interpreter and package, whatever PATH says.
OWN_COMMAND = (sys.executable, "-I", "-m", "appliance.cli")
