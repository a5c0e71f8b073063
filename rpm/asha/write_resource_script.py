"""Write Heartbeat's resource script for an installed asha.

The script is the same as the agent would write, so that the agent finds nothing to change. Usage:
`write_resource_script.py PYTHON DIRECTORY`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.agent.engine_control import script_command
from appliance.cluster.heartbeat.config_files import install_resource_script

if __name__ == "__main__":
    python, directory = sys.argv[1:]
    install_resource_script(Path(directory), (python, *script_command("resource")[1:]))
