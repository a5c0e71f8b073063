"""What `asha check` says of a relay that may keep the line without power."""

from __future__ import annotations

from appliance.core.host_check.finding import Level
from appliance.core.host_check.relay import judge_fall
from appliance.core.relay_facts import RELAYS, RHINO, Falls, RelayFacts


def test_what_falls_is_right_and_its_own_supply_is_mentioned() -> None:
    assert judge_fall(RHINO).level is Level.OK
    for facts in RELAYS.values():
        found = judge_fall(facts)
        assert found.level is Level.OK
        from_primary = facts.own_supply and not facts.watchdog
        assert ("its supply must come from the primary" in found.says) is from_primary


def test_what_stays_as_it_is_is_wrong() -> None:
    found = judge_fall(RelayFacts("USB-RLY16L", falls=Falls.NO))
    assert found.level is Level.ERROR and "a dead primary would keep the line" in found.says


def test_what_is_not_known_is_to_be_tried() -> None:
    found = judge_fall(RelayFacts("NBS", falls=Falls.UNKNOWN))
    assert found.level is Level.WARNING and "pull its plug" in found.remedy


def test_a_device_with_a_supply_of_its_own_falls_by_its_watchdog() -> None:
    for name in ("berofos", "modbus-wirenboard"):
        facts = RELAYS[name]
        assert facts.own_supply and facts.watchdog
        found = judge_fall(facts)
        assert found.level is Level.OK and "by its own watchdog when the primary dies or hangs" in found.says
        assert facts.freed_after(8.0) == 8.0
    assert RHINO.freed_after(8.0) == 0.0


def test_on_the_network_without_a_watchdog_a_dead_primary_may_keep_the_line() -> None:
    found = judge_fall(RELAYS["modbus-waveshare"], on_network=True)
    assert found.level is Level.WARNING and "a dead primary keeps the line" in found.says
    assert "cut the primary's power" in found.remedy
    for name in ("berofos", "modbus-wirenboard"):
        assert judge_fall(RELAYS[name], on_network=True).level is Level.OK
