"""The agent's sync worker: keeps this node's data in step until the agent ends it.

The agent starts it as `python -m appliance.sync_worker` and hands it the duty on standard input
(`sync/handed_duty.py`). It is no command for people: theirs is `asha sync`.
"""

from __future__ import annotations

import os
import sys

from appliance.core.errors import AshaError
from appliance.core.text import printable_lines
from appliance.host.stream import die_with_parent
from appliance.local_node import CLOCK, conf_and_node
from appliance.sync.errors import SyncProblem
from appliance.sync.follow import Follower
from appliance.sync.handed_duty import HandedDuty
from appliance.sync.peer_link import PeerLink
from appliance.sync.ssh import way_to_peer
from appliance.sync.sync_pass import Request
from appliance.sync_setup import progress_in_state, session


def follow() -> None:
    """Stay in step until killed. Never returns."""
    die_with_parent()
    os.nice(10)
    handed = HandedDuty(sys.stdin.fileno(), CLOCK)
    conf, node = conf_and_node()
    tell = progress_in_state()

    def one_pass(peer: PeerLink, request: Request) -> bool:
        # What goes wrong is in the state and the history; the link is as good as before.
        try:
            here = session(conf, node, handed.current, live=handed.current().live)
            here.run(peer, request, tell, patient=False)
        except SyncProblem:
            return False
        return True

    def failed(problem: SyncProblem) -> None:
        session(conf, node, handed.current).link_failed(problem)

    Follower(way_to_peer(conf, node), CLOCK, conf.sync_period, one_pass, failed).run()


def main() -> None:
    """Run the worker; a wrong conf, say, is told on standard error, for the agent's journal."""
    try:
        follow()
    except AshaError as problem:
        print(printable_lines(str(problem)), file=sys.stderr)
        raise SystemExit(problem.exit_code) from None


if __name__ == "__main__":
    main()
