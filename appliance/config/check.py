"""Checks of values that are right each by itself and wrong together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from appliance.config.conf import Conf
from appliance.config.keys_cluster import EngineChoice
from appliance.config.media import HEARTBEAT_BAUD, Medium
from appliance.config.value_types import ipv4_number
from appliance.core.ip_address import in_subnet
from appliance.core.relay_facts import WATCHDOG_SLACK, Attachment, Falls, RelayFacts
from appliance.core.timing import (
    FENCE_DWELL,
    LAN_ROUND,
    LEAST_TOKENS,
    RELEASE_SLACK,
    TimingPolicy,
    least_wait,
)


@dataclass(frozen=True, slots=True)
class Clash:
    """Conflict of values: that of `key` should be `want`, which names the other keys concerned, if any.

    `of_times`: both are times that contradict each other. A node can run by them, and perhaps has done so for years.
    """

    key: str
    want: str
    of_times: bool = False


def cross_check(conf: Conf) -> tuple[Clash, ...]:
    """Return every clash in `conf`; empty when its values go together."""
    return (
        *_names(conf),
        *_address(conf),
        *_ping(conf),
        *_media(conf),
        *_relay(conf),
        *_timing(conf),
        *_fence(conf),
        *_stonith(conf),
    )


def clashes_with(conf: Conf, engine: EngineChoice) -> tuple[Clash, ...]:
    """Return what in `conf`, in which HAENGINE chooses by itself, `engine` cannot do."""
    others = cross_check(conf)
    return tuple(clash for clash in cross_check(replace(conf, engine=engine)) if clash not in others)


def _names(conf: Conf) -> Iterator[Clash]:
    if conf.primary_name.casefold() == conf.secondary_name.casefold():
        yield Clash("HASECNODE", "another name than HAPRINODE has: they are two machines")


def _address(conf: Conf) -> Iterator[Clash]:
    if not conf.cluster_ip or conf.prefix > 30:  # /31 and /32 have neither network nor broadcast address
        return
    hosts = (1 << (32 - conf.prefix)) - 1
    host = ipv4_number(conf.cluster_ip) & hosts
    if host == 0:
        yield Clash("HACLUSTERIP", f"a host's address, not that of the network (HAPREFIX is {conf.prefix})")
    if host == hosts:
        yield Clash("HACLUSTERIP", f"a host's address, not the broadcast one (HAPREFIX is {conf.prefix})")


def _ping(conf: Conf) -> Iterator[Clash]:
    """Yield the hosts of HAPING that cannot be asked over the LAN, or that would be no sign of the LAN."""
    for host in conf.ping if conf.addresses else ():
        if host in {address.ip for address in conf.addresses}:
            yield Clash(
                "HAPING", "other hosts than the cluster's own addresses, which one of the two nodes has"
            )
        elif not any(in_subnet(host, address.ip, address.prefix) for address in conf.addresses):
            of = " or ".join(f"{address.ip}/{address.prefix}" for address in conf.addresses)
            yield Clash(
                "HAPING", f"of the subnet of {of} (HACLUSTERIP and HAPREFIX, HACLUSTERIP6): {host} is not"
            )


def _media(conf: Conf) -> Iterator[Clash]:
    bauds = {medium.argument or HEARTBEAT_BAUD for medium in conf.media if medium.kind == "serial"}
    if len(bauds) > 1:
        yield Clash("HAMEDIA", "of one baud rate: Heartbeat has one for all its serial lines")
    if conf.engine == "pacemaker" and any(medium.kind != "ucast" for medium in conf.media):
        yield Clash("HAMEDIA", "of 'ucast DEVICE PEERADDR' only: HAENGINE=pacemaker can use no other path")
    if any(_is_cluster_address(medium, conf) for medium in conf.media):
        yield Clash(
            "HAMEDIA", "aimed at the other node's own address, not at HACLUSTERIP or HACLUSTERIP6, which move"
        )


def _is_cluster_address(medium: Medium, conf: Conf) -> bool:
    return medium.kind == "ucast" and medium.argument in {address.ip for address in conf.addresses}


_PLACES = {
    Attachment.SERIAL: "a tty, or blank",
    Attachment.HID: "a /dev/hidraw, or blank",
    Attachment.NETWORK: "the IPv4 address of the device",
}


def _relay(conf: Conf) -> Iterator[Clash]:
    """Yield what contradicts RELAYDRIVER, or the Rhino card."""
    driver, facts = conf.relay_driver, conf.relay_facts
    if not driver:
        if conf.card_installed and conf.relay_device not in ("", str(conf.card_tty)):
            yield Clash("RELAYDEVICE", "blank with RHINOSPF=YES: the Rhino card's tty is RHINOUSB")
        return
    if conf.card_installed:
        yield Clash("RHINOSPF", f"NO with RELAYDRIVER={driver}: one relay moves the line")
    if facts.falls is Falls.NO:
        yield Clash("RELAYDRIVER", f"of a device that falls without power: the {facts.title} does not")
    if conf.relay_attachment not in facts.attachments:
        want = next(place for attachment, place in _PLACES.items() if attachment in facts.attachments)
        yield Clash("RELAYDEVICE", f"{want} with RELAYDRIVER={driver}")
    yield from _relay_watchdog(conf, facts)
    if any(not facts.first <= contact <= facts.last for contact in conf.relay_contacts):
        yield Clash("RELAYCONTACTS", f"from {facts.first} to {facts.last} with RELAYDRIVER={driver}")


def _relay_watchdog(conf: Conf, facts: RelayFacts) -> Iterator[Clash]:
    """Yield what is wrong with the seconds after which the relay's own watchdog releases the line."""
    if not facts.watchdog:
        return
    if conf.relay_watchdog < conf.deadtime:
        yield Clash(
            "RELAYWATCHDOG",
            "at least HADEADTIME, or the line leaves a primary that is not yet taken for dead",
            of_times=True,
        )
    longest = conf.pbx_stop_deadline + RELEASE_SLACK - WATCHDOG_SLACK
    if conf.relay_watchdog > longest:
        yield Clash(
            "RELAYWATCHDOG",
            f"at most {longest:g} s with PBXSTOPDEADLINE={conf.pbx_stop_deadline:g}s, or a primary that does not reach "
            "the device is rebooted before its line has fallen",
            of_times=True,
        )


