"""The site as the agent knows it: conf and which node this is. A reload replaces the conf."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.config import Conf
from appliance.core.decide import WatchPolicy
from appliance.core.health import ProbePolicy
from appliance.core.model import Node
from appliance.core.transfer import Policy, Witness

# How long a release may take before it is called blocked, beyond Asterisk's own stop deadline; seconds.
_RELEASE_SLACK = 5.0


@dataclass(slots=True)
class Site:
    """Conf and node, and core's policies made from them."""

    conf: Conf
    node: Node

    @property
    def has_card(self) -> bool:
        """This node carries the relay card."""
        return self.conf.card_installed and self.node is Node.PRIMARY

    @property
    def own_name(self) -> str:
        """This node's name, as Heartbeat has it."""
        return self.conf.primary_name if self.node is Node.PRIMARY else self.conf.secondary_name

    @property
    def peer_name(self) -> str:
        """The other node's name."""
        return self.conf.secondary_name if self.node is Node.PRIMARY else self.conf.primary_name

    @property
    def transfer_policy(self) -> Policy:
        """For a transfer on this node."""
        conf = self.conf
        return Policy(
            node=self.node,
            has_card=self.has_card,
            has_line=conf.card_installed or bool(conf.card_spans),
            witness=Witness(conf.witness),
            witness_wait=conf.witness_wait,
            line_deadline=conf.line_deadline,
            dchannel_deadline=conf.dchannel_deadline,
            pbx_start_deadline=conf.pbx_start_deadline,
            pbx_stop_deadline=conf.pbx_stop_deadline,
            release_deadline=conf.pbx_stop_deadline + _RELEASE_SLACK,
        )

    @property
    def watch_policy(self) -> WatchPolicy:
        """For the watch over a serving node."""
        conf = self.conf
        return WatchPolicy(
            restart_allowed=conf.restart,
            deadtime=conf.deadtime,
            line_dwell=conf.line_dwell,
            move_dwell=conf.move_dwell,
        )

    @property
    def probe_policy(self) -> ProbePolicy:
        """Silent for `fall` rounds, and for as long as those rounds last."""
        conf = self.conf
        return ProbePolicy(rise=conf.rise, fall=conf.fall, dwell=(conf.fall - 1) * conf.probe_period)
