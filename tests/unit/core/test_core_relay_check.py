"""What `asha check` says of a relay that may keep the line without power."""

from __future__ import annotations

from appliance.core.host_check.finding import Finding, Level
from appliance.core.host_check.relay import judge_fall, judge_poweroff
from appliance.core.poweroff_drill import PoweroffDrills, Sight, Way
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


DAY = "2026-12-01"


def judged(drills: PoweroffDrills) -> Finding:
    return judge_poweroff(drills, lambda wall: DAY)


def seen_at(way: Way, sight: Sight) -> PoweroffDrills:
    return PoweroffDrills("lcus").begun(way, 1.0, "boot").answered(sight, 2.0)


def test_what_was_not_tried_is_a_hint() -> None:
    found = judged(PoweroffDrills("lcus"))
    assert (
        found.level is Level.OK
        and "not tried yet" in found.says
        and "asha relay test --poweroff" in found.says
    )


def test_what_fell_is_right_with_its_date_and_what_stayed_names_erp() -> None:
    fell = judged(seen_at(Way.BUTTON, Sight.FELL))
    assert fell.level is Level.OK and DAY in fell.says and "not tried" not in fell.says
    stayed = judged(seen_at(Way.BUTTON, Sight.STAYED))
    assert stayed.level is Level.WARNING and DAY in stayed.says
    assert "ErP (EuP)" in stayed.remedy and "docs/hardware.md" in stayed.remedy


def test_a_shutdown_by_asha_says_nothing_of_the_power() -> None:
    fell = judged(seen_at(Way.POWEROFF, Sight.FELL))
    assert fell.level is Level.OK and "not tried yet whether the relay falls without" in fell.says
    stayed = judged(seen_at(Way.POWEROFF, Sight.STAYED))
    assert stayed.level is Level.WARNING and "whether init stops asha" in stayed.remedy


def test_a_hang_is_told_and_is_no_fault_of_the_power() -> None:
    stayed = judged(seen_at(Way.HANG, Sight.STAYED))
    assert stayed.level is Level.OK and "only a watchdog or a fence ends that" in stayed.says


def test_an_answer_that_nobody_knows_keeps_what_was_known() -> None:
    known = seen_at(Way.BUTTON, Sight.FELL)
    assert known.begun(Way.BUTTON, 3.0, "boot").answered(Sight.UNSURE, 4.0) == known


def test_another_relay_begins_without_what_was_seen_of_the_one_before() -> None:
    assert seen_at(Way.BUTTON, Sight.STAYED).of("numato") == PoweroffDrills("numato")
