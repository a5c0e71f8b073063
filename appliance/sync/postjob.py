"""POSTSYNC: the site's own job after data has arrived. No shell, a deadline, its output kept."""

from __future__ import annotations

from pathlib import Path

from appliance.config import Conf
from appliance.config.quotes import command_words
from appliance.core.errors import HostError
from appliance.host.disk import replace_file
from appliance.host.process import run
from appliance.sync.places import Places


def run_postsync(conf: Conf, places: Places) -> str:
    """Run it; how it failed, or "" when it went well, is not set, or is not there.

    Its output is kept in `postsync.log` beside the store.
    """
    argv = command_words(conf.postsync)
    if not argv or not Path(argv[0]).exists():
        return ""
    try:
        ended = run(argv, deadline=conf.postsync_deadline)
    except HostError as problem:
        return str(problem)
    replace_file(places.lasting / "postsync.log", (ended.kept + ended.error).encode())
    return "" if ended.ok else f"POSTSYNC: {ended.explain()}"
