"""The page on a host that the RPMs were installed on: openssl for its certificate, its process, what it answers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from hosts import Done, Host, ok

USER = "asha-panel"
STATE = "/var/lib/asha/panel"
CERT, KEY = "/etc/asha/panel.crt", "/etc/asha/panel.key"
# Asks by the runtime's own Python, as any browser would that was told to trust the certificate.
_ASK = """
import http.client, ssl, sys
context = ssl.create_default_context(cafile="/etc/asha/panel.crt")
page = http.client.HTTPSConnection("127.0.0.1", 8443, context=context, timeout=10)
page.request("GET", sys.argv[1])
answer = page.getresponse()
print(answer.status, answer.read().decode())
"""
# Who the process is: its real, effective and saved numbers, and whether it may get other rights.
_WHO = "grep -E '^(Uid|Gid|Groups|CapEff|CapPrm|NoNewPrivs):' /proc/{pid}/status"
_FIND = r"""
for words in /proc/[0-9]*/cmdline; do
    ! tr '\000' ' ' <$words 2>/dev/null | grep -q '^/opt/asha/.* /usr/sbin/asha panel run $' ||
        basename "${words%/cmdline}"
done
"""


def bring_openssl(host: Host) -> None:
    """The real one of this machine, with the libraries it is linked with."""
    program = shutil.which("openssl")
    assert program
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=10, check=True).stdout
    for path in (program, *re.findall(r"(/\S+) \(0x", listed)):
        place = host.path("/usr/bin/openssl" if path == program else path)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(path).resolve(), place)


def panel_pid(host: Host) -> str:
    """The number of the page's process; "" when there is none."""
    return host.sh(_FIND).stdout.strip()


def page(host: Host, path: str = "/") -> str:
    """Status and text of what is at `path`."""
    return ok(host.run("/opt/asha/runtime/bin/python3.11", "-IB", "-c", _ASK, path))


def who_is(host: Host, pid: str) -> dict[str, list[str]]:
    """What the kernel says of the rights of a process."""
    lines = ok(host.sh(_WHO.format(pid=pid))).splitlines()
    return {name: words.split() for name, _, words in (line.partition(":") for line in lines)}


def own_number(host: Host) -> tuple[int, int]:
    """User and group of the page's user."""
    (line,) = [line for line in host.read("/etc/passwd").splitlines() if line.startswith(f"{USER}:")]
    user, group = line.split(":")[2:4]
    return int(user), int(group)


def as_panel(host: Host, path: str) -> Done:
    """Open `path` as the page's user does, with its numbers and no other group."""
    user, group = own_number(host)
    code = (
        f"import os, sys\nos.setgroups([])\nos.setgid({group})\nos.setuid({user})\nopen(sys.argv[1]).read()"
    )
    return host.run("/opt/asha/runtime/bin/python3.11", "-IB", "-c", code, path)
