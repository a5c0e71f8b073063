"""What is in each of asha's own files when all is well, made by the product's own writers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from appliance.agent.active_conf import InstalledConf
from appliance.agent.components.maintenance import maintenance_file
from appliance.agent.engine_change_file import change_file
from appliance.agent.engine_control import target_file
from appliance.agent.grant_file import GrantFile
from appliance.config import Conf
from appliance.core import maintenance
from appliance.core.alerts import AlertState, remembered
from appliance.core.as_json import to_json
from appliance.core.engine_change import EngineChange
from appliance.core.gap_counts import RecentDays
from appliance.core.grant import Verb
from appliance.core.model import Node
from appliance.core.poweroff_drill import PoweroffDrills, Way
from appliance.core.trends import Sample, Trends
from appliance.host.paths import SyncPaths
from appliance.hw.poweroff_drills import drills_file
from appliance.hw.usb_identity import UsbIdentity, remember
from appliance.notify.spool import Spool, Ways, WayState
from appliance.sark.provisioning import PHP, TEXT, write_address
from appliance.sark.reconcile import write_agreed
from appliance.sync.newer_data_mark import set_mark
from appliance.sync.state import State, write_state

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def examples(folder: Path) -> dict[str, bytes]:
    """The whole content of each file by its name. `folder` is used to have them made in."""
    folder.mkdir(parents=True, exist_ok=True)
    trends = Trends()
    trends.add(Sample(1.0, {"ami": 2.0}, "clear"), 60.0)
    days = RecentDays()
    days.silence(1.01, 60.0)
    days.turn(0.001, 1.0, 61.0)
    given = maintenance.begin(600.0, "root", "new cables", 1000.0)
    made: dict[str, Callable[[Path], object]] = {
        "grant": lambda path: GrantFile(path).ask(Verb.START, 1.0, "7:99"),
        "card.json": lambda path: remember(
            path, Path("/dev/ttyUSB0"), UsbIdentity("0403", "6001", "A", "1-1")
        ),
        "poweroff-drills.json": lambda path: drills_file(path).write(
            json.dumps(to_json(PoweroffDrills("lcus").begun(Way.BUTTON, 5.0, "1f")))
        ),
        "engine-change.json": lambda path: change_file(path).write(
            json.dumps(to_json(EngineChange("pacemaker", "heartbeat", "1f", leads=True)))
        ),
        "maintenance.json": lambda path: maintenance_file(path).write(json.dumps(maintenance.pack(given))),
        "engine-target": lambda path: target_file(path).write("started\n"),
        "standing.json": lambda path: InstalledConf(path).keep(Conf(cluster_ip="10.0.0.5"), Node.PRIMARY),
        "trends.json": lambda path: path.write_text(json.dumps(to_json(trends.document()))),
        "silences.json": lambda path: path.write_text(json.dumps(to_json(days.document()))),
        "conf.kept": lambda path: path.write_text("HAPRINODE=one\nHASECNODE=two\n"),
        "sark.json": lambda path: write_agreed(path, {"HADEV": "eth0"}),
        "state.json": lambda path: write_state(path, State(verified_at=5.0, warnings=["one"])),
        "served": lambda path: set_mark(SyncPaths(path.parent, path.parent, path.parent), 5.0),
        "ways.json": lambda path: Spool(path.parent).keep_ways(
            Ways({"mail": WayState("no route", 2, 5.0, 1)}, 7.0)
        ),
        "memory.json": lambda path: Spool(path.parent).keep_memory(remembered(AlertState())),
        "id": lambda path: path.write_text(
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
        ),
        "id.pub": lambda path: path.write_text(f"{KEY} asha-peer\n"),
        "known_hosts": lambda path: path.write_text(f"asha-peer {KEY}\n"),
        "users": lambda path: path.write_text('{"users": {}}\n'),
        "setup": lambda path: path.write_text('{"hash": "scrypt:x", "until": 5.0}\n'),
        "metrics": lambda path: path.write_text("0" * 64 + "\n"),
        TEXT: lambda path: write_address("10.0.0.5", path.parent),
        PHP: lambda path: write_address("10.0.0.5", path.parent),
    }
    found = {}
    for name, make in made.items():
        make(folder / name)
        found[name] = (folder / name).read_bytes()
    return found
