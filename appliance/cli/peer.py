"""Commands `asha ssh-setup` and `asha ssh-accept`: let the nodes ask each other for data, nothing else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from appliance.cli.output import agree, prints, put, say, tells, wants_json
from appliance.config import load
from appliance.config.edit import set_values
from appliance.config.ha_tab import checked_values
from appliance.control.answers import ask_as
from appliance.control.client import AgentAbsent
from appliance.core.alerts import one_line
from appliance.core.answers import ConfSaved, OwnIntroduction, Said
from appliance.core.as_json import to_json
from appliance.core.document import parse_object
from appliance.core.errors import AshaError, ClusterError, HostError, SyncError, UserError
from appliance.core.model import Node
from appliance.host.bounded import read_all, read_line
from appliance.host.clock import SystemClock
from appliance.host.paths import CONF, JOURNAL, SSH_KEYS
from appliance.host.process import interact
from appliance.local_node import conf_and_node
from appliance.sync import ssh_access
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.peer_link import is_accepted, prove
from appliance.sync.ssh import NOT_KEPT, Ssh, way_to_peer

if TYPE_CHECKING:
    from appliance.core.journal_page import JournalPage

_LONGEST_KEY = 16 * 1024  # of a public key, in bytes


@click.command()
@click.option("--yes", is_flag=True, help="Pin the host key that is shown without asking.")
@click.option(
    "--new-host-key", is_flag=True, help="The other node was installed again: pin its new host key."
)
@click.option("--check", is_flag=True, help="Change nothing; only prove that it works.")
@click.option("--by-hand", is_flag=True, help="Do not log in there; say what is to be typed there instead.")
@click.option("--key-only", is_flag=True, help="Only make this node's key; the rest when the other is up.")
@tells()
def ssh_setup(yes: bool, new_host_key: bool, check: bool, by_hand: bool, key_only: bool) -> None:
    """Let this node fetch the other's data: make a key, pin the other's, have ours accepted there, and prove it.

    Run it on both nodes: the standby fetches, and after a failover the primary does. Doing it again is harmless.
    """
    if key_only:
        say(ssh_access.make_key(SSH_KEYS))
        return
    conf, node = conf_and_node()
    # The connection that is kept open may be authenticated by an earlier key, and would not prove this one.
    ssh = replace(way_to_peer(conf, node), socket=NOT_KEPT)
    if not check:
        shown = _pin(ssh, agreed=yes, anew=new_host_key)
        key = ssh_access.make_key(ssh.keys, rsa=ssh_access.is_old(shown))
        if not is_accepted(ssh):
            _have_accepted(ssh, key, by_hand=by_hand)
    prove(ssh)
    say(f"{ssh.host} answers our questions about its data, and allows this key nothing else.")


@click.command()
@tells()
@click.argument("key", nargs=-1)
def ssh_accept(key: tuple[str, ...]) -> None:
    """Let the other node ask for our data: KEY is its public key, or comes on standard input.

    'asha ssh-setup' there calls this. The key opens no shell and writes nothing.
    """
    conf_and_node()  # a machine that is neither node accepts no key
    wanted = " ".join(key) or os.fsdecode(read_all(sys.stdin.buffer, _LONGEST_KEY, "Standard input"))
    new = ssh_access.accept_key(wanted)
    say("The other node's key is accepted." if new else "The other node's key was accepted before.")


def _pin(ssh: Ssh, *, agreed: bool, anew: bool) -> tuple[str, ...]:
    """Pin the peer's host keys and return them.

    `agreed`: do not ask the user. `anew`: accept keys that replace those pinned before; without it, such keys
    raise SyncProblem.
    """
    shown, before = ssh_access.scan(ssh), ssh_access.pinned(ssh.keys)
    if set(before) & set(shown):
        return shown
    if before and not anew:
        raise SyncProblem(Fault.HOST_KEY_CHANGED, f"{ssh.host} shows other host keys than those pinned.")
    for key in shown:
        say(f"  {ssh_access.fingerprint(key)}")
    if not agreed:
        agree(f"Are these {ssh.host}'s? ('ssh-keygen -l -f' of its host keys shows them there)")
    ssh_access.pin(ssh.keys, shown)
    return shown


def _have_accepted(ssh: Ssh, key: str, *, by_hand: bool) -> None:
    if by_hand:
        raise SyncError(
            f"Type this on {ssh.host}, then 'asha ssh-setup --check' here:\n  asha ssh-accept {key}"
        )
    say(f"Logging in at {ssh.host} as root, this once, to have our key accepted.")
    if interact(ssh.login("asha ssh-accept"), key, quiet=wants_json()) != 0:
        raise SyncError(
            f"{ssh.host} did not accept our key. Where root may not log in, 'asha ssh-setup --by-hand' helps."
        )


# Command `asha introduction`: introduce two nodes by one line of text each, carried over by a person.


# Seconds: ssh may wait for a peer that is not there.
_PATIENCE = 90.0
_LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class IntroductionShown:
    """`introduction`: this node's introduction, one line that the other node takes as it is."""

    introduction: str


@click.group(invoke_without_command=True)
@prints(IntroductionShown)
@click.pass_context
def introduction(context: click.Context) -> None:
    """Print this node's introduction: one line with nothing secret in it, to be taken on the other node.

    It holds the node's name and address, its public keys and what the High Availability tab holds.
    """
    if context.invoked_subcommand is None:
        put(IntroductionShown(_own_text()), lambda shown: [shown.introduction])


