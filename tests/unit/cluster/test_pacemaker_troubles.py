"""What keeps Pacemaker from its work, seen in what it and its configuration say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.cluster.pacemaker.cib import CONSTRAINTS, RESOURCES, own_elements, resource_ids, with_own_parts
from appliance.cluster.pacemaker.commands import clear_failures
from appliance.cluster.pacemaker.installation import find_pacemaker
from appliance.cluster.pacemaker.troubles import constraints, is_whole, put_back, troubles
from appliance.cluster.pacemaker.view import Belief, parse
from appliance.config import Conf

MON = """<pacemaker-result><summary><current_dc present="true"/>
<cluster_options maintenance-mode="{mode}"/></summary>
<nodes><node name="Alpha" online="true" standby="{standby}"/>
<node name="bravo" online="true" maintenance="{node}"/></nodes>
<resources><resource id="{address}" orphaned="false" blocked="{address_blocked}"/>
<resource id="asha" managed="{managed}" blocked="{blocked}" orphaned="{orphaned}"/></resources>
</pacemaker-result>"""
WELL = {
    "mode": "false",
    "standby": "false",
    "node": "false",
    "managed": "true",
    "blocked": "false",
    "orphaned": "false",
    "address": "asha-address",
    "address_blocked": "false",
}
CONF = Conf(cluster_ip="10.0.0.9", primary_name="alpha", secondary_name="bravo")


def belief(**said: str) -> Belief:
    found = parse(MON.format(**{**WELL, **said}))
    assert found is not None
    return found


def test_a_pacemaker_that_does_its_work_has_no_troubles() -> None:
    assert list(troubles(belief(), CONSTRAINTS, CONF)) == []
    assert list(troubles(belief(), None, CONF)) == [], "what is not known is no trouble"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"mode": "true", "managed": "false"}, "'crm_attribute --name maintenance-mode --delete'"),
        ({"managed": "false"}, "'crm_resource --meta --delete-parameter is-managed"),
        ({"standby": "true"}, "lets nothing run on alpha"),
        ({"node": "true"}, "lets nothing run on bravo"),
        ({"blocked": "true"}, "a stop of asha's resource has failed, or of an address"),
        ({"address_blocked": "true"}, "a stop of asha's resource has failed, or of an address"),
        ({"address": "other"}, "asha-address was taken out of Pacemaker's configuration"),
        ({"orphaned": "true"}, "taken out of Pacemaker's configuration"),
    ],
)
def test_each_trouble_is_told_with_what_ends_it(said: dict[str, str], words: str) -> None:
    (told,) = troubles(belief(**said), CONSTRAINTS, CONF)
    assert words in told


def test_a_constraint_of_somebody_else_is_named() -> None:
    (told,) = troubles(belief(), CONSTRAINTS | {"cli-ban-x", "cli-prefer-x"}, CONF)
    assert "by cli-ban-x, cli-prefer-x, which is not asha's" in told
    assert not is_whole(belief(), frozenset({"asha-wish"}), CONF), "a constraint of asha's is gone"


def test_each_address_of_the_conf_file_must_be_there() -> None:
    both = replace(CONF, cluster_ipv6="fd00::9/64")
    assert resource_ids(both) == RESOURCES
    assert is_whole(belief(), CONSTRAINTS, CONF) and not is_whole(belief(), CONSTRAINTS, both)
    assert not is_whole(belief(address="asha-address6"), CONSTRAINTS, CONF)


def test_the_failures_of_the_addresses_are_forgotten_too(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    program = tmp_path / "crm_resource"
    program.write_text(f'#!/bin/sh\necho "$*" >{asked}\n')
    program.chmod(0o755)
    clear_failures(replace(find_pacemaker(), crm_resource=program))
    assert asked.read_text() == "--cleanup -r asha-service\n"


def test_only_constraints_on_ashas_resource_count(tmp_path: Path) -> None:
    program = tmp_path / "cibadmin"
    program.write_text(
        '#!/bin/sh\necho \'<constraints><rsc_location id="ours" rsc="asha-service"/>'
        '<rsc_location id="theirs" rsc="web"/></constraints>\'\n'
    )
    program.chmod(0o755)
    paths = replace(find_pacemaker(), cibadmin=program)
    assert constraints(paths) == {"ours"}
    program.write_text("#!/bin/sh\nexit 1\n")
    assert constraints(paths) is None


def test_what_is_put_back_is_what_an_installation_writes(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    program = tmp_path / "cibadmin"
    program.write_text(f'#!/bin/sh\necho "$4 $6" >>{asked}\n')
    program.chmod(0o755)
    put_back(replace(find_pacemaker(), cibadmin=program), CONF)
    assert asked.read_text().splitlines() == [f"{section} {xml}" for section, xml in own_elements(CONF)]
    whole = with_own_parts("<cib epoch='1'><configuration/></cib>", CONF)
    assert all(name in whole for name in (*CONSTRAINTS, 'id="asha-service"'))
