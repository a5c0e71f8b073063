"""Write Heartbeat's resource script for an installed asha: as the agent would, so that it finds nothing to change.

`write_resource_script.py PYTHON DIRECTORY`
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.agent.engine_control import script_command
from appliance.cluster.heartbeat.install_script import install_resource_script

if __name__ == "__main__":
    python, directory = sys.argv[1:]
    install_resource_script(Path(directory), (python, *script_command()[1:]))