def _timing(conf: Conf) -> Iterator[Clash]:
    for problem in timing_policy(conf).problems():
        yield Clash(problem.key, problem.want, of_times=True)
    if conf.engine == "pacemaker" and conf.deadtime < LEAST_TOKENS:
        yield Clash(
            "HADEADTIME",
            f"at least {LEAST_TOKENS:g} s with HAENGINE=pacemaker, or a busy machine looks dead",
            of_times=True,
        )


def _fence(conf: Conf) -> Iterator[Clash]:
    """Yield the times by which two nodes that live could cut each other's power (`core/fencing.py`)."""
    least, longest = least_wait(conf.rise), FENCE_DWELL - LAN_ROUND
    if conf.fence and conf.fence_wait < least:
        yield Clash(
            "HAFENCEWAIT",
            f"at least {least:g} s with PROBERISE={conf.rise}, or the secondary cuts the power of a primary whose own "
            "command is under way",
            of_times=True,
        )
    if conf.fence and conf.fall * LAN_ROUND > longest:
        yield Clash(
            "PROBEFALL",
            f"at most {longest / LAN_ROUND:g} with HAFENCE, or a node that has let the cluster address go is shot for "
            "keeping it",
            of_times=True,
        )


def _stonith(conf: Conf) -> Iterator[Clash]:
    if conf.stonith and conf.engine == "heartbeat":
        yield Clash("HASTONITH", "NO with HAENGINE=heartbeat: only Pacemaker asks before it gives service")


def timing_policy(conf: Conf) -> TimingPolicy:
    """Return the times of `conf` as core's TimingPolicy."""
    return TimingPolicy(**{each.name: getattr(conf, each.name) for each in fields(TimingPolicy)})
