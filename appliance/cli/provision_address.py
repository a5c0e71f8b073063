"""Command `asha provision-address`: print the address that telephones are to register to."""

from __future__ import annotations

import json

import click

from appliance.agent.rooms.provision import address_for_telephones
from appliance.config import load


@click.command("provision-address")
@click.option("--json", "as_json", is_flag=True, help="For machines, with where it comes from.")
def provision_address(as_json: bool) -> None:
    """Print the address telephones are to be provisioned with.

    The cluster address when HAUSECLUSTER=YES and HACLUSTERIP is set, else this node's own on HADEV. The agent keeps
    it in /etc/asha/provision-address, and for PHP in /etc/asha/provision-address.php.
    """
    conf = load()
    address = address_for_telephones(conf)
    if not as_json:
        click.echo(address)
        return
    cluster = bool(conf.use_cluster and conf.cluster_ip)
    click.echo(
        json.dumps({"address": address, "from": "cluster" if cluster else "own", "device": conf.device})
    )
