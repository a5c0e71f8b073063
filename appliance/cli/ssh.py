"""Commands `asha ssh-setup` and `asha ssh-accept`: let the nodes ask each other for data, nothing else."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import click

from appliance.cli.this_node import site
from appliance.core.errors import SyncError
from appliance.host.bounded import read_all
from appliance.host.process import interact
from appliance.sync import keys
from appliance.sync.problems import Fault, SyncProblem
from appliance.sync.question import is_accepted, prove
from appliance.sync.ssh import KEYS, NOT_KEPT, Ssh, way_to_peer

_LONGEST = 16 * 1024  # of a public key, in bytes


@click.command()
@click.option("--yes", is_flag=True, help="Pin the host key that is shown without asking.")
@click.option("--new-host-key", is_flag=True, help="The peer was installed anew: pin its new host key.")
@click.option("--check", is_flag=True, help="Change nothing; only prove that it works.")
@click.option("--by-hand", is_flag=True, help="Do not log in there; say what is to be typed there instead.")
@click.option("--key-only", is_flag=True, help="Only make this node's key; the rest when the other is up.")
def ssh_setup(yes: bool, new_host_key: bool, check: bool, by_hand: bool, key_only: bool) -> None:
    """Let this node fetch the other's data: make a key, pin the other's, have ours accepted there, and prove it.

    Run it on both nodes: the standby fetches, and after a failover the primary does. Doing it again is harmless.
    """
    if key_only:
        click.echo(keys.make_key(KEYS))
        return
    conf, node = site()
    # The connection that is kept open may be authenticated by an earlier key, and would not prove this one.
    ssh = replace(way_to_peer(conf, node), socket=NOT_KEPT)
    if not check:
        shown = _pin(ssh, agreed=yes, anew=new_host_key)
        key = keys.make_key(ssh.keys, rsa=keys.is_old(shown))
        if not is_accepted(ssh):
            _have_accepted(ssh, key, by_hand=by_hand)
    prove(ssh)
    click.echo(f"{ssh.host} answers our questions about its data, and allows this key nothing else.")


@click.command()
@click.argument("key", nargs=-1)
def ssh_accept(key: tuple[str, ...]) -> None:
    """Let the other node ask for our data: KEY is its public key, or comes on standard input.

    'asha ssh-setup' there calls this. The key opens no shell and writes nothing.
    """
    site()  # a machine that is neither node accepts no key
    wanted = " ".join(key) or os.fsdecode(read_all(sys.stdin.buffer, _LONGEST, "Standard input"))
    new = keys.accept_key(wanted)
    click.echo("The peer's key is accepted." if new else "The peer's key was accepted before.")


def _pin(ssh: Ssh, *, agreed: bool, anew: bool) -> tuple[str, ...]:
    """Pin the peer's host keys and return them.

    `agreed`: do not ask the user. `anew`: accept keys that replace those pinned before; without it, such keys
    raise SyncProblem.
    """
    shown, before = keys.scan(ssh), keys.pinned(ssh.keys)
    if set(before) & set(shown):
        return shown
    if before and not anew:
        raise SyncProblem(Fault.HOST_KEY_CHANGED, f"{ssh.host} shows other host keys than those pinned.")
    for key in shown:
        click.echo(f"  {keys.fingerprint(key)}")
    if not agreed:
        click.confirm(
            f"Are these {ssh.host}'s? ('ssh-keygen -l -f' of its host keys shows them there)", abort=True
        )
    keys.pin(ssh.keys, shown)
    return shown


def _have_accepted(ssh: Ssh, key: str, *, by_hand: bool) -> None:
    if by_hand:
        raise SyncError(
            f"Type this on {ssh.host}, then 'asha ssh-setup --check' here:\n  asha ssh-accept {key}"
        )
    click.echo(f"Logging in at {ssh.host} as root, this once, to have our key accepted.")
    if interact(ssh.login("asha ssh-accept"), key) != 0:
        raise SyncError(
            f"{ssh.host} did not accept our key. Where root may not log in, 'asha ssh-setup --by-hand' helps."
        )
