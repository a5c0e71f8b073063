"""The two nodes beside each other: what must be alike, what they hear of each other, and their clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from appliance.core.host_check.finding import (
    Finding,
    Level,
    NodeReport,
    fine,
    not_known,
    warning,
    worst_of,
    wrong,
)

CLOCK_WARNING, CLOCK_ERROR = 1.0, 30.0
"""Seconds between the nodes' clocks from which that is a warning, and an error."""

HEARING = "hearing"
AUTHKEYS = "authkeys"
ENGINE_TITLE = "engine"
VERSIONS = ("asha", "Asterisk", "HA engine")
CONF = "conf "
"""The beginning of the names of facts that are values of the conf file."""


def compare(here: NodeReport, peer: NodeReport, sent: float, received: float) -> tuple[Finding, ...]:
    """Return what the reports of the two nodes say beside each other.

    `sent` and `received` are epoch seconds of this node's clock, when it asked for the peer's report and had it.
    """
    named = {
        "nodes": _nodes(here, peer),
        ENGINE_TITLE: _engine(here, peer),
        AUTHKEYS: _authkeys(here, peer),
        "conf alike": _conf(here, peer),
        "versions": _versions(here, peer),
        "clocks": judge_clocks(peer.time - received, peer.time - sent - peer.took),
        "each way": _hearing(here, peer),
    }
    return tuple(replace(finding, what=what) for what, finding in named.items())


def _nodes(here: NodeReport, peer: NodeReport) -> Finding:
    if here.node and here.node == peer.node:
        return wrong(
            f"Both machines say that they are the {here.node} ({here.name}, {peer.name}).",
            "Make HAPRINODE and HASECNODE the same in both conf files, as 'uname -n' prints them.",
        )
    if not (here.node and peer.node):
        return wrong(
            "The conf file of one of the machines does not name it.", "See the line 'conf' of that node."
        )
    return fine(f"{here.name} is the {here.node}, {peer.name} the {peer.node}")


def _engine(here: NodeReport, peer: NodeReport) -> Finding:
    ours, theirs = here.facts.get(ENGINE_TITLE), peer.facts.get(ENGINE_TITLE)
    if not ours or not theirs:
        return not_known("Not both nodes say which HA engine they have.")
    if ours != theirs:
        return wrong(
            f"{here.name} has {ours} and {peer.name} has {theirs}: neither hears the other, and both would serve.",
            "Stop HA on both nodes, then name one of them for both: asha conf set HAENGINE NAME.",
        )
    return fine(f"{ours} on both nodes")


def _authkeys(here: NodeReport, peer: NodeReport) -> Finding:
    """Compare fingerprints: the secret itself is in no report."""
    ours, theirs = here.facts.get(AUTHKEYS), peer.facts.get(AUTHKEYS)
    if not ours or not theirs:
        missing = " and ".join(report.name for report in (here, peer) if not report.facts.get(AUTHKEYS))
        return not_known(
            f"The cluster's secret of {missing} could not be read.", "See the line HA engine there."
        )
    if ours != theirs:
        return wrong(
            "The nodes have different secrets, so neither believes the other's messages.",
            "Copy the primary's to the secondary with its mode (scp -p), and start HA there again: /etc/ha.d/authkeys, "
            "or /etc/corosync/authkey where Corosync carries the messages.",
        )
    return fine("both nodes have the same secret")


def _conf(here: NodeReport, peer: NodeReport) -> Finding:
    names = sorted(name for name in {*here.facts, *peer.facts} if name.startswith(CONF))
    differ = [name for name in names if here.facts.get(name) != peer.facts.get(name)]
    if not names:
        return not_known("No value of the conf files could be compared.")
    if not differ:
        return fine("the values that both nodes need alike are alike")
    listed = "; ".join(
        f"{name.removeprefix(CONF)} is {here.facts.get(name, 'not said')} on {here.name} and "
        f"{peer.facts.get(name, 'not said')} on {peer.name}"
        for name in differ
    )
    return wrong(
        f"The conf files differ: {listed}.", "Make them alike: asha conf set KEY VALUE on one of them."
    )


def _versions(here: NodeReport, peer: NodeReport) -> Finding:
    return worst_of(_differing(here, peer), "the same of " + ", ".join(VERSIONS) + " on both nodes")


def _differing(here: NodeReport, peer: NodeReport) -> Iterator[Finding]:
    for program in VERSIONS:
        ours, theirs = here.facts.get(program), peer.facts.get(program)
        if not ours or not theirs:
            where = " and ".join(report.name for report in (here, peer) if not report.facts.get(program))
            yield not_known(
                f"The version of {program} on {where} could not be read.",
                f"Try '{program.lower()} -V' there.",
            )
        elif ours != theirs:
            yield warning(
                f"{program} is {ours} on {here.name} and {theirs} on {peer.name}.",
                "Bring both to the newer version.",
            )


def judge_clocks(least: float, most: float) -> Finding:
    """Judge how far the peer's clock is ahead of ours: surely between `least` and `most` seconds."""
    least, most = min(least, most), max(least, most)
    sure = 0.0 if least <= 0 <= most else min(abs(least), abs(most))
    way = "ahead of" if least > 0 else "behind"
    if sure <= CLOCK_WARNING:
        return fine(f"the clocks agree to {max(abs(least), abs(most)):.1f} s or better")
    make = wrong if sure > CLOCK_ERROR else warning
    return make(
        f"The other node's clock is at least {sure:.1f} s {way} ours.",
        "Have both nodes keep their time by NTP.",
    )


def _hearing(here: NodeReport, peer: NodeReport) -> Finding:
    """Compare what each node hears; one way alone is a firewall or a half-broken cable, not a dead node."""
    ours, theirs = (_finding(report, HEARING) for report in (here, peer))
    if ours is None or theirs is None:
        return not_known("Not both nodes say whether they hear each other.")
    if (ours.level == Level.ERROR) == (theirs.level == Level.ERROR):
        if ours.level == Level.ERROR:
            return wrong("Neither node hears the other whole.", "See the lines hearing and firewall of both.")
        return fine("the nodes hear each other alike")
    deaf, heard = (here, peer) if ours.level == Level.ERROR else (peer, here)
    return wrong(
        f"{deaf.name} does not hear {heard.name} as {heard.name} hears {deaf.name}: something on the way to "
        f"{deaf.name}, most likely its firewall, drops the messages.",
        f"Allow the UDP port of HAUDPPORT in on {deaf.name} from {heard.name}.",
    )


def _finding(report: NodeReport, what: str) -> Finding | None:
    return next((finding for finding in report.findings if finding.what == what), None)
