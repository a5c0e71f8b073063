"""One conversation in which the other side says 300 MB. Run as `python said_too_much.py CASE FOLDER`.

Prints as JSON by how much the most memory this process ever had has grown, and how the conversation ended. What is said
comes out of other processes, or of a thread that keeps nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from appliance.cli.peer import answer_one
from appliance.config import Conf
from appliance.control.client import ask
from appliance.control.server import ControlServer
from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.core.errors import AshaError
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.host.process import run
from appliance.host.stream import Stream
from appliance.notify.mail import Smtp
from appliance.notify.notice import Notice
from appliance.notify.webhook import Webhook
from appliance.pbx.probes import AmiProbe, CliProbe
from appliance.pbx.process import find_pid
from appliance.sync.peer_link import PeerLink, ask_once
from appliance.sync.rsync import Rsync
from appliance.sync.server import SourceHealth, SyncServer
from appliance.sync.ssh import Ssh

SIZE = 300_000_000
PIECE = b"x" * 60_000
FOLDER = Path(sys.argv[2])
SSH = Ssh("127.0.0.1", 22, socket=FOLDER / "ssh")
SAY = f"head -c {SIZE} /dev/zero | tr '\\0' x"
NOW = SystemClock().now


def program(name: str, script: str) -> Path:
    """A program of that name, found first."""
    place = FOLDER / name
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    return place


def server(first: bytes, again: bytes) -> int:
    """A port at which whoever comes is told `first`, and then `again` until 300 MB are said or he leaves."""
    door = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        connection, _ = door.accept()
        with connection:
            try:
                connection.sendall(first)
                for _ in range(SIZE // len(again)):
                    connection.sendall(again)
            except OSError:
                return

    threading.Thread(target=talk, daemon=True).start()
    return int(door.getsockname()[1])


def notice() -> Notice:
    """An alert on its way."""
    return Notice(
        "1", Alert("key", AlertKind.TEST, Severity.NOTICE, "subject", "text"), "primary", "host", 0.0
    )


def a_peers_answer() -> object:
    program("ssh", SAY)
    with PeerLink(SSH) as peer:
        return peer.ask("health")


def a_peers_complaint() -> object:
    program("ssh", f"({SAY}) >&2; exit 9")
    with PeerLink(SSH) as peer:
        return peer.ask("health")


def a_peers_nested_answer() -> object:
    program("ssh", f"printf '{{\"ok\": true, \"entries\": '; head -c {SIZE} /dev/zero | tr '\\0' '['")
    with PeerLink(SSH) as peer:
        return next(peer.manifest([b"/x"]))


def a_peers_answer_of_small_lists() -> object:
    program(
        "ssh",
        "printf '{\"ok\": true, \"entries\": ['; yes '[],' | head -c 900000 | tr -d '\\n'; echo '[]]}'; sleep 1",
    )
    with PeerLink(SSH) as peer:
        return next(peer.manifest([b"/x"]))


def a_peers_number() -> object:
    program(
        "ssh", "printf '{\"ok\": true, \"n\": 1'; head -c 900000 /dev/zero | tr '\\0' 1; echo '}'; sleep 1"
    )
    with PeerLink(SSH) as peer:
        return peer.ask("health")


def the_answer_to_one_question() -> object:
    program("ssh", SAY)
    return ask_once(SSH, "conf")


def what_rsync_says() -> object:
    rsync = Rsync(program("rsync", SAY), SSH, (), "", 0)
    return list(rsync.compare(["/given"], {}, deep=False))


def a_programs_output() -> object:
    return run(["sh", "-c", SAY], deadline=60.0).output


def a_programs_complaint() -> object:
    return run(["sh", "-c", f"({SAY}) >&2; exit 9"], deadline=60.0).explain()[-80:]


def a_workers_line() -> object:
    with Stream(["sh", "-c", SAY]) as stream:
        while not stream.ended:
            stream.line(1.0)
        return stream.complaint()


def asked() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sh", "-c", SAY], stdout=subprocess.PIPE)


def the_peers_question() -> object:
    source = SyncServer(
        Conf(), SyncPaths(FOLDER, FOLDER, FOLDER), SystemClock(), lambda: SourceHealth("", False), dict
    )
    with asked() as saying, (FOLDER / "answer").open("wb") as answer:
        source.serve(saying.stdout, answer)  # type: ignore[arg-type]
        saying.kill()
    return (FOLDER / "answer").read_text()


def the_peers_question_of_the_conf() -> object:
    with asked() as saying, (FOLDER / "answer").open("wb") as answer:
        answer_one("conf", Node.PRIMARY, saying.stdout, answer)  # type: ignore[arg-type]
        saying.kill()
    return (FOLDER / "answer").read_text()


def the_agents_answer() -> object:
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(FOLDER / "control"))
    door.listen()
    code = "import socket, sys\nc, _ = socket.socket(fileno=int(sys.argv[1])).accept()\nwhile 1: c.sendall(b'x' * 9999)"
    argv = [sys.executable, "-c", code, str(door.fileno())]
    with subprocess.Popen(argv, pass_fds=(door.fileno(),), stderr=subprocess.DEVNULL) as saying:
        try:
            return ask("status", path=str(FOLDER / "control"), deadline=20.0)
        finally:
            saying.kill()


def a_question_to_the_agent() -> object:
    async def answer(request: object) -> object:
        return request

    def ask_too_much() -> str:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(FOLDER / "control"))
            try:
                for _ in range(SIZE // len(PIECE)):
                    asking.sendall(PIECE)
            except OSError:
                return "the agent hung up"
        return "the agent heard all of it"

    async def scenario() -> str:
        served = ControlServer(FOLDER / "control", answer)
        await served.start()
        return await asyncio.to_thread(ask_too_much)

    return asyncio.run(scenario())


def a_mail_servers_answer() -> object:
    port = server(b"", b"220-" + b"x" * 1000 + b"\r\n")
    return Smtp(f"127.0.0.1:{port}", "a@example.org", ("b@example.org",)).send(notice())


def a_web_servers_answer() -> object:
    port = server(b"HTTP/1.1 500 ", PIECE)
    return Webhook(f"http://127.0.0.1:{port}/").send(notice())


def a_web_servers_headers() -> object:
    port = server(b"HTTP/1.1 200 OK\r\n", b"A: " + b"x" * 60_000 + b"\r\n")
    return Webhook(f"http://127.0.0.1:{port}/").send(notice())


def what_ami_says() -> object:
    port = server(b"Asterisk Call Manager\r\n", PIECE)
    return asyncio.run(AmiProbe(port, "a", "b", 20.0).ask(NOW)).reason  # type: ignore[union-attr]


def what_the_console_says() -> object:
    asterisk = program("asterisk", SAY)
    return asyncio.run(CliProbe(str(asterisk), 60.0).ask(NOW)).reason  # type: ignore[union-attr]


def what_the_consoles_socket_says() -> object:
    place = FOLDER / "asterisk.ctl"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(place))
        listening.listen()

        def say() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                while True:
                    connection.sendall(PIECE)

        threading.Thread(target=say, daemon=True).start()
        return asyncio.run(CliProbe("asterisk", 60.0, lambda: place).ask(NOW)).reason  # type: ignore[union-attr]


def asterisks_pid_file() -> object:
    place = FOLDER / "asterisk.pid"
    with place.open("wb") as file:
        file.truncate(SIZE)
    return find_pid(dataclasses.replace(Conf(), pbx_pidfile=place), 0.0).reason  # type: ignore[union-attr]


CASES: tuple[Callable[[], object], ...] = (
    *(
        a_peers_answer,
        a_peers_complaint,
        a_peers_nested_answer,
        a_peers_answer_of_small_lists,
        a_peers_number,
    ),
    *(the_answer_to_one_question, what_rsync_says, a_programs_output, a_programs_complaint, a_workers_line),
    *(the_peers_question, the_peers_question_of_the_conf, the_agents_answer, a_question_to_the_agent),
    *(
        a_mail_servers_answer,
        a_web_servers_answer,
        a_web_servers_headers,
        what_ami_says,
        what_the_console_says,
        what_the_consoles_socket_says,
    ),
    asterisks_pid_file,
)


def most_memory() -> int:
    """Kilobytes; getrusage's figure would also count what this process was before its exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    os.environ["PATH"] = f"{FOLDER}:{os.environ['PATH']}"
    before = most_memory()
    try:
        ended = str({case.__name__: case for case in CASES}[sys.argv[1]]())
    except AshaError as problem:
        ended = f"{type(problem).__name__}: {problem}"
    print(json.dumps({"grown": most_memory() - before, "ended": ended}))


if __name__ == "__main__":
    main()
