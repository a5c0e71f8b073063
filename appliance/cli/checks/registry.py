"""Every check of a node, in the order in which it is shown, and the facts that the nodes compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance import __version__
from appliance.cli.checks import fence, machine, network, own, pbx, starters
from appliance.cli.checks.look import HostCheck, Scene
from appliance.config import Conf
from appliance.config.key import Effect, Group
from appliance.config.schema import KEYS
from appliance.core.host_check.pair import AUTHKEYS, CONF, ENGINE_TITLE, HEARING
from appliance.core.model import Node
from appliance.host.release import has_runtime


def _has_address(conf: Conf, node: Node) -> bool:
    return bool(conf.addresses)


def _has_card(conf: Conf, node: Node) -> bool:
    return conf.relay_installed and node is Node.PRIMARY


def _sees_card(conf: Conf, node: Node) -> bool:
    """Tell whether this node can look at the relay: both can at one on the network."""
    return conf.relay_installed and (node is Node.PRIMARY or conf.relay_on_network)


def _has_port(conf: Conf, node: Node) -> bool:
    return _has_card(conf, node) and not conf.relay_on_network


def _has_tool(conf: Conf, node: Node) -> bool:
    return conf.card_installed and node is Node.PRIMARY and conf.card_driver == "tool"


def _has_line(conf: Conf, node: Node) -> bool:
    return conf.has_line


def _has_fence(conf: Conf, node: Node) -> bool:
    return bool(conf.fence)


def _has_runtime(conf: Conf, node: Node) -> bool:
    return has_runtime()


def _has_stonith(conf: Conf, node: Node) -> bool:
    return conf.stonith


def _has_panel(conf: Conf, node: Node) -> bool:
    return own.has_panel(conf)


CHECKS: tuple[HostCheck, ...] = (
    HostCheck("name", machine.name),
    HostCheck("address", network.address),
    HostCheck("in use", network.holder, _has_address),
    HostCheck("links", network.paths),
    HostCheck("firewall", network.firewall),
    HostCheck(HEARING, network.hearing),
    HostCheck("HA troubles", network.troubles),
    HostCheck("HA engine", own.engine),
    HostCheck("Asterisk", pbx.installed),
    HostCheck("bind", pbx.bind, _has_address),
    HostCheck("user", pbx.user),
    HostCheck("asked", pbx.asked),
    HostCheck("boot", starters.boot),
    HostCheck("restarts", starters.restarters),
    HostCheck("card", own.card, _sees_card),
    HostCheck("card falls", own.card_falls, _has_card),
    HostCheck("card if off", own.card_at_poweroff, _has_card),
    HostCheck("card tool", own.card_tool, _has_tool),
    HostCheck("card's port", starters.grabbers, _has_port),
    HostCheck("line", own.line, _has_line),
    HostCheck("machine", machine.pauses),
    HostCheck("panic", machine.panic),
    HostCheck("watchdog", machine.watchdog),
    HostCheck("fence", fence.fence, _has_fence),
    HostCheck("stonith", fence.stonith, _has_stonith),
    HostCheck("time", machine.time_service),
    HostCheck("disks", machine.disks),
    HostCheck("runtime", machine.runtime, _has_runtime),
    HostCheck("ssh", own.ssh),
    HostCheck("panel", own.panel, _has_panel),
    HostCheck("alerts", own.alerts),
    HostCheck("agent", own.agent),
)


def _alike() -> dict[str, Callable[[Scene], str]]:
    """Return the keys of the conf file that both nodes must have alike, each with what tells its value.

    They are those of the pair and its engine, but for those of which each node has its own value.
    """
    keys = [
        key
        for key in KEYS
        if (key.group in (Group.PAIR, Group.HEARTBEAT) or key.effect is Effect.ENGINE_OFF)
        and not key.per_node
    ]
    return {f"{CONF}{key.name}": lambda scene, key=key: key.text(scene.conf) for key in keys}  # type: ignore[misc]


FACTS: Mapping[str, Callable[[Scene], str]] = {
    "asha": lambda scene: __version__,
    "Asterisk": pbx.version,
    "HA engine": own.engine_version,
    ENGINE_TITLE: own.engine_title,
    AUTHKEYS: own.secret_fingerprint,
    **_alike(),
}
