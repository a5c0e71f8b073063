"""Write Pacemaker's fence agent for an installed asha.

The agent is the same as asha would write, so that it finds nothing to change. Usage: `write_fence_agent.py PYTHON
DIRECTORY`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.agent.engine_control import script_command
from appliance.cluster.pacemaker.config_files import install_fence_agent

if __name__ == "__main__":
    python, directory = sys.argv[1:]
    install_fence_agent(Path(directory), (python, *script_command("fence_agent")[1:]))
