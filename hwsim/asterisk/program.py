"""asterisk: a stand-in. `asterisk [-f|-g]` is the PBX, `asterisk -rx COMMAND` its console.

Installed as one file and run by a bare Python (-IS): standard library only, and little of it, because it starts
in the middle of every failover. Settings: /etc/asterisk/hwsim.conf (or $HWSIM_ASTERISK_CONF); AMI users:
manager.conf beside it. SIGUSR1 is a deadlock: alive, and answering nothing. SIGUSR2 silences SIP alone.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time

IP_PKTINFO = 8  # linux/in.h
DEFAULTS = {
    "boot_time": "0.4",
    "start_fails": "",
    "sip_reply": "200 OK",
    "sip_port": "5060",
    "run_dir": "/var/run/asterisk",
    "line_socket": "",
    "ami_bind": "127.0.0.1",
}


def read_ini(path):
    """{section: {key: value}} of an Asterisk-like conf file; nothing when it is not there."""
    sections, section = {}, {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return sections
    for line in lines:
        line = line.split(";")[0].strip()
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif "=" in line:
            key, value = line.split("=", 1)
            section[key.strip()] = value.lstrip(">").strip()
    return sections


class Settings:
    def __init__(self):
        path = os.environ.get("HWSIM_ASTERISK_CONF", "/etc/asterisk/hwsim.conf")
        values = {**DEFAULTS, **read_ini(path).get("asterisk", {})}
        self.boot_time = float(values["boot_time"])
        self.start_fails = values["start_fails"]
        self.sip_reply = values["sip_reply"]
        self.sip_port = int(values["sip_port"])
        self.line_socket = values["line_socket"]
        self.ami_bind = values["ami_bind"]
        self.pidfile = os.path.join(values["run_dir"], "asterisk.pid")
        self.ctl = os.path.join(values["run_dir"], "asterisk.ctl")
        manager = read_ini(os.path.join(os.path.dirname(path), "manager.conf"))
        self.ami_port = int(manager.get("general", {}).get("port", "5038"))
        self.ami_users = {name: user.get("secret", "") for name, user in manager.items() if name != "general"}


def running_pid(settings):
    """The pid of a PBX that answers on the control socket's file, or 0."""
    try:
        with open(settings.pidfile) as file:
            pid = int(file.read())
        os.kill(pid, 0)
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return pid if b"asterisk" in file.read() else 0
    except (OSError, ValueError):
        return 0


