"""Looks at Asterisk: installed, as whom it runs, and the addresses to which it is tied."""

from __future__ import annotations

from appliance.cli.checks.look import Scene
from appliance.control.client import AgentAbsent, AgentSilent
from appliance.core.errors import HostError
from appliance.core.health import KEPT_OFF_REMEDY
from appliance.core.host_check.finding import Finding, fine, not_known, wrong
from appliance.core.host_check.machine import AsteriskUser, judge_asterisk_user
from appliance.core.model import Pbx
from appliance.host.process import find_program, run
from appliance.pbx.start_way import DIRECTORIES, asterisk_conf, distribution_user, owner_of, read_start_way

_PATIENCE = 5.0  # seconds for `asterisk -V`


def installed(scene: Scene) -> Finding:
    """Look for the program."""
    return fine(f"found at {find_program(scene.conf.pbx_program)}")


def version(scene: Scene) -> str:
    """Return the version that Asterisk tells. Raises HostError."""
    said = run([find_program(scene.conf.pbx_program), "-V"], deadline=_PATIENCE)
    if not said.ok:
        raise HostError(f"Asterisk does not tell its version: {said.explain()}.")
    return said.output.strip()


def bind(scene: Scene) -> Finding:
    """Look for lines of Asterisk's configuration that tie it to one address."""
    from appliance.pbx.bindings import narrow_bindings  # noqa: PLC0415

    narrow = narrow_bindings(scene.conf.asterisk_dir)
    wanted = " and ".join(address.ip for address in scene.conf.addresses)
    named = "; ".join(f"{one.file}, line {one.line}: {one.key} is {one.address}" for one in narrow)
    if scene.conf.lan_source == "bind":
        return _bound(scene, {one.address for one in narrow}, named)
    if not narrow:
        return fine("Asterisk listens on every address, the cluster address too")
    return wrong(
        f"Asterisk is tied to one address ({named}), and has to answer on {wanted}, which moves, and "
        "to asha on 127.0.0.1.",
        "Write 0.0.0.0 there; in SARK, switch off the binding to the cluster address. Where it is meant, say "
        "HASOURCE=bind.",
    )


def _bound(scene: Scene, found: set[str], named: str) -> Finding:
    """Look whether Asterisk is bound to the cluster's addresses and to no other, as HASOURCE=bind says."""
    wanted = {address.ip for address in scene.conf.addresses}
    if found and found <= wanted:
        return fine(f"Asterisk is bound to the cluster address, as HASOURCE says ({named})")
    where = f"it is tied to another address ({named})" if found else "it listens on every address"
    return wrong(
        f"HASOURCE says that Asterisk is bound to the cluster address, and {where}.",
        f"Write {' and '.join(sorted(wanted))} as 'bind' in pjsip.conf or 'udpbindaddr' in sip.conf, or set HASOURCE "
        "to route.",
    )


def asked(scene: Scene) -> Finding:
    """Look whether the agent's questions by SIP reach the Asterisk that runs here, and are answered."""
    try:
        status = scene.status()
    except (AgentAbsent, AgentSilent):
        return not_known("The agent does not say how Asterisk answers it.", "Start it: service asha start.")
    if status.pbx.kept_off:
        return wrong(f"{status.pbx.kept_off}.", f"{KEPT_OFF_REMEDY}.")
    probe = status.probes.get("sip")
    if status.pbx.state.value != Pbx.RUNNING.value or probe is None:
        return fine("Asterisk does not run here, or is not asked by SIP")
    if probe.ms is None and probe.silences:
        return wrong(
            f"Asterisk runs and has never answered by SIP: {probe.why}.",
            "See SIPPORT here, and the transport in pjsip.conf or sip.conf.",
        )
    return fine("Asterisk answers by SIP what this node asks")


def user(scene: Scene) -> Finding:
    """Look at how asha starts Asterisk, at what its distribution starts it as, and at the owners of its directories."""
    root, way = scene.root, read_start_way(scene.conf, scene.root)
    said = asterisk_conf(scene.conf, root)
    places = [said.get(key, default) for key, default in DIRECTORIES.items()]
    seen = {place: owner_of(root / place.lstrip("/")) for place in places}
    owners = {place: owner for place, owner in seen.items() if owner}
    return judge_asterisk_user(AsteriskUser(way, distribution_user(root), owners))
