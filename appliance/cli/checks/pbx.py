"""Looks at Asterisk: installed, as whom it runs, and the addresses to which it is tied."""

from __future__ import annotations

import pwd
import re
from pathlib import Path

from appliance.cli.checks.files import lines_of, text_of
from appliance.cli.checks.look import Scene
from appliance.cli.checks.units import unit_value
from appliance.core.errors import HostError
from appliance.core.host_check.finding import Finding, fine, wrong
from appliance.core.host_check.machine import AsteriskUser, judge_asterisk_user
from appliance.host.process import find_program, run

_PATIENCE = 5.0  # seconds for `asterisk -V`
_DIRECTORIES = {
    "astvarlibdir": "/var/lib/asterisk",
    "astspooldir": "/var/spool/asterisk",
    "astlogdir": "/var/log/asterisk",
    "astrundir": "/var/run/asterisk",
}
_USER_FILES = ("etc/sysconfig/asterisk", "etc/default/asterisk", "etc/init.d/asterisk")
_USER_LINE = re.compile(r"""^(?:export\s+)?AST_USER=["']?([A-Za-z_][\w-]*)["']?\s*$""", re.ASCII)
_USER_OPTION = re.compile(r"\s-U\s*([A-Za-z_][\w-]*)", re.ASCII)


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


def user(scene: Scene) -> Finding:
    """Look at asterisk.conf, at what its distribution starts it as, and at the owners of its directories."""
    said = _asterisk_conf(scene)
    places = [said.get(key, default) for key, default in _DIRECTORIES.items()]
    seen = {place: _owner(scene.root / place.lstrip("/")) for place in places}
    owners = {place: owner for place, owner in seen.items() if owner}
    return judge_asterisk_user(AsteriskUser(said.get("runuser", ""), _distribution(scene.root), owners))


def _asterisk_conf(scene: Scene) -> dict[str, str]:
    """Return the values in asterisk.conf by key; its sections have no key in common that is asked for here."""
    found = {}
    for line in lines_of(scene.root / scene.conf.asterisk_dir.relative_to("/") / "asterisk.conf"):
        key, equals, value = line.partition(";")[0].partition("=")
        if equals:
            found[key.strip().casefold()] = value.strip().removeprefix(">").strip()
    return found


def _distribution(root: Path) -> str:
    """Return the user as whom the unit or the init script starts Asterisk, "" when neither names one."""
    by_unit = unit_value(root, "asterisk", "User")
    if by_unit:
        return by_unit
    option = _USER_OPTION.search(unit_value(root, "asterisk", "ExecStart"))
    if option:
        return option[1]
    for place in _USER_FILES:
        for line in text_of(root / place).splitlines():
            if found := _USER_LINE.match(line.strip()):
                return found[1]
    return ""


def _owner(path: Path) -> str:
    try:
        number = path.stat().st_uid
    except FileNotFoundError:
        return ""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"number {number}"
