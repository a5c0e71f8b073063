"""Looks at what asha itself needs: engine, card, line, page, alerts, agent, and the way to the other node."""

from __future__ import annotations

import os

from appliance.cli.checks.look import Scene
from appliance.cli.local_time import format_day
from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.host_check.finding import Finding, fine, not_known, warning, wrong
from appliance.core.host_check.own import judge_ways
from appliance.core.host_check.relay import judge_fall, judge_poweroff
from appliance.core.ip_address import with_port
from appliance.core.poweroff_drill import relay_name
from appliance.core.reading import Unknown
from appliance.host.paths import PANEL_DIR, POWEROFF_DRILLS, SSH_KEYS

SSH_PATIENCE = 8.0
"""Seconds for the other node's answer to one question: less than a look has."""


def engine(scene: Scene) -> Finding:
    """Look for the cluster engine."""
    from appliance.cluster.installed import NONE_INSTALLED, chosen_engine, engines  # noqa: PLC0415

    installed, why = chosen_engine(scene.conf.engine, scene.conf)
    if why == NONE_INSTALLED:
        titles = " nor ".join(engine.traits.title for engine in reversed(engines()))
        raise HostError(
            f"Neither {titles} is installed.", todo="docs/install.md says which one this host can have."
        )
    return fine(f"{installed.traits.title}, found at {installed.place()}; {why}")


def engine_title(scene: Scene) -> str:
    """Return the title of the cluster engine, whether it is installed or not."""
    from appliance.cluster.installed import engine_of  # noqa: PLC0415

    return engine_of(scene.conf).traits.title


def engine_version(scene: Scene) -> str:
    """Return the version of the cluster engine. Raises HostError, ClusterError."""
    from appliance.cluster.installed import engine_of  # noqa: PLC0415

    return engine_of(scene.conf).version()


def secret_fingerprint(scene: Scene) -> str:
    """Return a fingerprint of the secret with which the nodes sign their messages, "" when there is none.

    Raises HostError, ClusterError.
    """
    from appliance.cluster.installed import engine_of  # noqa: PLC0415
    from appliance.cluster.secret import secret_fingerprint as of_engine  # noqa: PLC0415

    return of_engine(engine_of(scene.conf))


def card(scene: Scene) -> Finding:
    """Look for the relay card."""
    from appliance.hw.drivers import find_relay  # noqa: PLC0415

    found = find_relay(scene.conf, scene.clock)
    if isinstance(found, Unknown):
        return not_known(f"It could not be looked for: {found.reason.rstrip('.')}.")
    if found.value is None:
        conf = scene.conf
        return wrong(f"It is not at {conf.relay_tty}.", f"Check its cable and {conf.relay_tty_key}.")
    return fine(f"at {found.value.tty}")


def card_falls(scene: Scene) -> Finding:
    """Judge whether the line goes to the secondary when the relay loses its power."""
    return judge_fall(scene.conf.relay_facts, on_network=scene.conf.relay_on_network)


def card_at_poweroff(scene: Scene) -> Finding:
    """Judge what people saw of the relay when this machine was switched off."""
    from appliance.hw.poweroff_drills import drills_file  # noqa: PLC0415

    drills = drills_file(scene.root / POWEROFF_DRILLS.relative_to("/")).load()
    return judge_poweroff(drills.of(relay_name(scene.conf.relay_driver)), format_day)


def card_tool(scene: Scene) -> Finding:
    """Look for the vendor's program."""
    tool = scene.conf.card_tool
    if not os.access(tool, os.X_OK):
        return wrong(f"{tool} is not there or not executable.", "Install it, or set RHINOTOOL.")
    return fine(str(tool))


def line(scene: Scene) -> Finding:
    """Look at the spans: what do they say of the line?"""
    from appliance.dahdi.line import read_line  # noqa: PLC0415
    from appliance.dahdi.spans import read_spans  # noqa: PLC0415

    conf, now = scene.conf, scene.clock.now()
    reading = read_line(read_spans(conf.dahdi_root, now), conf.card_spans, now)
    if isinstance(reading, Unknown):
        return not_known(f"It cannot be seen: {reading.reason}.")
    return fine(f"{reading.value.value}: {reading.why}" if reading.why else reading.value.value)


def has_panel(conf: Conf) -> bool:
    """Return whether this node has the page; the package creates the directory."""
    return conf.panel_on and PANEL_DIR.is_dir()


def panel(scene: Scene) -> Finding:
    """Look at the page's certificate, its key and its address."""
    from appliance.panel.server.certificate import WARN_DAYS, days_left, read_certificate  # noqa: PLC0415
    from appliance.panel.server.reach import reach  # noqa: PLC0415

    conf = scene.conf
    left = days_left(read_certificate(conf.panel_cert), scene.clock.wall())
    if left < WARN_DAYS:
        renew = "asha panel certificate --renew, then service asha-panel restart"
        raise HostError(
            f"{conf.panel_cert} {'is good for ' + str(left) + ' days' if left >= 0 else 'has expired'}.",
            todo=f"Renew it: {renew}, or put the site's own in place.",
        )
    if conf.panel_key.exists() and conf.panel_key.stat().st_mode & 0o007:
        return wrong(f"{conf.panel_key} can be read by everybody.", f"chmod o-rwx {conf.panel_key}")
    reach(conf)
    return fine(f"on {with_port(conf.panel_addr, conf.panel_port)}, its certificate is good for {left} days")


def alerts(scene: Scene) -> Finding:
    """Look whether alerts go out, and whether servers can be believed. Raises HostError when they cannot."""
    from appliance.notify.notice import way_names  # noqa: PLC0415
    from appliance.notify.spool import Spool  # noqa: PLC0415
    from appliance.notify.trust import Trust, wants_trust  # noqa: PLC0415

    ways, known = way_names(scene.conf), Spool().ways().by_name
    failing = [f"{name}: {known[name].problem}" for name in ways if name in known and known[name].problem]
    if wants_trust(scene.conf):
        Trust(scene.conf.notify_ca).context()
    return judge_ways(ways, failing)


def agent(scene: Scene) -> Finding:
    """Ask the agent how things stand."""
    return fine(scene.status().headline)


def ssh(scene: Scene) -> Finding:
    """Ask the other node one question over ssh, with asha's own key."""
    from appliance.sync.errors import Fault, SyncProblem  # noqa: PLC0415
    from appliance.sync.peer_link import ask_once  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415

    if not (SSH_KEYS / "id").exists():
        return warning(
            "This node has no key with which to ask the other one for its data.", "Run 'asha ssh-setup'."
        )
    way = way_to_peer(scene.conf, scene.node)
    try:
        ask_once(way, "serve", {"verb": "health"}, patience=SSH_PATIENCE)
    except SyncProblem as problem:
        make = warning if problem.kind in (Fault.UNREACHABLE, Fault.INTERRUPTED) else wrong
        return make(str(problem.args[0]), problem.todo or f"See that {way.host} is up and its sshd answers.")
    return fine(f"{way.host} answers our key")