class Pbx:
    """The process: one selector, no thread."""

    def __init__(self, settings):
        self.settings = settings
        self.selector = selectors.DefaultSelector()
        self.began = time.monotonic()
        self.booted = self.deadlocked = self.sip_silent = self.stopping = False
        self.spans = {}
        self.line = None
        self.ami = {}  # connection → {"buffer", "user"}

    # -- life

    def run(self):
        os.makedirs(os.path.dirname(self.settings.pidfile), exist_ok=True)
        with open(self.settings.pidfile, "w") as file:
            file.write("%d\n" % os.getpid())
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "deadlocked", True))
        signal.signal(signal.SIGUSR2, lambda *_: setattr(self, "sip_silent", True))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.listen_console()
        self.attach_line()
        while not self.stopping:
            wait = None if self.booted else max(0.0, self.began + self.settings.boot_time - time.monotonic())
            events = self.selector.select(wait)
            if self.deadlocked:
                signal.pause()
                continue
            for key, _ in events:
                key.data(key.fileobj)
            if not self.booted and time.monotonic() >= self.began + self.settings.boot_time:
                self.boot()
        self.leave()

    def boot(self):
        self.booted = True
        self.listen_sip()
        self.listen_ami()

    def stop(self):
        if not self.deadlocked:
            self.stopping = True

    def leave(self):
        for path in (self.settings.pidfile, self.settings.ctl):
            try:
                os.unlink(path)
            except OSError:
                pass

    def watch(self, connection, action):
        connection.setblocking(False)
        self.selector.register(connection, selectors.EVENT_READ, action)

    def forget(self, connection):
        self.selector.unregister(connection)
        connection.close()

    # -- line

    def attach_line(self):
        if not self.settings.line_socket:
            return
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.connect(self.settings.line_socket)
        except OSError:
            return
        self.line, self.line_buffer = line, b""
        self.watch(line, self.hear_line)

    def hear_line(self, line):
        data = line.recv(65536)
        if not data:
            self.forget(line)
            self.line, self.spans = None, {}
            return
        import json

        *lines, self.line_buffer = (self.line_buffer + data).split(b"\n")
        for text in lines:
            self.spans = json.loads(text)["spans"]

    # -- console

    def listen_console(self):
        try:
            os.unlink(self.settings.ctl)
        except OSError:
            pass
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(self.settings.ctl)
        server.listen(16)
        self.watch(server, self.accept_console)
        self.waiting = []  # consoles that wait for the boot

    def accept_console(self, server):
        connection, _ = server.accept()
        self.watch(connection, self.hear_console)

    def hear_console(self, connection):
        try:
            command = connection.recv(4096).decode(errors="replace").strip()
        except OSError:
            command = ""
        answer = self.console(command) if command else ""
        try:
            connection.sendall(answer.encode())
        except OSError:
            pass
        self.forget(connection)

    def console(self, command):
        words = command.split()
        if command in ("core stop now", "core stop gracefully"):
            self.stopping = True
            return ""
        if command == "core waitfullybooted":
            return "Asterisk has fully booted.\n" if self.booted else "Asterisk is still booting.\n"
        if command == "core show uptime":
            return "System uptime: %d seconds\nLast reload: 0 seconds\n" % (time.monotonic() - self.began)
        if command == "core show version":
            return "Asterisk 1.8.32.3-hwsim built by hwsim on a rack\n"
        if command == "core show channels":
            return "Channel Location State Application(Data)\n0 active channels\n0 active calls\n"
        if words[:2] == ["pri", "show"] and self.spans:
            return "".join(
                self.span_line(name) for name in sorted(self.spans) if words[2] == "spans" or name in words
            )
        if words and words[0] in ("pri", "dahdi", "module") and ("restart" in words or "reload" in words):
            self.restart_spans()
            return ""
        return "No such command '%s' (type 'core show help %s' for other possible commands)\n" % (
            command,
            words[0],
        )

    def span_line(self, name):
        span = self.spans[name]
        if span["dchannel"] == "none":
            return ""
        alarm = "In Alarm, " if span["alarm"] != "OK" else ""
        return "PRI span %s/0: %s%s, Active\n" % (name, alarm, "Up" if span["dchannel"] == "up" else "Down")

    def restart_spans(self):
        if self.line is not None:
            for name in self.spans:
                self.line.sendall(b'{"restart_span": %s}\n' % name.encode())

    # -- SIP

    def listen_sip(self):
        if self.settings.sip_port:
            sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sip.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            sip.bind(("0.0.0.0", self.settings.sip_port))
            self.watch(sip, self.hear_sip)

    def hear_sip(self, sip):
        data, asked, _, sender = sip.recvmsg(65536, 64)
        if self.sip_silent:
            return
        lines = data.decode(errors="replace").split("\r\n")
        if not lines[0].endswith("SIP/2.0"):
            return
        kept = [
            line
            for line in lines[1:]
            if line.split(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")
        ]
        answer = ["SIP/2.0 " + self.settings.sip_reply, *kept, "Content-Length: 0", "", ""]
        try:
            # From the address that was asked, as a PBX bound to it answers: the cluster address is not the first.
            sip.sendmsg(["\r\n".join(answer).encode()], asked, 0, sender)
        except OSError:
            pass

    # -- AMI

    def listen_ami(self):
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((self.settings.ami_bind, self.settings.ami_port))
        server.listen(16)
        self.watch(server, self.accept_ami)

    def accept_ami(self, server):
        connection, _ = server.accept()
        self.ami[connection] = {"buffer": "", "user": False}
        self.watch(connection, self.hear_ami)
        connection.sendall(b"Asterisk Call Manager/1.1\r\n")

    def hear_ami(self, connection):
        state = self.ami[connection]
        try:
            data = connection.recv(65536)
        except OSError:
            data = b""
        if not data:
            del self.ami[connection]
            self.forget(connection)
            return
        *requests, state["buffer"] = (state["buffer"] + data.decode(errors="replace")).split("\r\n\r\n")
        for request in requests:
            fields = dict(line.split(": ", 1) for line in request.split("\r\n") if ": " in line)
            self.answer_ami(connection, state, {key.lower(): value for key, value in fields.items()})

    def answer_ami(self, connection, state, fields):
        action = fields.get("action", "").lower()
        if action == "login":
            wanted = self.settings.ami_users.get(fields.get("username", ""))
            state["user"] = wanted is not None and wanted == fields.get("secret")
            words = (
                ("Success", "Authentication accepted")
                if state["user"]
                else ("Error", "Authentication failed")
            )
        elif not state["user"]:
            words = ("Error", "Permission denied")
        elif action == "ping":
            words = ("Success", "")
        else:
            words = ("Error", "Invalid/unknown command")
        answer = ["Response: " + words[0]]
        if "actionid" in fields:
            answer.append("ActionID: " + fields["actionid"])
        answer.append("Ping: Pong" if action == "ping" and state["user"] else "Message: " + words[1])
        text = "\r\n".join(answer) + "\r\n\r\n"
        if action == "login" and state["user"]:
            text += "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
        connection.sendall(text.encode())


def console(settings, command):
    """`asterisk -rx COMMAND`."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(settings.ctl)
    except OSError:
        sys.exit("Unable to connect to remote asterisk (does %s exist?)" % settings.ctl)
    while True:
        connection.sendall(command.encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
        if command == "core waitfullybooted" and b"still booting" in answer:
            time.sleep(0.02)
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.connect(settings.ctl)
            continue
        sys.stdout.write(answer.decode())
        return


def daemonise():
    """Away from the terminal and from whoever started us."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.closerange(3, 256)


def main():
    settings = Settings()
    arguments = sys.argv[1:]
    if arguments and arguments[0].startswith("-r"):
        console(settings, arguments[-1])
        return
    pid = running_pid(settings)
    if pid:
        sys.exit("Asterisk already running on %s.  Use 'asterisk -r' to connect." % settings.ctl)
    if settings.start_fails:
        sys.exit(settings.start_fails)
    if "-f" not in arguments:
        daemonise()
    Pbx(settings).run()


if __name__ == "__main__":
    main()
