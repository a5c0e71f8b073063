"""Attack the gate of this very machine, over a pipe: run inside a node by test_gate_attacked.py.

The gate is the real command, forked out of this process so that an attempt takes no start of Python; the client is real
rsync, whose --rsh brings its own standard input and output here. Prints one JSON object: what was tried and what came.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

from appliance.cli import source
from appliance.core.errors import AshaError

TOP, SECRETS = Path("/var/spool/asterisk/voicemail"), Path("/root/.ssh")
MARK, GIVEN = b"SECRET-THAT-NOBODY-GETS", b"a message for everybody"
WORK = Path("/tmp/attack")
NOBODY = 65534
SOCKET, ARGV_LOG = WORK / "socket", WORK / "argv"
# rsync's --rsh: hands over its two ends, and whatever this attempt asks for in place of rsync's own words.
SHELL = f"""#!{sys.executable} -IS
import os, socket, sys
gate = socket.socket(socket.AF_UNIX)
gate.connect("{SOCKET}")
asked = os.environb.get(b"ATTEMPT") or " ".join(sys.argv[2:]).encode("utf-8", "surrogateescape")
socket.send_fds(gate, [asked + b"\\0"], [0, 1, 2])
os.closerange(0, 3)
os._exit((gate.recv(1) or b"\\1")[0])
"""


def furnish() -> None:
    """Data to be given, links that lead out of them, and secrets."""
    for path, text in (
        (TOP / "default/100/INBOX/msg0000.txt", GIVEN),
        (TOP / "default/200/INBOX/msg0000.txt", GIVEN),
        (Path("/etc/asterisk/sip.conf"), GIVEN),
        (SECRETS / "id", MARK),
        (SECRETS / "INBOX/msg0000.txt", MARK),
        (Path("/etc/authkeys"), MARK),
        (Path("/var/lib/asha/ssh/id"), MARK),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    for name, target in (("out", "/root"), ("rules", "/root/.ssh/id"), ("up", "../../../../root")):
        (TOP / name).symlink_to(target)
    WORK.mkdir()
    (WORK / "shell").write_text(SHELL)
    (WORK / "shell").chmod(0o755)


def listen() -> None:
    """Be sshd: every connection has the forced command run in a process of its own."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(SOCKET))
    door.listen(64)
    while True:
        asker, _ = door.accept()
        command, given, _, _ = socket.recv_fds(asker, 1 << 16, 3)
        child = os.fork()
        if not child:
            _be_the_gate(command.rstrip(b"\0"), given)
        for descriptor in given:
            os.close(descriptor)
        threading.Thread(target=_report, args=(asker, child), daemon=True).start()


