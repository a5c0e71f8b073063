"""Command `asha failback`: bring first the data and then the service back to the primary."""

from __future__ import annotations

import click

from appliance.cli.ha import wish
from appliance.cli.output import agree, say, tells
from appliance.cli.sync import Synchronised, bar, tell_outcome
from appliance.cli.waiting import until
from appliance.config import Conf
from appliance.control.status import ask_status
from appliance.core.errors import ClusterError, UserError
from appliance.core.model import Node
from appliance.core.status import Status
from appliance.core.text import printable
from appliance.core.transfer import Phase
from appliance.local_node import CLOCK, PLACES, conf_and_node

_LOOK = 0.2
# How soon the agent says that the engine drops requests, after it has dropped one; seconds.
_TOLD_WITHIN = 3.0


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be merged.")
@click.option("--yes", is_flag=True, help="Go on although files were changed on both nodes.")
@tells(Synchronised, note="The merge; its lists are empty when there was none.")
def failback(dry_run: bool, yes: bool) -> None:
    """Bring the data the secondary has got while it served, then the service, back to this node, the primary.

    Voicemail by message, everything else three-way; nothing is lost. Interrupted anywhere, it may be run again.
    """
    conf, node = conf_and_node()
    if node is not Node.PRIMARY:
        raise UserError(f"Fail back from the primary: run this on {conf.primary_name}.")
    status = ask_status()
    if status.role == "active" and not status.data.peer_newer:
        say("Nothing to do: this node serves, and the other node has nothing newer.")
        return
    permit = status.permit("failback")
    if not dry_run and not permit.allowed:
        raise ClusterError(f"'failback' is not possible now: {permit.says}.")
    if conf.synch == "LAZY":
        _merge(conf, node, dry_run=dry_run)
    in_conflict = _show_conflicts(conf)
    if dry_run:
        return
    if in_conflict and not yes:
        agree("Go back all the same?")
    if status.role != "active":
        until(
            lambda status: status.role == "active" and _is_up(status),
            "this node serves",
            _ServiceRequest().follow,
        )
    until(lambda status: not status.data.peer_newer, "all the secondary's data are here")


def _merge(conf: Conf, node: Node, *, dry_run: bool) -> None:
    from appliance.core.data_policy import Duty  # noqa: PLC0415
    from appliance.sync.peer_link import PeerLink  # noqa: PLC0415 - 'failback --help' merges nothing
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415
    from appliance.sync.sync_pass import Request  # noqa: PLC0415
    from appliance.sync_setup import own_duty, session  # noqa: PLC0415

    duty = own_duty()
    if duty.duty is not Duty.MERGE:
        say(f"Nothing to merge: {duty.why}.")
        return
    here = session(conf, node, live=duty.live)
    with PeerLink(way_to_peer(conf, node)) as peer, bar() as progress:
        outcome = here.run(peer, Request("an operator goes back", dry_run=dry_run), progress, patient=True)
    tell_outcome(outcome, dry_run)


def _show_conflicts(conf: Conf) -> bool:
    """Print the files that were changed on both nodes and wait for a choice; return whether there are any."""
    from appliance.sync.conflicts import Conflicts  # noqa: PLC0415
    from appliance.sync_setup import vet_for  # noqa: PLC0415

    found = Conflicts(conf, PLACES, CLOCK, vet_for(conf)).open()
    if found:
        say("Changed on both nodes; this node's stay, the other's are kept aside ('asha conflicts'):")
    for conflict in found:
        say(f"  {printable(conflict.path)}")
    return bool(found)


def _is_up(status: Status) -> bool:
    return status.transfer is None or status.transfer.phase == Phase.DONE.value


class _ServiceRequest:
    """The request for service on this node: made once, and once more after each time that the engine has lost it."""

    def __init__(self) -> None:
        self._to_make = True
        self._waits = False

    def follow(self, status: Status) -> None:
        """Make the request when it is to be made and the engine takes requests.

        Raises ClusterError when it is refused for another reason than that the engine has lost one.
        """
        drops = status.engine.drops_requests > 0
        if drops and not self._waits:
            say("  A request to move service was lost. The standby ends that; then it is made again.")
        self._waits = drops
        self._to_make = self._to_make or drops
        if self._to_make and not drops and status.role == "standby":
            self._to_make = not _is_taken()


def _is_taken() -> bool:
    """Ask the agent for service; return False when the engine has dropped the request."""
    try:
        wish("takeover")
    except ClusterError:
        give_up = CLOCK.now() + _TOLD_WITHIN
        while not ask_status().engine.drops_requests:
            if CLOCK.now() > give_up:
                raise
            CLOCK.sleep(_LOOK)
        return False
    return True
