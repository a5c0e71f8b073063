"""The site as the agent knows it: the conf, and which node this is.

A reload replaces the conf.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.config import Conf
from appliance.core.decide import WatchPolicy
from appliance.core.fencing import FencePolicy
from appliance.core.health import ProbePolicy
from appliance.core.model import Node
from appliance.core.timing import RELEASE_SLACK
from appliance.core.transfer import Policy, Witness


@dataclass(slots=True)
class ThisNode:
    """The conf and the node, with the policies of `core` made from them.

    The policies are made once for each conf, since every turn of the cycle needs them.
    """

    conf: Conf
    node: Node
    transfer_policy: Policy = field(init=False)
    watch_policy: WatchPolicy = field(init=False)
    probe_policy: ProbePolicy = field(init=False)
    fence_policy: FencePolicy = field(init=False)

    def __post_init__(self) -> None:
        self.adopt(self.conf)

    def adopt(self, conf: Conf) -> None:
        """Work by `conf` from now on."""
        self.conf = conf
        self.transfer_policy = _transfer_policy(conf, self.node)
        self.watch_policy = WatchPolicy(
            restart_allowed=conf.restart,
            deadtime=conf.deadtime,
            line_dwell=conf.line_dwell,
            move_dwell=conf.move_dwell,
            follows_line=conf.line_fail == "FAILOVER",
            move_limit=conf.move_limit,
        )
        self.fence_policy = FencePolicy(bool(conf.fence), conf.fence_wait, conf.rise)
        # A probe counts as silent after `fall` silent rounds that took about as long as such rounds take: one that is a
        # little early must not cost a whole round more.
        self.probe_policy = ProbePolicy(conf.rise, conf.fall, 0.9 * (conf.fall - 1) * conf.probe_period)

    @property
    def has_card(self) -> bool:
        """True when this node carries the relay card."""
        return self.transfer_policy.has_card

    @property
    def own_name(self) -> str:
        """The name of this node, as Heartbeat knows it."""
        return self.conf.primary_name if self.node is Node.PRIMARY else self.conf.secondary_name

    @property
    def peer_name(self) -> str:
        """The name of the other node."""
        return self.conf.secondary_name if self.node is Node.PRIMARY else self.conf.primary_name


def _transfer_policy(conf: Conf, node: Node) -> Policy:
    return Policy(
        node=node,
        has_card=conf.relay_installed and node is Node.PRIMARY,
        has_line=conf.has_line,
        witness=Witness(conf.witness),
        witness_wait=conf.witness_wait,
        line_deadline=conf.line_deadline,
        dchannel_deadline=conf.dchannel_deadline,
        pbx_start_deadline=conf.pbx_start_deadline,
        pbx_stop_deadline=conf.pbx_stop_deadline,
        release_deadline=conf.pbx_stop_deadline + RELEASE_SLACK,
        frees_after=conf.relay_freed_after if conf.relay_installed else 0.0,
        stonith=conf.stonith,
        # An Asterisk that binds to the cluster address cannot start where that is not.
        prepares=conf.pbx_prepare and conf.lan_source != "bind",
    )
