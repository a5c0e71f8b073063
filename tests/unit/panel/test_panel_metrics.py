"""What Prometheus reads, parsed back by its own client; and what the shipped rules and dashboard ask for is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from panel_documents import METERS, PANEL, TRENDS, nothing_known, status
from prometheus_client.parser import text_string_to_metric_families

from appliance.core.answers import MetersAnswer, TrendsAnswer
from appliance.core.model import Line
from appliance.core.status import from_json
from appliance.panel.render.metrics import exposition

DOCS = Path(__file__).parents[3] / "docs" / "metrics"
Samples = dict[tuple[str, ...], float]


def samples(text: bytes) -> Samples:
    """By name, and the labels' values in the order of the labels' names."""
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }


def scraped(**changes: object) -> Samples:
    return samples(exposition(status(**changes), TRENDS, METERS, PANEL))


def test_everything_that_is_known_is_said_with_its_unit() -> None:
    found = scraped()
    assert found["asha_agent_up",] == 1
    assert found["asha_role", "active"] == 1
    assert found["asha_role", "standby"] == 0
    assert found["asha_relay", "energised"] == 1
    assert found["asha_line_here",] == 1
    assert found["asha_dchannel_up",] == 1
    assert found["asha_probe_latency_seconds", "ami"] == 0.0125
    assert found["asha_probe_silences", "sip"] == 3
    assert found["asha_data_age_seconds",] == 4.2
    assert found["asha_agent_cpu_seconds_total",] == 12.5
    assert found["asha_agent_resident_bytes",] == 25_000_000
    assert found["asha_maintenance_until_seconds",] == 1.9e9
    assert found["asha_problems",] == 1
    assert (found["asha_peer_alive",], found["asha_peer_fit",]) == (1, 0)
    assert (found["asha_heartbeat_link_up", "eth0"], found["asha_heartbeat_link_up", "eth1"]) == (1, 0)
    assert found["asha_transfers_total", "acquire", "blocked"] == 1
    assert found["asha_relay_moves_total",] == 7
    assert found["asha_panel_viewers",] == 2


def test_a_span_shows_its_alarms_whatever_it_is_called() -> None:
    found = scraped()
    assert found["asha_span_alarms", "R1T1 0/1", "1"] == 0
    assert found["asha_span_alarms", 'odd "name"\n?', "2"] == 2
    assert found["asha_span_alarm", "RED", 'odd "name"\n?', "2"] == 1
    assert ("asha_span_alarm", "RED", "R1T1 0/1", "1") not in found


def test_a_phase_is_a_histogram_in_order() -> None:
    found = scraped()
    buckets = [value for key, value in found.items() if key[0] == "asha_transfer_phase_seconds_bucket"]
    assert buckets == [0, 1, 3, 4]
    assert found["asha_transfer_phase_seconds_count", "acquire", "settling"] == 4
    assert found["asha_transfer_phase_seconds_sum", "acquire", "settling"] == 30.5


def test_the_worst_of_the_last_hour_is_not_older() -> None:
    found = scraped()
    assert found["asha_probe_latency_hour_max_seconds", "ami"] == 0.25
    assert ("asha_probe_latency_hour_max_seconds", "sip") not in found


def test_what_is_not_known_has_no_sample() -> None:
    found = samples(exposition(nothing_known(), None, None, {}))
    assert {key[0] for key in found} == {
        "asha_agent_up",
        "asha_info",
        "asha_pair_state",
        "asha_role",
        "asha_fit",
        "asha_problems",
        "asha_maintenance",
        "asha_data_stale",
        "asha_data_conflicts",
        "asha_alerts_waiting",
    }
    assert found["asha_fit",] == 0
    assert found["asha_role", "not set up"] == 1
    assert found["asha_pair_state", "not known"] == 1


def test_hardware_without_alarms_says_neither_here_nor_away() -> None:
    found = scraped(line={"value": Line.UNVERIFIABLE.value, "why": ""})
    assert ("asha_line_here",) not in found
    assert found["asha_line", "unverifiable"] == 1
    assert scraped(line={"value": "absent", "why": ""})["asha_line_here",] == 0
    assert ("asha_dchannel_up",) not in scraped(dchannel={"value": "none", "why": ""})


def test_an_agent_that_is_silent_is_down_and_nothing_else() -> None:
    found = samples(exposition(None, None, None, PANEL))
    assert {key[0] for key in found} == {
        "asha_agent_up",
        "asha_panel_viewers",
        "asha_panel_resident_bytes",
        "asha_panel_certificate_expires_seconds",
    }
    assert found["asha_agent_up",] == 0


def test_an_older_agent_that_lacks_keys_is_no_fault() -> None:
    assert (
        samples(exposition(from_json({"role": "standby"}), TrendsAnswer(60, 0), MetersAnswer(0.0), PANEL))[
            "asha_role", "standby"
        ]
        == 1
    )


def names_known() -> set[str]:
    """Of every metric, with a sample or without."""
    text = exposition(status(), TRENDS, METERS, PANEL).decode()
    kinds = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    histograms = [name for name, kind in kinds.items() if kind == "histogram"]
    return {*kinds, *(f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count"))}


def names_asked(expression: str) -> set[str]:
    return set(re.findall(r"\basha_\w+", expression))


def test_the_rules_ask_for_what_there_is() -> None:
    rules = yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"][0]["rules"]
    asked = [names_asked(rule["expr"]) for rule in rules]
    assert set().union(*asked) <= names_known()
    assert len(set().union(*asked)) > 10
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in rules)


def test_the_dashboard_asks_for_what_there_is() -> None:
    panels = json.loads((DOCS / "dashboard.json").read_text())["panels"]
    asked = [names_asked(target["expr"]) for panel in panels for target in panel["targets"]]
    assert all(asked)
    assert set().union(*asked) <= names_known()


def test_the_page_about_metrics_names_every_one_and_no_other() -> None:
    text = (DOCS / "README.md").read_text()
    named = set(re.findall(r"`(asha_\w+)`", text))
    bases = {name for name in names_known() if not re.search(r"_(bucket|sum|count)$", name)}
    assert named == bases
