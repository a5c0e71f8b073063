"""The console of the stand-in for asterisk, `asterisk -rx COMMAND`, and the settings that it shares with the PBX.

It is the first part of the installed program (install.py). The agent asks each second, where the real console is a
small program in C: so a start of Python is all that this may cost, and it imports next to nothing. Settings:
/etc/hwsim-asterisk.conf (or $HWSIM_ASTERISK_CONF); AMI users: the file that `manager_conf` names there, by default
manager.conf beside it.
"""

from __future__ import annotations

import _socket
import os
import sys
import time

VERSION = "Asterisk 1.8.32.3-hwsim"
STILL_BOOTING = "Asterisk is still booting.\n"
DEFAULTS = {
    "boot_time": "0.4",
    # Seconds for which a stop that has found calls goes on, after it has ended them (docs/facts/asterisk.md).
    "after_calls": "1.0",
    "start_fails": "",
    "sip_reply": "",
    "sip_port": "5060",
    "answers_from": "kernel",
    "run_dir": "/var/run/asterisk",
    "line_socket": "",
    "log": "",
    "ami_bind": "127.0.0.1",
    "manager_conf": "",
}


def read_ini(path: str) -> dict[str, dict[str, str]]:
    """Return {section: {key: value}} of an Asterisk-like conf file; empty when there is no such file."""
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib costs 10 ms
            lines = file.read().splitlines()
    except OSError:
        return sections
    for text in lines:
        line = text.split(";")[0].strip()
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif "=" in line:
            key, value = line.split("=", 1)
            section[key.strip()] = value.lstrip(">").strip()
    return sections


class Settings:
    """The settings in hwsim-asterisk.conf and manager.conf."""

    def __init__(self) -> None:
        path = os.environ.get("HWSIM_ASTERISK_CONF", "/etc/hwsim-asterisk.conf")
        values = {**DEFAULTS, **read_ini(path).get("asterisk", {})}
        self.boot_time = float(values["boot_time"])
        self.after_calls = float(values["after_calls"])
        self.start_fails = values["start_fails"]
        self.sip_reply = values["sip_reply"]
        self.sip_port = int(values["sip_port"])
        self.answers_from = values["answers_from"]
        self.line_socket = values["line_socket"]
        self.log = values["log"]
        self.ami_bind = values["ami_bind"]
        self.run_dir = values["run_dir"]
        self.pidfile = values["run_dir"] + "/asterisk.pid"
        self.ctl = values["run_dir"] + "/asterisk.ctl"
        manager = read_ini(values["manager_conf"] or path.rpartition("/")[0] + "/manager.conf")
        self.ami_port = int(manager.get("general", {}).get("port", "5038"))
        self.ami_users = {name: user.get("secret", "") for name, user in manager.items() if name != "general"}


def ask(settings: Settings, command: str) -> str:
    """Return what a running PBX answers to one console command."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.connect(settings.ctl)
    except OSError:
        sys.exit(f"Unable to connect to remote asterisk (does {settings.ctl} exist?)")
    connection.sendall(command.encode() + b"\0")
    answer = b""
    while data := connection.recv(65536):
        answer += data
    connection.close()
    return answer.decode().partition("\n")[2]  # behind the greeting


def console(settings: Settings, command: str) -> None:
    """Run `asterisk -rx COMMAND`; like the real console, it waits for the end of the boot where needed."""
    answer = ask(settings, command)
    while answer == STILL_BOOTING:
        time.sleep(0.02)
        answer = ask(settings, command)
    sys.stdout.write(answer)


def main() -> None:
    """Answer what can be answered without a PBX's program, and end; return when it is the PBX that is to run."""
    arguments = sys.argv[1:]
    if "-V" in arguments:
        print(VERSION)
        sys.exit()
    if arguments and arguments[0].startswith("-r"):
        console(Settings(), arguments[-1])
        sys.exit()


if __name__ == "__main__":
    main()
