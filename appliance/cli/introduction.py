"""Command `asha introduction`: introduce two nodes by one line of text each, carried over by a person."""

from __future__ import annotations

import os
import sys

import click

from appliance.control.client import AgentAbsent, ask
from appliance.core.errors import UserError
from appliance.host.bounded import read_all

# Seconds: ssh may wait for a peer that is not there.
_PATIENCE = 90.0
_LONGEST = 64 * 1024


@click.group(invoke_without_command=True)
@click.pass_context
def introduction(context: click.Context) -> None:
    """Print this node's introduction: one line with nothing secret in it, to be taken on the other node.

    It holds the node's name and address, its public keys and what the High Availability tab holds.
    """
    if context.invoked_subcommand is None:
        click.echo(_own_text())


@introduction.command("take")
@click.argument("text", default="-")
@click.option("--anew", is_flag=True, help="The other node was installed anew: believe its new keys.")
def introduction_take(text: str, anew: bool) -> None:
    """Take the other node's introduction, TEXT or from standard input: fill in what the conf lacks, trust its keys.

    Nothing that was set here is replaced; what differs is named. Taking it twice is harmless.
    """
    text = os.fsdecode(read_all(sys.stdin.buffer, _LONGEST, "Standard input")) if text == "-" else text
    if not text.strip():
        raise UserError(
            "No introduction was given.", todo="'asha introduction' on the other node prints one."
        )
    click.echo(_taken(text, anew=anew))


def _own_text() -> str:
    try:
        return str(ask("introduction", deadline=_PATIENCE)["text"])
    except AgentAbsent:
        from appliance.net.address import own_address  # noqa: PLC0415 - only without an agent
        from appliance.sync.acquaint import Place, introduce  # noqa: PLC0415

        return introduce(Place(), os.uname().nodename, own_address)


def _taken(text: str, *, anew: bool) -> str:
    by = os.environ.get("SUDO_USER") or os.environ.get("USER", "root")
    try:
        return str(ask("introduction take", deadline=_PATIENCE, text=text, anew=anew, by=by)["says"])
    except AgentAbsent:
        from appliance.sync.acquaint import Place, proof, take  # noqa: PLC0415 - only without an agent

        taken = take(Place(), text, os.uname().nodename, anew=anew)
        return f"{taken.says} {proof(taken.edit.conf, taken.node, taken.name)[1]}"