def _report(asker: socket.socket, child: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with asker, contextlib.suppress(OSError):
        asker.sendall(bytes([code & 0xFF]))


def _be_the_gate(command: bytes, given: list[int]) -> None:
    for place, descriptor in enumerate(given):
        os.dup2(descriptor, place)
    # The client sees the end of what we say only when nobody else holds it open.
    os.closerange(3, 1024)
    os.environb[b"SSH_ORIGINAL_COMMAND"] = command
    log = os.open(ARGV_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
    execve = os.execve

    def logged(path: str, words: tuple[str, ...], env: dict[str, str]) -> None:
        os.write(log, json.dumps(words).encode() + b"\n")
        execve(path, words, env)

    os.execve = logged  # type: ignore[assignment]
    code = 1
    try:
        source.sync_source.callback()  # type: ignore[misc]
        code = 0
    except AshaError as problem:
        os.write(2, f"{problem}\n".encode(errors="replace"))
        code = problem.exit_code
    finally:
        os._exit(code)


class Client:
    """Real rsync against the gate. What has come is counted, and looked through for the secrets."""

    def __init__(self) -> None:
        self.tried = self.secrets = self.files = 0

    def run(self, *words: str, attempt: str = "") -> tuple[int, bytes]:
        """One transfer; its status and all it has said."""
        got = WORK / "got"
        shutil.rmtree(got, ignore_errors=True)
        got.mkdir()
        env = {**os.environ, "RSYNC_PROTECT_ARGS": "0"}
        env.pop("ATTEMPT", None)
        if attempt:
            env["ATTEMPT"] = attempt
        argv = ("rsync", "--timeout=2", f"--rsh={WORK}/shell", *words, f"{got}/")
        said_at = WORK / "said"
        with said_at.open("wb") as said_to:
            # Two ends that do not fit wait for each other.
            code = subprocess.run(
                ["timeout", "4", *argv], env=env, stdout=said_to, stderr=said_to, check=False
            ).returncode
        said = said_at.read_bytes()
        self.tried += 1
        came = [path.read_bytes() for path in got.rglob("*") if path.is_file() and not path.is_symlink()]
        self.files += GIVEN in came
        self.secrets += any(MARK in text for text in (said, *came))
        return code, said


def list_of(paths: list[str]) -> str:
    """A list that the real source has written for us; it keeps it as long as this process lives."""
    ours, theirs = socket.socketpair()
    with socket.socket(socket.AF_UNIX) as gate:
        gate.connect(str(SOCKET))
        socket.send_fds(gate, [b"asha-source serve\0"], [theirs.fileno(), theirs.fileno(), 2])
    theirs.close()
    kept.append(ours)
    ours.sendall(json.dumps({"verb": "list", "paths": paths}).encode() + b"\n")
    return str(json.loads(ours.makefile("rb").readline())["list"])


kept: list[socket.socket] = []
LISTED = ("-lptR", "--no-implied-dirs", "--from0")


def exchange_for_a_link(place: Path, target: str, owner: int) -> None:
    """What user asterisk does, or a pass that brings a link in place of a directory."""
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        place.rename(f"{place}.was")
    place.symlink_to(target)
    os.chown(place, owner, owner, follow_symlinks=False)


def put_back(place: Path) -> None:
    place.unlink()
    Path(f"{place}.was").rename(place)


def links_behind_a_list(client: Client) -> None:
    """A list that was right when it was written, and is read when a directory on the way has become a link."""
    listed = list_of([f"{TOP}/default/100/INBOX/msg0000.txt"])
    assert client.run(*LISTED, f"--files-from=:{listed}", "peer:/")[0] == 0 and client.files
    for place in (TOP / "default/100/INBOX", TOP / "default/100", TOP / "default", TOP):
        for target in ("/root/.ssh/INBOX", "/root/.ssh", "../../../../../../../root/.ssh", "/root"):
            for owner in (0, NOBODY):
                exchange_for_a_link(place, target, owner)
                if owner == 0 and place == TOP:  # root's own link is root's own wish
                    put_back(place)
                    continue
                client.run(*LISTED, f"--files-from=:{listed}", "peer:/")
                client.run("-rlptR", "--no-implied-dirs", f"peer:{TOP}/default/")
                client.run("-rlptR", "--no-implied-dirs", f"peer:{TOP}/")
                put_back(place)


def links_meanwhile(client: Client, tries: int) -> None:
    """A directory that is exchanged for a link and back all the time, while whole directories are read."""
    running = True

    def exchange() -> None:
        place = TOP / "default/100/INBOX"
        while running:
            exchange_for_a_link(place, "/root/.ssh/INBOX", NOBODY)
            put_back(place)

    swapper = threading.Thread(target=exchange)
    swapper.start()
    for number in range(tries):
        what = (f"peer:{TOP}/default/100/INBOX/", f"peer:{TOP}/default/100/", f"peer:{TOP}/")[number % 3]
        client.run("-rlptR", "--no-implied-dirs", what)
    running = False
    swapper.join()


def rules_of_the_protocol(client: Client) -> list[int]:
    """Rules that name a file of rules: rsync reads it here, and older ones say what stands in it."""
    rules = (
        ": /root/.ssh/id",
        ":- /root/.ssh/id",
        ":w- /root/.ssh/id",
        ":n /../../../../../../root/.ssh/id",
        ": rules",
    )
    return [client.run("-rlptR", f"--filter={rule}", f"peer:{TOP}/default/")[0] for rule in rules]


def wrong_words(client: Client, dice: random.Random, tries: int) -> None:
    """Recorded command lines with words and letters that make rsync, if it ever sees them, read something else."""
    listed = list_of([f"{TOP}/default/100/INBOX/msg0000.txt"])
    recorded = (
        f"rsync --server --sender -logtprRe.iLsfxCIvu --timeout=2 --no-implied-dirs . {TOP}/",
        f"rsync --server --sender -logtpRe.LsfxCIvu --timeout=2 --files-from {listed} --from0 --no-implied-dirs . /",
    )
    odd = (
        *(
            "-logtprRe",
            "-re",
            "-e",
            "e",
            "-L",
            "-k",
            "-K",
            "--copy-links",
            "--copy-unsafe-links",
            "--copy-dirlinks",
        ),
        *(
            "--",
            ".",
            "/",
            "/root/",
            "/root/.ssh/",
            "''",
            "-",
            "--files-from",
            f"--files-from={SECRETS}/id",
            "--from0",
        ),
        *(
            listed,
            f"--files-from={listed}",
            "--daemon",
            "--config=/root/x",
            "-s",
            "-slogtpr",
            f"--exclude-from={SECRETS}/id",
        ),
        *(
            f"{TOP}/out/",
            f"{TOP}/out/.ssh/",
            f"{TOP}/up/",
            f"{TOP}/../../../../root/",
            f"{TOP}/*/",
            f"{TOP}/o?t/",
        ),
        *(
            f"{TOP}/default/../out/",
            f"'{TOP}/\n/root/'",
            f"{TOP}/./",
            f"{TOP}//out/",
            "@/etc/authkeys",
            "é",
            "\u202e",
        ),
    )
    harmless = (
        "-A",
        "-X",
        "-S",
        "-n",
        "-o",
        "--partial",
        "--inplace",
        "--numeric-ids",
        "-e.Ls",
        "--timeout=3",
        "-se.",
    )
    for number in range(tries):
        words = dice.choice(recorded).split(" ")
        for _ in range(dice.randint(1, 3)):
            if number % 2:
                words.insert(dice.randint(3, 5), dice.choice(harmless))
            else:
                _spoil(words, dice, odd)
        client.run("-logtprR", "--no-implied-dirs", "peer:/", attempt=" ".join(words))


def _spoil(words: list[str], dice: random.Random, odd: tuple[str, ...]) -> None:
    """Put a word in, exchange it, leave it out, swap two, or add a letter to one; the first two stay."""
    at = dice.randint(2, len(words))
    match dice.randrange(5):
        case 0:
            words.insert(at, dice.choice(odd))
        case 1:
            words[at : at + 1] = [dice.choice(odd)]
        case 2:
            del words[at : at + 1]
        case 3:
            words[at : at + 2] = reversed(words[at : at + 2])
        case _:
            words[at : at + 1] = [word + dice.choice("eLkKDs.0 ") for word in words[at : at + 1]]


def main() -> None:
    furnish()
    threading.Thread(target=listen, daemon=True).start()
    while not SOCKET.exists():
        pass
    client = Client()
    links_behind_a_list(client)
    swapped = client.tried
    links_meanwhile(client, 60)
    codes = rules_of_the_protocol(client)
    wrong_words(client, random.Random(int(sys.argv[1])), int(sys.argv[2]))
    given, _ = client.run("-rlptR", "--protect-args", f"peer:{TOP}/default/")
    argv = [json.loads(line) for line in ARGV_LOG.read_text().splitlines()]
    told = {"tried": client.tried, "secrets": client.secrets, "fetched": client.files, "swapped": swapped}
    print(json.dumps({**told, "rules": codes, "secluded": given, "argv": argv}))


main()
