"""POSTSYNC, the site's own job after data has arrived.

The job runs without a shell and with a deadline, and its output is kept.
"""

from __future__ import annotations

from pathlib import Path

from appliance.config import Conf
from appliance.config.quotes import command_words
from appliance.core.errors import HostError
from appliance.host.disk import replace_file
from appliance.host.paths import SyncPaths
from appliance.host.process import run


def run_postsync(conf: Conf, places: SyncPaths) -> str:
    """Run the POSTSYNC program, and return how it failed.

    Returns "" when the program ended well, is not set, or does not exist. Its output is kept in
    `postsync.log` beside the store.
    """
    argv = command_words(conf.postsync)
    if not argv or not Path(argv[0]).exists():
        return ""
    try:
        ended = run(argv, deadline=conf.postsync_deadline)
    except HostError as problem:
        return str(problem)
    replace_file(places.lasting / "postsync.log", (ended.kept + ended.error).encode())
    return "" if ended.ok else f"POSTSYNC: {ended.explain(arguments=False)}"
