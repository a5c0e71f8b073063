"""Write the completion of `asha` for bash, zsh and fish, where their packages look for it.

`write_completion.py ROOT` makes the files under ROOT. They ask `asha` itself what can stand next, so they know every
command and option of the version that is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from click.shell_completion import get_completion_class

from appliance.cli.main import asha

PLACES = {
    "bash": "usr/share/bash-completion/completions/asha",
    "zsh": "usr/share/zsh/site-functions/_asha",
    "fish": "usr/share/fish/vendor_completions.d/asha.fish",
}


def main(root: str) -> None:
    """Write the three files under `root`."""
    for shell, place in PLACES.items():
        kind = get_completion_class(shell)
        assert kind is not None
        path = Path(root, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(kind(asha, {}, "asha", "_ASHA_COMPLETE").source())


if __name__ == "__main__":
    main(*sys.argv[1:])
