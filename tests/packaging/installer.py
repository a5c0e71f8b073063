"""What an installer does with a kickstart file: its scripts, each where anaconda runs it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from hosts import Done, Host
from pykickstart.constants import KS_SCRIPT_POST, KS_SCRIPT_PRE
from pykickstart.parser import KickstartParser, Script
from pykickstart.version import makeVersion
from systemd_host import SystemdHost

from kickstart.release import RELEASE_BY_NAME, Release

# Arguments: the root, then the command.
_WITH_COMMAND_LINE = 'mount --bind "$0/tmp/cmdline" "$0/proc/cmdline" && exec "$@"'
_LENT = "/lent"


def parsed(text: str, release: Release) -> KickstartParser:
    """`text` as that release's installer has it."""
    parser = KickstartParser(makeVersion(release.syntax), missingIncludeIsFatal=False)
    parser.readKickstartFromString(text)
    return parser


def scripts(path: Path, kind: int) -> list[Script]:
    release = RELEASE_BY_NAME[path.stem.split("-")[0]]
    found = [script for script in parsed(path.read_text(), release).handler.scripts if script.type == kind]
    assert found, f"{path} has no such script"
    return found


def run_pre(host: Host, path: Path, command_line: str) -> Done:
    (script,) = scripts(path, KS_SCRIPT_PRE)
    return _run(host, script, command_line)


def run_post(host: Host, path: Path, command_line: str) -> Done:
    """Its %post scripts in order, until one fails. The installed system is the host itself."""
    for script in scripts(path, KS_SCRIPT_POST):
        done = _run(host, script, command_line)
        if done.returncode != 0 and script.errorOnFail:
            break
    return done


def _run(host: Host, script: Script, command_line: str) -> Done:
    """The script as it is, under a kernel that was started with `command_line`."""
    host.write("/tmp/ks-script", script.script, 0o700)
    host.write("/tmp/cmdline", command_line + "\n")
    root = "" if isinstance(host, SystemdHost) else str(host.root)
    wrap = ("unshare", "--mount", "sh", "-c", _WITH_COMMAND_LINE, root)
    shell = (f"{_LENT}/dash",) if host.path(f"{_LENT}/dash").exists() else (script.interp,)
    return host.run(*shell, "/tmp/ks-script", wrap=wrap)


def lend(host: Host) -> None:
    """Give an EL5-like host an rpm, and a shell that looks for programs in PATH: busybox's takes its own first.

    Both are this machine's, with all that they load.
    """
    folder = host.path(_LENT)
    folder.mkdir()
    shutil.copytree("/usr/lib/rpm", folder / "config", symlinks=True)
    lend_program(host, "rpm", "--dbpath /var/lib/rpm")
    lend_program(host, "dash")
    host.path("/bin/rpm").symlink_to(f"{_LENT}/rpm")


def lend_program(host: Host, name: str, options: str = "") -> str:
    """Give a host without a libc a program of this machine, with all that it loads; where it is there."""
    program = shutil.which(name)
    assert program is not None
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True, timeout=10).stdout
    libraries = [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]
    host.path(_LENT).mkdir(exist_ok=True)
    for path in libraries:
        shutil.copy(path, host.path(_LENT))
    shutil.copy(program, host.path(f"{_LENT}/{name}.program"))
    loader = next(Path(path).name for path in libraries if "/ld-linux" in path)
    host.write(
        f"{_LENT}/{name}",
        f"#!/bin/sh\nexport RPM_CONFIGDIR={_LENT}/config\n"
        f'exec {_LENT}/{loader} --library-path {_LENT} {_LENT}/{name}.program {options} "$@"\n',
        0o755,
    )
    return f"{_LENT}/{name}"
