"""Command `asha status`: show what is true now, in words or as JSON."""

from __future__ import annotations

import json
from typing import Any

import click

from appliance.control.client import ask
from appliance.core.words import printable, spell
from appliance.sync.state import under_way

Document = dict[str, Any]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The whole document, for machines.")
def status(as_json: bool) -> None:
    """Say which node is active, where the line is, and what is wrong."""
    document = ask("status")
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    click.echo("\n".join(map(printable, status_lines(document))))


def status_lines(document: Document) -> list[str]:
    """Return the document as lines for people: the headline, what is wrong, then the parts."""
    problems = [f"  ! {problem}" for problem in document["problems"]]
    if not document.get("set_up", True):
        return [document["headline"], *problems]
    rows = [
        ("role", document["role"] + (" (under a grant)" if document["granted"] else "")),
        ("Asterisk", _pbx(document["pbx"], document["granted"])),
        ("address", _address(document["address"])),
        *(tuple(line.split(": ", 1)) for line in line_lines(document)),
        ("Heartbeat", _engine(document)),
        ("peer", _peer(document["peer"])),
        ("data", _data(document["data"])),
        *_maintenance(document["maintenance"]),
        ("fit", "yes" if document["fit"] else "no: " + "; ".join(document["unfit_because"])),
    ]
    return [document["headline"], *problems, "", *(f"  {name:<11} {text}" for name, text in rows)]


def _maintenance(given: Document | None) -> list[tuple[str, str]]:
    if given is None:
        return []
    from appliance.cli.maintenance import state_line  # noqa: PLC0415

    return [("maintenance", state_line(given))]


def line_lines(document: Document) -> list[str]:
    """Return relay, line and D-channel, each as `name: text`."""
    if document["line"] is None:
        return ["line: none to move (RHINOSPF=NO and RHINOSPANS is empty)"]
    lines = [f"line: {said(document['line'])}", f"D-channel: {said(document['dchannel'])}"]
    relay = document["relay"]
    if relay["card"] is not None:
        there = {True: f"at {relay['place']}", False: "not there"}.get(
            relay["card"]["value"], said(relay["card"])
        )
        lines.insert(0, f"relay: commanded {said(relay['commanded'])}; card {there}")
    return lines


def said(reading: Document) -> str:
    """Return a reading's value with what is behind it, or that it is unknown and why."""
    if reading["value"] is None:
        return f"unknown ({reading['why']})"
    if isinstance(reading["value"], bool):
        return "yes" if reading["value"] else "no"
    return f"{reading['value']} ({reading['why']})" if reading["why"] else str(reading["value"])


def _pbx(pbx: Document, granted: bool) -> str:
    text = said(pbx["state"])
    if text == "dead" and not granted:
        text = "not running"
    if pbx["pid"]:
        text += f", pid {pbx['pid']}"
    if pbx["silent"]:
        text += f", no answer from: {', '.join(pbx['silent'])}"
    return text


def _address(address: Document) -> str:
    where = {True: "here", False: "not here"}.get(address["here"]["value"], said(address["here"]))
    return f"{address['ip'] or 'none set'} {where}" + (
        f", ALSO AT {address['duplicate']}" if address["duplicate"] else ""
    )


def _data(data: Document) -> str:
    if data["duty"] == "pull":
        age = "never in step with the peer" if data["age"] is None else f"in step {spell(data['age'])} ago"
        going_on = f"; {under_way(data['phase'], data['done'], data['total'])}" if data["phase"] else ""
        return f"{age}, generation {data['generation']}{going_on}"
    return str(data["why"])


def _engine(document: Document) -> str:
    running = said(document["engine"]["running"])
    wait = document["engine"]["waits_another"]
    return {"yes": "runs", "no": "does not run"}.get(running, running) + (
        f", waits {wait:.0f} s more for its peer" if wait is not None else ""
    )


def _peer(peer: Document) -> str:
    alive = {"yes": "there", "no": "gone"}.get(said(peer["alive"]), said(peer["alive"]))
    links = ", ".join(f"{name} {state}" for name, state in sorted(peer["links"].items()))
    heard = "" if peer["heard"] is None else f", its agent heard {spell(peer['heard'])} ago as {peer['role']}"
    age = "" if peer["data_age"] is None else f", its data {spell(peer['data_age'])} old"
    maintenance = ", in MAINTENANCE" if peer["maintenance"] else ""
    return f"{peer['name']} {alive}{heard}{age}{maintenance}" + (f" ({links})" if links else "")
