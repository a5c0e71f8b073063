"""Heartbeat as a `ClusterEngine`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.cluster.engine import CurrentConf, EngineWatch
from appliance.cluster.heartbeat.config_files import FILE_NAME as AUTHKEYS
from appliance.cluster.heartbeat.installation import LOG_FILE, find_heartbeat, kept_conf_dirs, knows_medium
from appliance.cluster.heartbeat.status import running_master
from appliance.config import Conf
from appliance.core.engine_traits import EngineTraits
from appliance.core.errors import ClusterError
from appliance.core.model import Node
from appliance.core.stranger import Sender

# The modules that an installation or an order needs are imported only when they are used: Heartbeat starts
# the resource script, which needs the identity alone, at the moment when every millisecond counts.


class HeartbeatEngine:
    """The Heartbeat of this machine."""

    traits = EngineTraits("Heartbeat", loses_requests=True)
    log = LOG_FILE
    script = "resource"
    services: tuple[str, ...] = ("heartbeat",)

    def identity(self) -> str:
        return running_master()

    def watch(self, node: Node, own_name: str, peer_name: str, conf: CurrentConf) -> EngineWatch:
        from appliance.cluster.heartbeat.watch import HeartbeatWatch  # noqa: PLC0415

        return HeartbeatWatch(node, own_name, peer_name, lambda: [medium.device for medium in conf().media])

    def sender(self, datagram: bytes, *, to_all: bool) -> Sender | None:
        from appliance.cluster.heartbeat.messages import sender_of  # noqa: PLC0415

        return sender_of(datagram)

    def place(self) -> str:
        return str(find_heartbeat().daemon)

    def set_up_at(self) -> float:
        from appliance.cluster.files import written_at  # noqa: PLC0415

        return max(written_at(place / "ha.cf") for place in kept_conf_dirs())

    def version(self) -> str:
        from appliance.cluster.heartbeat.commands import version  # noqa: PLC0415

        return version(find_heartbeat())

    def install(self, conf: Conf, node: Node, script: Sequence[str | Path]) -> None:
        from appliance.cluster.heartbeat.config_files import install, install_resource_script  # noqa: PLC0415

        paths = find_heartbeat()
        _check_media(conf)
        install(conf, node, paths.ha_dir, log_file=self.log)
        install_resource_script(paths.resource_dir, script)

    def in_the_way(self, conf: Conf) -> str:
        from appliance.cluster.heartbeat.config_files import foreign_file, render  # noqa: PLC0415

        paths = find_heartbeat()
        _check_media(conf)
        render(conf, None)
        return foreign_file(paths.ha_dir)

    def retire(self) -> None:
        from appliance.cluster.heartbeat.config_files import retire  # noqa: PLC0415

        retire(find_heartbeat().ha_dir)

    def start(self) -> None:
        from appliance.cluster.heartbeat.commands import start_engine  # noqa: PLC0415

        start_engine(find_heartbeat())

    def stop(self, releasing: Callable[[], bool] = lambda: False) -> bool:
        from appliance.cluster.heartbeat.commands import stop_engine  # noqa: PLC0415

        return stop_engine(find_heartbeat(), releasing)

    def restart(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        from appliance.cluster.heartbeat.commands import restart_engine  # noqa: PLC0415

        restart_engine(find_heartbeat(), meanwhile)

    def standby(self) -> None:
        from appliance.cluster.heartbeat.commands import standby  # noqa: PLC0415

        standby(find_heartbeat())

    def takeover(self) -> None:
        from appliance.cluster.heartbeat.commands import takeover  # noqa: PLC0415

        takeover(find_heartbeat())

    def has_secret(self) -> bool:
        return self.secret_file().exists()

    def secret_file(self) -> Path:
        return find_heartbeat().ha_dir / AUTHKEYS

    def secret(self) -> tuple[str, str]:
        from appliance.cluster.heartbeat.config_files import made_key  # noqa: PLC0415

        return made_key(find_heartbeat().ha_dir)

    def take_secret(self, method: str, secret: str) -> None:
        from appliance.cluster.heartbeat.config_files import place_key  # noqa: PLC0415

        place_key(find_heartbeat().ha_dir, method, secret)


def _check_media(conf: Conf) -> None:
    if any(":" in medium.argument for medium in conf.media) and not knows_medium("ucast6"):
        raise ClusterError(
            "HAMEDIA has an IPv6 address, and this Heartbeat has no ucast6.",
            todo="Name the other node's IPv4 address, or a serial line.",
        )
