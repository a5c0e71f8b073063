"""What others have changed in Pacemaker's configuration that keeps it from doing its work, and what puts it right.

Pacemaker does what it is told, and does not complain: a resource that is unmanaged, banned from a node or gone is in
order to it. An administrator who has done so for an hour may have forgotten it when a node dies.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from appliance.cluster.pacemaker.cib import CONSTRAINTS, GROUP, RESOURCE, own_elements, resource_ids
from appliance.cluster.pacemaker.installation import PacemakerPaths
from appliance.cluster.pacemaker.view import Belief
from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.host.process import run

_DEADLINE = 5.0


def constraints(paths: PacemakerPaths) -> frozenset[str] | None:
    """Return the ids of the constraints on where asha's resource may be; None while that is not known.

    Blocks for some 20 ms.
    """
    try:
        said = run([paths.cibadmin, "--query", "--local", "--scope", "constraints"], deadline=_DEADLINE)
        root = ET.fromstring(said.output) if said.ok else None  # noqa: S314 - root's own, of this machine
    except (HostError, ET.ParseError):
        return None
    if root is None:
        return None
    return frozenset(found.get("id", "") for found in root if found.get("rsc") in (GROUP, RESOURCE))


def is_whole(belief: Belief, found: frozenset[str] | None, conf: Conf) -> bool:
    """Tell whether asha's resources and constraints are in the configuration, as far as is known."""
    return belief.members >= resource_ids(conf) and (found is None or found >= CONSTRAINTS)


def put_back(paths: PacemakerPaths, conf: Conf) -> None:
    """Put asha's elements into the configuration that Pacemaker works by; those that others have stay as they are.

    A resource that was taken out of the group comes back behind the others, so that none of them is restarted.
    """
    for section, element in own_elements(conf):
        try:
            run(
                [paths.cibadmin, "--modify", "--allow-create", "--scope", section, "--xml-text", element],
                deadline=_DEADLINE,
            )
        except HostError:
            return


def troubles(belief: Belief, found: frozenset[str] | None, conf: Conf) -> Iterator[str]:
    """Yield what keeps Pacemaker from its work, each with what ends it."""
    gone = resource_ids(conf) - belief.members
    if addresses := sorted(gone - {RESOURCE}):
        yield f"{' and '.join(addresses)} was taken out of Pacemaker's configuration: it is put back"
    if RESOURCE in gone or not (found is None or found >= CONSTRAINTS):
        yield "asha's resource was taken out of Pacemaker's configuration: it is put back"
    if belief.maintenance:
        yield (
            "Pacemaker is in maintenance mode, so it moves nothing, whatever dies: "
            "'crm_attribute --name maintenance-mode --delete' ends that"
        )
    elif not belief.managed:
        yield (
            "Pacemaker does not manage asha's resource, so it moves nothing, whatever dies: 'crm_resource --meta "
            f"--delete-parameter is-managed --resource NAME' for {RESOURCE} and for {GROUP} ends that"
        )
    for node in belief.standby:
        yield (
            f"Pacemaker lets nothing run on {node}, a standby node or one in maintenance: 'crm_attribute --node {node} "
            "--name standby --delete' ends that (or --name maintenance)"
        )
    if belief.blocked:
        yield (
            "Pacemaker moves nothing because a stop of asha's resource has failed, or of an address: it is told every "
            "30 s to try again"
        )
    if others := sorted((found or frozenset()) - CONSTRAINTS):
        yield (
            f"Pacemaker is told where asha's resource may be by {', '.join(others)}, which is not asha's: "
            f"'crm_resource --clear --resource {GROUP}', or 'cibadmin --delete' for each, ends that"
        )
