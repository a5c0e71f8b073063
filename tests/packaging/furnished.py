"""A host as a primary: conf, a card whose tool keeps what it was told, stand-ins for Heartbeat and Asterisk."""

from __future__ import annotations

from pathlib import Path

from hosts import Host, ok, until

STAND_INS = Path(__file__).parent / "stand_ins"
RESOURCE_SCRIPT = "/etc/ha.d/resource.d/asha"
RELAY = "/var/log/relay"  # what the card was told, see stand_ins/rhinofailover
CONF = "HAENGINE=heartbeat\nHACLUSTERIP=10.0.0.5\nRHINOSPF=YES\nSIPPORT=0\nHASYNCH=LOOSE\nPOSTSYNC=\n"
# Words that no grep and no shell has among its own.
_FIND_AGENT = r"""
for words in /proc/[0-9]*/cmdline; do
    ! tr '\000' ' ' <$words 2>/dev/null | grep -q '^/opt/asha/.* /usr/sbin/asha agent $' || basename "${words%/cmdline}"
done
"""


def plug_card(host: Host) -> None:
    """Instead of the card's tool and a tty that leads nowhere: hwsim's card behind a tty, and the serial driver."""
    simulate_card(host)
    host.write("/etc/asha.conf", f"{CONF}RHINODRIVER=serial\n", 0o640)


def simulate_card(host: Host) -> None:
    """hwsim's card is at the tty, for as long as the host is up, whatever becomes of the package it came from."""
    host.path("/dev/ttyUSB0").unlink()
    host.write("/root/card.py", (STAND_INS / "card.py").read_text())
    host.spawn("/opt/asha/runtime/bin/python3.11", "-IB", "/root/card.py")
    until(host.path("/dev/ttyUSB0").is_symlink, "the card is plugged in")


def furnish(host: Host) -> None:
    """Conf, card and the programs of others."""
    host.write("/etc/asha.conf", CONF, 0o640)
    host.make_node("/dev/ttyUSB0", 1, 3)
    for name, place in (
        ("rhinofailover", "/usr/local/bin/rhinofailover"),
        ("asterisk", "/usr/sbin/asterisk"),
        ("heartbeat", "/usr/lib/heartbeat/heartbeat"),
        ("heartbeat", "/usr/lib/heartbeat/hb_standby"),
        ("heartbeat", "/usr/lib/heartbeat/hb_takeover"),
        ("heartbeat", "/usr/bin/cl_status"),
    ):
        host.write(place, (STAND_INS / name).read_text(), 0o755)
    host.path("/var/lib/heartbeat").mkdir(exist_ok=True)


def agent_pid(host: Host) -> str:
    """The number of the agent's process; "" when there is none."""
    return host.sh(_FIND_AGENT).stdout.strip()


def asterisk_pid(host: Host) -> str:
    return host.read(f"{host.RUN}/asterisk/asterisk.pid").strip()


def answers(host: Host) -> bool:
    """Tell whether the agent answers, however the pair is."""
    return host.run("/usr/sbin/asha", "status").returncode in range(4)


def relay(host: Host) -> list[str]:
    """What the card was told so far."""
    return host.read(RELAY).splitlines() if host.path(RELAY).exists() else []


def serve(host: Host, script: tuple[str, ...] = (RESOURCE_SCRIPT,), wrap: tuple[str, ...] = ()) -> None:
    """Heartbeat runs and has granted: the line is here and Asterisk runs."""
    ok(host.sh("/bin/setsid /usr/lib/heartbeat/heartbeat >/dev/null 2>&1 </dev/null &"))
    until(lambda: host.path(f"{host.RUN}/heartbeat.pid").exists(), "Heartbeat runs")
    ok(host.run(*script, "start", wrap=wrap))
    until(lambda: relay(host)[-1:] == ["RELAYON installed"], "the line is here")
    until(lambda: host.path(f"{host.RUN}/asterisk/asterisk.pid").exists(), "Asterisk runs")
