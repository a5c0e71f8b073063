"""Command `asha check`: check at once everything that should be right before the HA engine is started."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from appliance.cli.terminal import ShownLine, Tone, show
from appliance.config import Conf, load, which_node
from appliance.control.status import ask_status
from appliance.core.errors import AshaError, HostError
from appliance.core.model import Node
from appliance.core.reading import Unknown
from appliance.core.text import printable
from appliance.host.clock import SystemClock
from appliance.host.paths import CONF, PANEL_DIR
from appliance.host.process import find_program


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check: what was checked, whether it is right, and what was seen or what to do."""

    what: str
    right: bool
    says: str


@click.command()
@click.option("--conf", "path", type=click.Path(path_type=Path), default=CONF, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def check(path: Path, as_json: bool) -> None:
    """Look at the conf file, Heartbeat, Asterisk, card, line, address and agent, and say what is not right."""
    findings = list(_all(path))
    if as_json:
        import json  # noqa: PLC0415
        from dataclasses import asdict  # noqa: PLC0415

        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        show(map(_shown, findings))
    wrong = sum(not finding.right for finding in findings)
    if wrong:
        raise HostError(f"{wrong} of {len(findings)} checks failed.")


def _shown(finding: Finding) -> ShownLine:
    mark, tone = ("ok ", Tone.GOOD) if finding.right else ("NOT", Tone.BAD)
    head = f"{mark}  {finding.what:<11} "
    return ShownLine(head + printable(finding.says), len(head), tone)


def _all(path: Path) -> Iterator[Finding]:
    try:
        conf = load(path)
        node = which_node(conf, os.uname().nodename)
    except AshaError as problem:
        yield Finding("conf", False, str(problem))
        return
    yield Finding("conf", True, f"{path} has no problem; this node is the {node.value}")
    yield from (_tried(what, looked, conf, node) for what, looked in _CHECKS if _applies(what, conf, node))


def _applies(what: str, conf: Conf, node: Node) -> bool:
    if what in ("card", "card tool"):
        return conf.card_installed and node is Node.PRIMARY and (what == "card" or conf.card_driver == "tool")
    if what == "panel":
        return conf.panel_on and PANEL_DIR.is_dir()  # the package creates the directory
    if what == "bind":
        return bool(conf.cluster_ip)
    return what != "line" or conf.card_installed or bool(conf.card_spans)


def _tried(what: str, looked: Callable[[Conf, Node], str], conf: Conf, node: Node) -> Finding:
    try:
        return Finding(what, True, looked(conf, node))
    except AshaError as problem:
        return Finding(what, False, str(problem))


def _address(conf: Conf, node: Node) -> str:
    if not conf.cluster_ip:
        raise HostError("HACLUSTERIP is empty.", todo="Set it: asha conf set HACLUSTERIP ADDRESS.")
    from appliance.net.address import check_interface, read_interface  # noqa: PLC0415

    return check_interface(read_interface(conf.device), conf.cluster_ip, conf.prefix)


def _heartbeat(conf: Conf, node: Node) -> str:
    from appliance.cluster.installed import installed_engine  # noqa: PLC0415

    return f"found at {installed_engine().place()}"


def _asterisk(conf: Conf, node: Node) -> str:
    return f"found at {find_program(conf.pbx_program)}"


def _bind(conf: Conf, node: Node) -> str:
    from appliance.pbx.bindings import narrow_bindings  # noqa: PLC0415

    narrow = narrow_bindings(conf.asterisk_dir)
    if not narrow:
        return "Asterisk listens on every address, the cluster address too"
    named = "; ".join(f"{one.file}, line {one.line}: {one.key} is {one.address}" for one in narrow)
    raise HostError(
        f"Asterisk is tied to one address ({named}), and has to answer on {conf.cluster_ip}, which moves, and to "
        "asha on 127.0.0.1.",
        todo="Write 0.0.0.0 there; in SARK, switch off the binding to the cluster address.",
    )


def _card(conf: Conf, node: Node) -> str:
    from appliance.hw.discovery import find_card  # noqa: PLC0415

    found = find_card(conf, SystemClock().now())
    if isinstance(found, Unknown):
        raise HostError(f"It could not be looked for: {found.reason}.")
    if found.value is None:
        raise HostError(f"It is not at {conf.card_tty}.", todo="Check its cable and RHINOUSB.")
    return f"at {found.value.tty}"


def _card_tool(conf: Conf, node: Node) -> str:
    if not os.access(conf.card_tool, os.X_OK):
        raise HostError(
            f"{conf.card_tool} is not there or not executable.", todo="Install it, or set RHINOTOOL."
        )
    return str(conf.card_tool)


def _line(conf: Conf, node: Node) -> str:
    from appliance.dahdi.line import read_line  # noqa: PLC0415
    from appliance.dahdi.spans import read_spans  # noqa: PLC0415

    now = SystemClock().now()
    reading = read_line(read_spans(conf.dahdi_root, now), conf.card_spans, now)
    if isinstance(reading, Unknown):
        raise HostError(f"It cannot be seen: {reading.reason}.")
    return f"{reading.value.value}: {reading.why}" if reading.why else reading.value.value


def _panel(conf: Conf, node: Node) -> str:
    from appliance.panel.server.certificate import WARN_DAYS, days_left, read_certificate  # noqa: PLC0415
    from appliance.panel.server.reach import reach  # noqa: PLC0415

    left = days_left(read_certificate(conf.panel_cert), SystemClock().wall())
    if left < WARN_DAYS:
        renew = "asha panel certificate --renew, then service asha-panel restart"
        raise HostError(
            f"{conf.panel_cert} {'is good for ' + str(left) + ' days' if left >= 0 else 'has expired'}.",
            todo=f"Renew it: {renew}, or put the site's own in place.",
        )
    if conf.panel_key.exists() and conf.panel_key.stat().st_mode & 0o007:
        raise HostError(f"{conf.panel_key} can be read by everybody.", todo=f"chmod o-rwx {conf.panel_key}")
    reach(conf)
    return f"on {conf.panel_addr}:{conf.panel_port}, its certificate is good for {left} days"


def _alerts(conf: Conf, node: Node) -> str:
    from appliance.notify.notice import way_names  # noqa: PLC0415
    from appliance.notify.spool import Spool  # noqa: PLC0415

    ways, known = way_names(conf), Spool().ways().by_name
    if not ways:
        return "nobody is told of anything: no way out is set up ('asha notify')"
    failing = [f"{name}: {known[name].problem}" for name in ways if name in known and known[name].problem]
    if failing:
        raise HostError(f"Alerts do not go out by {'; '.join(failing)}.", todo="Try it: asha notify test.")
    return f"by {', '.join(ways)}"


def _agent(conf: Conf, node: Node) -> str:
    return ask_status(deadline=2.0).headline


_CHECKS: tuple[tuple[str, Callable[[Conf, Node], str]], ...] = (
    ("address", _address),
    ("Heartbeat", _heartbeat),
    ("Asterisk", _asterisk),
    ("bind", _bind),
    ("card", _card),
    ("card tool", _card_tool),
    ("line", _line),
    ("panel", _panel),
    ("alerts", _alerts),
    ("agent", _agent),
)
