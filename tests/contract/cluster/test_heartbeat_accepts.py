"""The real Heartbeat reads what we render, in namespaces of its own that end with it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.cluster.heartbeat.config_files import install
from appliance.cluster.heartbeat.installation import find_heartbeat
from appliance.config import Conf, Medium
from appliance.core.model import Node

# In a pid namespace: everything Heartbeat starts dies with this shell.
_NODE = """
set -e
hostname haprimary
ip link set lo up
ip link add eth0 type veth peer name eth0p; ip link set eth0p up
ip addr add 192.0.2.1/24 brd + dev eth0; ip link set eth0 up
mount -t tmpfs tmpfs /run
mkdir -p /run/heartbeat/ccm /run/heartbeat/crm /run/heartbeat/dopd
chown -R hacluster:haclient /run/heartbeat
mount --bind "$1/ha.d" /etc/ha.d
mount --bind "$1/state" /var/lib/heartbeat
status=0; "$2" || status=$?
cat /run/ha-log; exit $status
"""
_MEDIA = {
    "bcast": (Medium("bcast", "eth0"),),
    "ucast and serial": (Medium("ucast", "eth0", "192.0.2.2"), Medium("serial", "/dev/ptmx", "38400")),
}


def start(tmp_path: Path, conf: Conf) -> tuple[int, str]:
    """Start Heartbeat on `conf`; its exit status and its log."""
    shutil.copytree("/etc/ha.d", tmp_path / "ha.d", symlinks=True)
    shutil.copytree("/var/lib/heartbeat", tmp_path / "state")
    install(conf, Node.PRIMARY, tmp_path / "ha.d", secret="secret", log_file=Path("/run/ha-log"))
    words = ["unshare", "-m", "-n", "-u", "-i", "-p", "--fork", "--kill-child", "--mount-proc"]
    node = ["sh", "-c", _NODE, "node", str(tmp_path), str(find_heartbeat().daemon)]
    ended = subprocess.run([*words, *node], capture_output=True, text=True, timeout=20, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize("media", _MEDIA.values(), ids=_MEDIA.keys())
def test_it_accepts_our_configuration(tmp_path: Path, media: tuple[Medium, ...]) -> None:
    status, log = start(tmp_path, Conf(cluster_ip="192.0.2.10", media=media))
    assert status == 0, log
    assert "Configuration validated" in log
    assert "ERROR" not in log.split("Configuration validated")[0]


def test_it_refuses_what_our_start_explains(tmp_path: Path) -> None:
    status, log = start(tmp_path, Conf(cluster_ip="192.0.2.10", primary_name="elsewhere"))
    assert status == 6, log