@introduction.command("take")
@tells()
@click.argument("text", default="-")
@click.option("--anew", is_flag=True, help="The other node was installed again: believe its new keys.")
def introduction_take(text: str, anew: bool) -> None:
    """Take the other node's introduction, TEXT or from standard input: fill in what the conf lacks, trust its keys.

    Nothing that was set here is replaced; what differs is named. Taking it twice is harmless.
    """
    text = os.fsdecode(read_all(sys.stdin.buffer, _LONGEST, "Standard input")) if text == "-" else text
    if not text.strip():
        raise UserError(
            "No introduction was given.", todo="'asha introduction' on the other node prints one."
        )
    say(_taken(text, anew=anew))


def _own_text() -> str:
    try:
        return ask_as(OwnIntroduction, "introduction", deadline=_PATIENCE).text
    except AgentAbsent:
        from appliance.net.address import own_address  # noqa: PLC0415 - only without an agent
        from appliance.sync.pairing_files import PairingFiles, introduce  # noqa: PLC0415

        return introduce(PairingFiles(), os.uname().nodename, own_address)


def _taken(text: str, *, anew: bool) -> str:
    by = os.environ.get("SUDO_USER") or os.environ.get("USER", "root")
    try:
        return ask_as(Said, "introduction take", deadline=_PATIENCE, text=text, anew=anew, by=by).says
    except AgentAbsent:
        from appliance.sync.pairing_files import PairingFiles, proof, take  # noqa: PLC0415 - only without an agent

        taken = take(PairingFiles(), text, os.uname().nodename, anew=anew)
        return f"{taken.says} {proof(taken.edit.conf, taken.node, taken.name)[1]}"


# Questions of the peer besides those for data: the values of the tab, the secret of the cluster, and how this host is.


Message = dict[str, Any]
# Bytes: a question is a handful of short values.
_QUESTION_PATIENCE = 20.0


def answer_one(verb: str, node: Node, asked: BinaryIO, answered: BinaryIO) -> None:
    """Answer the one question on `asked`, a JSON object on one line, by another such line on `answered`."""
    try:
        request = _read(asked)
        answer = {"ok": True, **_answer(verb, node, request)}
    except AshaError as problem:
        answer = {"ok": False, "says": str(problem)}
    answered.write(json.dumps(answer).encode() + b"\n")
    answered.flush()


def _answer(verb: str, node: Node, request: Mapping[str, Any]) -> Message:
    if verb == "check":
        from appliance.cli.checks.report import report_here  # noqa: PLC0415 - the other questions need none of it

        return {"report": to_json(report_here(CONF, SystemClock(), compared=True))}
    if verb == "engine":
        return _engine(request)
    if verb == "tune":
        from appliance.cli.tune import figures_here  # noqa: PLC0415

        return {"figures": to_json(figures_here())}
    if verb == "values":
        from appliance.config.other_conf import told  # noqa: PLC0415

        return {"conf": to_json(told(load(CONF), os.urandom(16)))}
    if verb == "journal":
        return {"page": to_json(_journal_page(request))}
    return _secret(node, request) if verb == "secret" else _conf(request)


def _read(asked: BinaryIO) -> Message:
    try:
        return parse_object(read_line(asked, _LONGEST, "The other node"))
    except ValueError:
        raise UserError("That was no question.") from None


def _conf(request: Mapping[str, Any]) -> Message:
    """Set the values in `request`, through the agent when one runs, else in the file.

    Only keys of the High Availability tab are accepted, whatever the peer believes.
    """
    values = checked_values(request.get("values"))
    by = one_line(str(request.get("by", "")) or "the other node")
    try:
        answer = ask_as(ConfSaved, "conf set", values=values, by=by, deadline=_QUESTION_PATIENCE)
    except AgentAbsent:
        edit = set_values(CONF, values)
        return {"says": "Saved; no agent runs there.", "diff": edit.diff}
    return {"says": answer.says, "diff": answer.diff}


def _engine(request: Mapping[str, Any]) -> Message:
    """Tell what the agent says of this node's engines, or have it change to the one that is named.

    Whether it may change, the agent decides here.
    """
    from appliance.core.engine_change import TITLES, EngineReport  # noqa: PLC0415 - 'ssh-setup' asks nothing of it

    to, number = str(request.get("to")), str(request.get("number", ""))
    if to not in TITLES:
        raise UserError("That names no engine.")
    if request.get("do") == "switch":
        answer = ask_as(
            Said, "engine switch", to=to, number=number, by="the other node", deadline=_QUESTION_PATIENCE
        )
        return {"says": answer.says}
    brief = request.get("brief") is True
    answered = ask_as(EngineReport, "engine", to=to, cancel=number, brief=brief, deadline=_QUESTION_PATIENCE)
    return {"report": to_json(answered)}


def _journal_page(request: Mapping[str, Any]) -> JournalPage:
    """Return a page of this node's journal, from the file, so that no agent need run here."""
    from appliance.agent.journal import JournalFile  # noqa: PLC0415 - the other questions need none of it
    from appliance.core.journal_page import JournalQuery, page_of  # noqa: PLC0415

    query = JournalQuery(*(str(request.get(name, "")) for name in ("before", "kind", "search")))
    try:
        return page_of(JournalFile(JOURNAL).backwards(), query)
    except OSError as problem:
        raise HostError(f"The journal {JOURNAL} cannot be read: {problem.strerror}.") from problem


def _secret(node: Node, request: Mapping[str, Any]) -> Message:
    """Return the secret that protects the messages of the HA engine, the one that is named or the one in use.

    Only the primary gives the secret away, because the primary makes it.
    """
    if node is not Node.PRIMARY:
        raise ClusterError("Only the primary gives the cluster's secret away.")
    from appliance.cluster.installed import engine_of, installed_engine  # noqa: PLC0415
    from appliance.core.engine_change import TITLES  # noqa: PLC0415

    named = str(request.get("engine"))
    method, secret = (installed_engine(named) if named in TITLES else engine_of(load(CONF))).secret()
    return {"method": method, "secret": secret}
