"""Measure the installed product, on the private runtime and, beside it, on this system's own Python.

`python tests/packaging/figures.py [RUNS]` after `make rpm`; needs root. Medians (least to most) of RUNS.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hosts import Host, ok, until
from systemd_host import SystemdHost

TREE = Path(__file__).resolve().parents[2]
SYSTEM = (
    "/usr/bin/python3.11",
    "-IB",
    "-c",
    f"import sys; sys.path[:0] = ['{TREE}/.venv/lib/python3.11/site-packages', '{TREE}'];"
    "from appliance.cli.main import main; main()",
)
PRIVATE = ("/usr/sbin/asha",)


def main(runs: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="asha-figures-"))
    host = SystemdHost(folder / "host")
    try:
        host.up()
        rpms = sorted((TREE / "out/rpm").glob("asha*.rpm"))
        for rpm in rpms:
            print(f"{rpm.stat().st_size / 1e6:8.1f} MB  {rpm.name}")
        names = host.bring({rpm.name: rpm for rpm in rpms})
        install = [
            seconds(lambda: ok(host.rpm("-Uvh", "--nodeps", "--replacepkgs", *names))) for _ in range(runs)
        ]
        print(f"rpm -Uvh of all: {spread(install)} s")
        for name, command in (("private runtime", PRIVATE), ("system Python", SYSTEM)):
            agents = [agent(host, command) for _ in range(runs)]
            print(f"{name}:")
            print(f"    asha --version   {spread([item[0] for item in agents], 1000)} ms")
            print(f"    agent answers    {spread([item[1] for item in agents], 1000)} ms after its start")
            print(f"    asha status      {spread([item[2] for item in agents], 1000)} ms")
            print(f"    agent resident   {spread([item[3] for item in agents])} MB")
        words = ("panel", "user", "add", "anna", "--password-stdin")  # with nobody there, it is another page
        ok(host.run("/usr/sbin/asha", *words, given="correct horse\n"))
        pages = [panel(host) for _ in range(runs)]
        print("the page, on the private runtime:")
        print(f"    answers          {spread([item[0] for item in pages], 1000)} ms after its start")
        print(
            f"    first byte       {spread([item[1] for item in pages], 1000)} ms, TLS and all, of the login page"
        )
        print(f"    page resident    {spread([item[2] for item in pages])} MB after 40 pages")
    finally:
        host.down()
        shutil.rmtree(folder, ignore_errors=True)


def agent(host: Host, command: tuple[str, ...]) -> tuple[float, float, float, float]:
    """One agent: seconds of --version, to its first answer and of a status; megabytes resident once it is settled."""
    version = seconds(lambda: ok(host.run(*command, "--version")))
    control = host.path("/run/asha/control")
    began = time.monotonic()
    process = host.spawn(*command, "agent")
    while not control.exists():
        time.sleep(0.001)
    assert host.run(*command, "status").returncode in range(4), "it answers, however the pair is"
    answered = time.monotonic() - began
    status = min(seconds(lambda: host.run(*command, "status")) for _ in range(3))
    time.sleep(1)
    pid = host.sh(
        "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f | grep -q ' agent $' && echo $f; done"
    ).stdout
    resident = host.sh(f"grep VmRSS {pid.split()[0].replace('cmdline', 'status')}").stdout.split()[1]
    ok(host.run("pkill", "-TERM", "-f", " agent$"))
    process.wait(timeout=20)
    until(lambda: not control.exists(), "the agent is gone")
    return version, answered, status, int(resident) / 1000


# Seconds from connecting to the first byte of a page, for as many pages as the argument says.
_FIRST_BYTES = """
import http.client, ssl, sys, time
context = ssl.create_default_context(cafile="/etc/asha/panel.crt")
for _ in range(int(sys.argv[1])):
    began = time.monotonic()
    page = http.client.HTTPSConnection("127.0.0.1", 8443, context=context, timeout=10)
    page.request("GET", "/login")
    answer = page.getresponse()
    assert answer.status == 200 and answer.read(1)
    print(time.monotonic() - began)
    page.close()
"""


def panel(host: Host) -> tuple[float, float, float]:
    """One start of the page: seconds until it answers, median seconds to a first byte, megabytes resident then."""
    took = seconds(lambda: ok(host.run("systemctl", "start", "asha-panel.service")))
    shown = host.run("/opt/asha/runtime/bin/python3.11", "-IB", "-c", _FIRST_BYTES, "40")
    first = statistics.median(float(line) for line in ok(shown).splitlines())
    pid = (
        host.run("systemctl", "show", "--property=MainPID", "asha-panel.service")
        .stdout.strip()
        .partition("=")[2]
    )
    resident = host.sh(f"grep VmRSS /proc/{pid}/status").stdout.split()[1]
    ok(host.run("systemctl", "stop", "asha-panel.service"))
    return took, first, int(resident) / 1000


def seconds(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def spread(values: list[float], factor: float = 1.0) -> str:
    scaled = sorted(value * factor for value in values)
    digits = 0 if factor > 1 else 1
    return f"{statistics.median(scaled):.{digits}f} ({scaled[0]:.{digits}f} to {scaled[-1]:.{digits}f})"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
