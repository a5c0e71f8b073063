"""Heartbeat's three configuration files, made from the conf file."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.cluster.heartbeat.api import CLIENT_NAME
from appliance.cluster.heartbeat.authkeys import FILE_NAME, settle_secret
from appliance.cluster.heartbeat.files import write_if_changed
from appliance.cluster.heartbeat.install_script import RESOURCE_NAME
from appliance.cluster.heartbeat.paths import LOG_FILE
from appliance.config import Conf
from appliance.core.errors import ClusterError
from appliance.core.model import Node

if TYPE_CHECKING:
    from jinja2 import Environment

DEFAULT_BAUD = "19200"


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A configuration file of Heartbeat with its wanted content; `path` is relative to ha.d."""

    path: Path
    text: str
    mode: int


def render(conf: Conf, secret: str | None, *, log_file: Path = LOG_FILE) -> tuple[RenderedFile, ...]:
    """Return ha.cf, haresources and, when `secret` is given, authkeys.

    Raises ClusterError when HACLUSTERIP is empty, or when HAMEDIA asks for several baud rates.
    """
    if not conf.cluster_ip:
        raise ClusterError(
            "The cluster has no address yet.",
            todo="Set it with 'asha conf set HACLUSTERIP ADDRESS' on both nodes.",
        )
    files = [
        RenderedFile(Path("ha.cf"), _fill("ha.cf.j2", **_ha_cf_values(conf, log_file)), 0o644),
        RenderedFile(Path("haresources"), _fill("haresources.j2", conf=conf, resource=RESOURCE_NAME), 0o644),
    ]
    if secret is not None:
        files.append(RenderedFile(Path(FILE_NAME), _fill("authkeys.j2", secret=secret), 0o600))
    return tuple(files)


def install(
    conf: Conf, node: Node, ha_dir: Path = Path("/etc/ha.d"), *, secret: str = "", log_file: Path = LOG_FILE
) -> tuple[Path, ...]:
    """Bring the files in `ha_dir` up to date, each atomically, and return those that changed.

    An existing authkeys keeps its secret (its mode is corrected) unless `secret` is given. Without an
    authkeys, the primary makes a secret, and the secondary gets a ClusterError that says how to copy it.
    """
    settled = settle_secret(ha_dir, node, given=secret, peer=conf.primary_name, ssh_port=conf.ssh_port)
    rendered = render(conf, settled, log_file=log_file)
    changed = [
        ha_dir / file.path for file in rendered if write_if_changed(ha_dir / file.path, file.text, file.mode)
    ]
    if settled is None and _tighten(ha_dir / FILE_NAME):
        changed.append(ha_dir / FILE_NAME)
    return tuple(changed)


def heartbeat_time(seconds: float) -> str:
    """Return a time as ha.cf wants it: whole milliseconds with `ms`, or whole seconds.

    Source: Heartbeat's own notation.
    """
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 1000}" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def _tighten(path: Path) -> bool:
    """Give authkeys mode 0600 and return True when it had another mode.

    Heartbeat refuses to start with an authkeys file that others can read.
    """
    return write_if_changed(path, path.read_text(encoding="utf-8"), 0o600)


def _ha_cf_values(conf: Conf, log_file: Path) -> dict[str, object]:
    bauds = {medium.argument or DEFAULT_BAUD for medium in conf.media if medium.kind == "serial"}
    if len(bauds) > 1:
        raise ClusterError(
            f"HAMEDIA asks for the baud rates {', '.join(sorted(bauds))}; Heartbeat has one rate for all serial media."
        )
    return {"conf": conf, "baud": next(iter(bauds), None), "log_file": log_file, "client": CLIENT_NAME}


def _fill(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> Environment:
    import jinja2  # noqa: PLC0415 - 8 MB that only an install needs

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("appliance.cluster.heartbeat"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - configuration text; every value was checked when the conf was read
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["time"] = heartbeat_time
    return environment
