"""A stand-in for asterisk: `asterisk [-f|-g]` is the PBX.

The second part of the installed program, after console.py, and run by a bare Python (-IS): standard library only, and
little of it, because the program starts in the middle of every failover. SIGUSR1 simulates a deadlock: the process
lives and answers nothing. SIGUSR2 silences SIP alone.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import time

from hwsim.asterisk.console import STILL_BOOTING, VERSION, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Action: TypeAlias = Callable[[socket.socket], None]

FULLY_BOOTED = "Asterisk has fully booted.\n"
# What PJSIP answers to a request outside of a call, of somebody whom it does not know (docs/facts/asterisk.md).
NO_SUCH_CALL = "481 Call/Transaction Does Not Exist"
WHO_ARE_YOU = "401 Unauthorized"
CHALLENGE = 'WWW-Authenticate: Digest realm="asterisk",nonce="0",opaque="0",algorithm=md5,qop="auth"'
IP_PKTINFO = 8  # linux/in.h
STOPS = ("core stop now", "core stop gracefully")


def running_pid(settings: Settings) -> int:
    """Return the pid of the stand-in that runs already, or 0."""
    try:
        with open(settings.pidfile) as file:  # noqa: PTH123
            pid = int(file.read())
        with open(f"/proc/{pid}/cmdline", "rb") as words:  # noqa: PTH123
            return pid if b"asterisk" in words.read() else 0
    except (OSError, ValueError):
        return 0


def remove(path: str) -> None:
    """Unlink `path` if it exists."""
    try:  # noqa: SIM105 - contextlib costs a millisecond
        os.unlink(path)  # noqa: PTH108
    except OSError:
        pass


class Caller:
    """A manager connection: the data received so far, and whether the caller has logged in."""

    def __init__(self) -> None:
        self.buffer = ""
        self.known = False


class Pbx:
    """The PBX process: one selector, no threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.selector = selectors.DefaultSelector()
        self.began = time.monotonic()
        self.booted = self.deadlocked = self.sip_silent = self.stopping = False
        self.channels: list[str] = []
        self.calls_begun = 0
        self.refuses = False
        self.spans: dict[str, dict[str, str]] = {}
        self.line: socket.socket | None = None
        self.line_buffer = b""
        self.ami: dict[socket.socket, Caller] = {}

    # -- life

    def run(self) -> None:
        """Run the PBX until it is stopped."""
        os.makedirs(self.settings.run_dir, exist_ok=True)  # noqa: PTH103
        with open(self.settings.pidfile, "w") as file:  # noqa: PTH123
            file.write(f"{os.getpid()}\n")
        # Until it has booted, the real one blocks SIGTERM, and has then lost one that came (docs/facts/asterisk.md).
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "deadlocked", True))
        signal.signal(signal.SIGUSR2, lambda *_: setattr(self, "sip_silent", True))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.log_start()
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

    def log_start(self) -> None:
        """Write the first line that the real one writes."""
        if self.settings.log:
            os.makedirs(self.settings.log.rpartition("/")[0], exist_ok=True)  # noqa: PTH103
            with open(self.settings.log, "a") as file:  # noqa: PTH123
                file.write(f"[{time.strftime('%b %d %H:%M:%S')}] {VERSION} built by hwsim on a rack\n")

    def boot(self) -> None:
        """Finish the boot: from now on the telephones are served."""
        self.booted = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # drops the one that waits
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        self.listen_sip()
        self.listen_ami()

    def stop(self) -> None:
        """Stop at a signal, as the console does; without calls at once, for the loop may wait for ever."""
        if not self.deadlocked:
            self.stop_by_console("core stop now")
        if self.stopping:
            self.end()

    def end(self) -> None:
        """Leave at once, unless deadlocked."""
        if not self.deadlocked:
            self.leave()
            os._exit(0)

    def leave(self) -> None:
        """Remove the pid file and the console socket, as the real Asterisk does."""
        remove(self.settings.pidfile)
        remove(self.settings.ctl)

    def watch(self, connection: socket.socket, action: Action) -> None:
        """Call `action` when `connection` is readable."""
        connection.setblocking(False)
        self.selector.register(connection, selectors.EVENT_READ, action)

    def forget(self, connection: socket.socket) -> None:
        """Close `connection` and stop watching it."""
        self.selector.unregister(connection)
        connection.close()

    # -- line

    def attach_line(self) -> None:
        """Open the span, so that the line knows that a PBX is there."""
        if not self.settings.line_socket:
            return
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.connect(self.settings.line_socket)
        except OSError:
            return
        self.line = line
        self.watch(line, self.hear_line)

    def hear_line(self, line: socket.socket) -> None:
        """Take in the line's state, as the line reports it."""
        data = line.recv(65536)
        if not data:
            self.forget(line)
            self.line, self.spans = None, {}
            return
        *lines, self.line_buffer = (self.line_buffer + data).split(b"\n")
        for text in lines:
            self.spans = json.loads(text)["spans"]

    # -- console

    def listen_console(self) -> None:
        """Listen on asterisk.ctl, where `asterisk -rx` connects."""
        remove(self.settings.ctl)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(self.settings.ctl)
        server.listen(16)
        self.watch(server, self.accept_console)

    def accept_console(self, server: socket.socket) -> None:
        """Accept a console connection, and greet it with a line, as the real one does (docs/facts/asterisk.md)."""
        connection, _ = server.accept()
        self.watch(connection, self.hear_console)
        try:
            connection.sendall(f"{os.uname().nodename}/{os.getpid()}/{VERSION}\n".encode())
        except OSError:
            self.forget(connection)  # it has only looked who listens here

    def hear_console(self, connection: socket.socket) -> None:
        """Read one command from a console and answer it."""
        try:
            command = connection.recv(4096).decode(errors="replace").strip("\0 \n")
            if command:
                connection.sendall(self.console(command).encode())
        except OSError:
            pass  # the console did not wait for the answer
        self.forget(connection)

    def console(self, command: str) -> str:
        """Return what the real console prints, for the commands that asha and the tests use."""
        age = int(time.monotonic() - self.began)
        fixed = {
            "core show uptime": f"System uptime: {age} seconds\nLast reload: {age} seconds\n",
            "core waitfullybooted": FULLY_BOOTED if self.booted else STILL_BOOTING,
        }
        words = command.split()
        if command in STOPS and self.booted:  # else it is not known yet
            return self.stop_by_console(command)
        if self.refuses and command not in fixed:
            return f"Command '{command}' cannot be run during shutdown\n"
        if words[:1] == ["channel"] or words[:3] == ["core", "show", "channels"]:
            return self.calls(words)
        if words[:2] == ["pri", "show"] and self.spans:
            wanted = sorted(self.spans) if words[2] == "spans" else words[3:]
            return "".join(self.span_line(name) for name in wanted if name in self.spans)
        if command == "dahdi restart":
            self.restart_spans()
            return ""
        return fixed.get(
            command, f"No such command '{command}' (type 'core show help' for other possible commands)\n"
        )

    def stop_by_console(self, command: str) -> str:
        """Begin to stop: at once without calls; with calls they are ended first, or waited for by "gracefully"."""
        if self.channels and command == "core stop now":
            self.channels = []
            signal.signal(signal.SIGALRM, lambda *_: self.end())
            signal.setitimer(signal.ITIMER_REAL, self.settings.after_calls)
        elif not self.channels and not self.refuses:
            self.stopping = True
        self.refuses = True
        return ""

    def calls(self, words: list[str]) -> str:
        """Begin, show or end calls. One that is begun here has two channels, as one of the real one's Local/."""
        if words[1] == "originate":
            name = f"{words[2]}-{self.calls_begun:08x}"
            self.calls_begun += 1
            self.channels += [f"{name};1", f"{name};2"]
            return ""
        if words[1:] == ["request", "hangup", "all"]:
            ended, self.channels = self.channels, []
            return "".join(f"Requested Hangup on channel '{name}'\n" for name in ended)
        if words[3:] == ["concise"]:
            return "".join(f"{name}!default!s!1!Up!Wait!60!!!!3!0!!0.0\n" for name in self.channels)
        count = len(self.channels)
        counted = f"{count} active channels\n{count // 2} active call{'' if count == 2 else 's'}\n"
        return "Channel Location State Application(Data)\n" + counted

    def span_line(self, name: str) -> str:
        """Return one line of `pri show spans`."""
        span = self.spans[name]
        if span["dchannel"] == "none":
            return ""
        alarm = "In Alarm, " if span["alarm"] != "OK" else ""
        return f"PRI span {name}/0: {alarm}{'Up' if span['dchannel'] == 'up' else 'Down'}, Active\n"

    def restart_spans(self) -> None:
        """Restart Q.921 on every span."""
        if self.line is not None:
            for name in self.spans:
                self.line.sendall(json.dumps({"restart_span": int(name)}).encode() + b"\n")

    # -- SIP

    def listen_sip(self) -> None:
        """Listen on UDP on every address, the cluster address included."""
        if self.settings.sip_port:
            sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sip.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            sip.bind(("0.0.0.0", self.settings.sip_port))
            self.watch(sip, self.hear_sip)
            self.listen_sip_by_ipv6()

    def listen_sip_by_ipv6(self) -> None:
        """Listen in the same way by IPv6, where the machine has it."""
        try:
            sip = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            sip.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sip.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            sip.bind(("::", self.settings.sip_port))
        except OSError:
            return
        self.watch(sip, self.hear_sip)

    def hear_sip(self, sip: socket.socket) -> None:
        """Answer a SIP request as PJSIP does when a stranger asks, and there are only strangers here."""
        if self.sip_silent:
            self.selector.unregister(
                sip
            )  # what is asked lies there unread, as where the real one's reader hangs
            return
        data, asked, _, sender = sip.recvmsg(65536, 64)
        lines = data.decode(errors="replace").split("\r\n")
        if not lines[0].endswith("SIP/2.0"):
            return
        kept = [
            line
            for line in lines[1:]
            if line.split(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")
        ]
        # There are no calls here to which a BYE or a CANCEL could belong.
        usual = NO_SUCH_CALL if lines[0].startswith(("BYE ", "CANCEL ")) else WHO_ARE_YOU
        says = self.settings.sip_reply or usual
        more = [CHALLENGE] if says == WHO_ARE_YOU else []
        answer = ["SIP/2.0 " + says, *kept, *more, "Content-Length: 0", "", ""]
        # The real one answers by IPv4 from the address that the kernel's route prefers (docs/facts/asterisk.md), which
        # "kernel" does too; "asked" is one that is bound to the address asked. By IPv6 it is always taken to be bound.
        if self.settings.answers_from == "kernel" and sip.family == socket.AF_INET:
            asked = []
        try:  # noqa: SIM105
            sip.sendmsg(["\r\n".join(answer).encode()], asked, 0, sender)
        except OSError:
            pass

    # -- AMI

    def listen_ami(self) -> None:
        """Listen for manager connections."""
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((self.settings.ami_bind, self.settings.ami_port))
        server.listen(16)
        self.watch(server, self.accept_ami)

    def accept_ami(self, server: socket.socket) -> None:
        """Accept a manager connection."""
        connection, _ = server.accept()
        self.ami[connection] = Caller()
        self.watch(connection, self.hear_ami)
        connection.sendall(b"Asterisk Call Manager/1.1\r\n")

    def hear_ami(self, connection: socket.socket) -> None:
        """Read and answer what a manager sends."""
        caller = self.ami[connection]
        try:
            data = connection.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.hang_up_ami(connection)
            return
        *requests, caller.buffer = (caller.buffer + data.decode(errors="replace")).split("\r\n\r\n")
        for request in requests:
            fields = dict(line.split(": ", 1) for line in request.split("\r\n") if ": " in line)
            self.answer_ami(connection, caller, {key.lower(): value for key, value in fields.items()})
            if connection not in self.ami:
                return

    def hang_up_ami(self, connection: socket.socket) -> None:
        """End a manager connection."""
        del self.ami[connection]
        self.forget(connection)

    def answer_ami(self, connection: socket.socket, caller: Caller, fields: dict[str, str]) -> None:
        """Answer Login, Ping and Logoff, and refuse everything else; who does not get in is hung up on."""
        action = fields.get("action", "").lower()
        if action == "login":
            wanted = self.settings.ami_users.get(fields.get("username", ""))
            caller.known = wanted is not None and wanted == fields.get("secret")
        said = [f"ActionID: {fields['actionid']}"] if "actionid" in fields else []
        text = "\r\n".join([*self.ami_words(action, caller.known, said), "", ""])
        if action == "login" and caller.known:
            text += "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
        connection.sendall(text.encode())
        if action == "logoff" or (action == "login" and not caller.known):
            self.hang_up_ami(connection)

    @staticmethod
    def ami_words(action: str, known: bool, said: list[str]) -> list[str]:
        """Return the lines of the answer."""
        if not known:
            why = "Authentication failed" if action == "login" else "Permission denied"
            return ["Response: Error", *said, f"Message: {why}"]
        if action == "login":
            return ["Response: Success", *said, "Message: Authentication accepted"]
        if action == "logoff":
            return ["Response: Goodbye", *said, "Message: Thanks for all the fish."]
        if action == "ping":
            return ["Response: Success", *said, "Ping: Pong"]
        return ["Response: Error", *said, "Message: Invalid/unknown command"]


def daemonise() -> None:
    """Detach from the terminal and from the parent process."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.closerange(3, 256)


def main() -> None:
    """Run as PBX."""
    settings = Settings()
    if running_pid(settings):
        sys.exit(f"Asterisk already running on {settings.ctl}.  Use 'asterisk -r' to connect.")
    if settings.start_fails:
        sys.exit(settings.start_fails)
    if "-f" not in sys.argv[1:]:
        daemonise()
    Pbx(settings).run()


if __name__ == "__main__":
    main()
