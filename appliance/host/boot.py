"""Which boot of this machine this is."""

from __future__ import annotations

from pathlib import Path

_SHOWN = 8  # characters of the kernel's own name of the boot: enough to tell two boots apart
_STARTTIME_FIELD = 19  # of /proc/PID/stat, counted behind the closing bracket of the command


def boot_identity(proc: Path = Path("/proc")) -> str:
    """Return a word that is another one after each boot; "" when the kernel does not say.

    It names the boot of a container too, which shares the kernel with its host, by the start of its first process.
    """
    try:
        kernel = (proc / "sys/kernel/random/boot_id").read_text()
        first = (proc / "1/stat").read_text().rpartition(")")[2].split()[_STARTTIME_FIELD]
    except (OSError, IndexError):
        return ""
    return f"{kernel.strip()[:_SHOWN]}-{first}"
