"""The resource agents' own conformance program, `ocf-tester`, against ocf:asha:service on a node."""

from __future__ import annotations

from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes.engines import PACEMAKER

SITE = PAIR_SITE.with_engine(PACEMAKER)


async def test_the_resource_agent_conforms(pair: Pair) -> None:
    """Pacemaker is in maintenance mode meanwhile, and the peer is off: the program starts and stops service itself."""
    await pair.home()
    pair.rack.power_off("secondary")
    node = pair.primary.node
    maintenance = await node.run(["crm_attribute", "--name", "maintenance-mode", "--update", "true"], 20.0)
    assert maintenance.ok, maintenance
    said = await node.run(["ocf-tester", "-v", "-n", "asha", PACEMAKER.script], 90.0)
    print(said.out, said.err)
    assert said.ok, said
    assert "passed all tests" in said.out
