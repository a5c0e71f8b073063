"""Command `asha sync-source`, sshd's forced command: do what the peer's key allows here, and nothing else.

It starts for each rsync of each pass, so the module imports only what the gate needs.
"""

from __future__ import annotations

import os
import sys

import click

from appliance.core.errors import SyncError
from appliance.local_node import PLACES, conf_and_node
from appliance.sync.gate import ONE_QUESTION, Reading, Refusal, give, judge, read_words
from appliance.sync.trees import trees


@click.command(hidden=True)
def sync_source() -> None:
    """Carry out SSH_ORIGINAL_COMMAND when it is one of ours."""
    conf, node = conf_and_node()
    ours, asked = trees(conf), os.environ.get("SSH_ORIGINAL_COMMAND", "")
    found = judge(asked, ours, PLACES, lambda: read_words(sys.stdin.fileno()))
    if isinstance(found, Refusal):
        raise SyncError(f"This key does not allow that: {found.why}.")
    if isinstance(found, Reading):
        give(found, conf.rsync, ours, PLACES)
    if found.verb == "serve":
        from appliance.sync_setup import source  # noqa: PLC0415

        source().serve(sys.stdin.buffer, sys.stdout.buffer)
    elif found.verb in ONE_QUESTION:
        from appliance.cli.peer import answer_one  # noqa: PLC0415

        answer_one(found.verb, node, sys.stdin.buffer, sys.stdout.buffer)
    else:
        from appliance.sync.watch import TreeWatch  # noqa: PLC0415

        TreeWatch(conf).run(sys.stdout.buffer)
