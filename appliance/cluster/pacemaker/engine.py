"""Pacemaker on Corosync as a `ClusterEngine`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.cluster.engine import CurrentConf, EngineWatch
from appliance.cluster.pacemaker.installation import (
    CONF_DIR,
    LOG_FILE,
    find_pacemaker,
    is_ours,
    running_identity,
)
from appliance.config import Conf
from appliance.core.engine_traits import EngineTraits
from appliance.core.model import Node
from appliance.core.stranger import Sender
from appliance.core.timing import LEAST_TOKENS

# The modules that an installation or an order needs are imported only when they are used: Pacemaker starts the
# resource agent, which needs the identity alone, at the moment when every millisecond counts.

# The module that becomes fence_asha; it is run as the resource agent's module is.
FENCE_PROGRAM = "appliance.cli.fence_agent"


class PacemakerEngine:
    """The Pacemaker of this machine, with its Corosync."""

    traits = EngineTraits("Pacemaker", loses_requests=False, hears_one_way=False, least_deadtime=LEAST_TOKENS)
    log = LOG_FILE
    script = "ocf"
    services: tuple[str, ...] = ("corosync", "pacemaker")

    def identity(self) -> str:
        return running_identity()

    def watch(self, node: Node, own_name: str, peer_name: str, conf: CurrentConf) -> EngineWatch:
        from appliance.cluster.pacemaker.watch import PacemakerWatch  # noqa: PLC0415

        return PacemakerWatch(node, own_name, peer_name, conf)

    def sender(self, datagram: bytes, *, to_all: bool) -> Sender | None:
        return None if to_all else Sender()  # knet speaks to one machine at a time, encrypted

    def place(self) -> str:
        return str(find_pacemaker().pacemakerd)

    def set_up_at(self) -> float:
        from appliance.cluster.files import written_at  # noqa: PLC0415

        # A package brings a corosync.conf of its own.
        return written_at(CONF_DIR / "corosync.conf") if is_ours(CONF_DIR) else 0.0

    def version(self) -> str:
        from appliance.cluster.pacemaker.commands import version  # noqa: PLC0415

        return version(find_pacemaker())

    def install(self, conf: Conf, node: Node, script: Sequence[str | Path]) -> None:
        from appliance.cluster.pacemaker.config_files import (  # noqa: PLC0415
            install,
            install_fence_agent,
            install_resource_agent,
        )

        paths = find_pacemaker()
        if conf.stonith:  # before the CIB, which names it
            install_fence_agent(paths.fence_dir, (*script[:-1], FENCE_PROGRAM))
        install(conf, node, paths)
        install_resource_agent(paths, script)

    def in_the_way(self, conf: Conf) -> str:
        from appliance.cluster.pacemaker.config_files import foreign_cluster, own_address  # noqa: PLC0415
        from appliance.cluster.pacemaker.corosync import links, times  # noqa: PLC0415

        paths = find_pacemaker()
        times(conf)
        links(conf, own_address)
        return foreign_cluster(paths)

    def retire(self) -> None:
        from appliance.cluster.pacemaker.config_files import retire  # noqa: PLC0415

        retire(find_pacemaker().conf_dir)

    def start(self) -> None:
        from appliance.cluster.pacemaker.commands import start_engine  # noqa: PLC0415

        start_engine(find_pacemaker())

    def stop(self, releasing: Callable[[], bool] = lambda: False) -> bool:
        from appliance.cluster.pacemaker.commands import stop_engine  # noqa: PLC0415

        return stop_engine(find_pacemaker(), releasing)

    def restart(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        from appliance.cluster.pacemaker.commands import restart_engine  # noqa: PLC0415

        restart_engine(find_pacemaker(), meanwhile)

    def standby(self) -> None:
        from appliance.cluster.pacemaker.commands import wish  # noqa: PLC0415

        wish(find_pacemaker(), os.uname().nodename, here=False)

    def takeover(self) -> None:
        from appliance.cluster.pacemaker.commands import wish  # noqa: PLC0415

        wish(find_pacemaker(), os.uname().nodename, here=True)

    def has_secret(self) -> bool:
        return self.secret_file().exists()

    def secret_file(self) -> Path:
        from appliance.cluster.pacemaker.config_files import AUTHKEY  # noqa: PLC0415

        return find_pacemaker().conf_dir / AUTHKEY

    def secret(self) -> tuple[str, str]:
        from appliance.cluster.pacemaker.config_files import METHOD, made_key  # noqa: PLC0415

        return METHOD, made_key(find_pacemaker().conf_dir)

    def take_secret(self, method: str, secret: str) -> None:
        from appliance.cluster.pacemaker.config_files import place_key  # noqa: PLC0415

        place_key(find_pacemaker().conf_dir, method, secret)
