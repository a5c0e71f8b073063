# errands.py SOCKET COMMAND...: runs the command, with whatever else is asked, for everyone who comes (errand).
import contextlib
import os
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading


class Errand(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        head, given, _, _ = socket.recv_fds(self.request, 4, 16)
        with self.request.makefile("rb") as told:
            words, env, (directory,), numbers = in_lists(told.read(int.from_bytes(head, "little")))
        here = dict(zip(map(int, numbers), given, strict=True))
        argv = [*sys.argv[2:], *(by_our_numbers(os.fsdecode(word), here) for word in words)]
        process = subprocess.Popen(
            argv,
            stdin=here[0],
            stdout=here[1],
            stderr=here[2],
            pass_fds=given[3:],
            env=dict(entry.split(b"=", 1) for entry in env),
            cwd=directory,
            start_new_session=True,
        )
        for descriptor in given:
            os.close(descriptor)
        threading.Thread(target=end_with, args=(self.request, process), daemon=True).start()
        code = process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.request.sendall(bytes([code if code >= 0 else 128 - code]))


def by_our_numbers(word: str, here: dict[int, int]) -> str:
    """A descriptor that is named in `word` has another number with us."""
    return re.sub(r"(?<=/proc/self/fd/)\d+", lambda found: str(here[int(found[0])]), word)


def in_lists(told: bytes) -> list[list[bytes]]:
    """Four lists: a NUL stands behind each word (none is empty), and one behind each list."""
    lists: list[list[bytes]] = [[]]
    for word in told.split(b"\0")[:-1]:
        if word:
            lists[-1].append(word)
        else:
            lists.append([])
    return lists[:4]


def end_with(asker: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Whoever has asked was ended: so is what runs for it."""
    asker.recv(1)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)


socketserver.ThreadingUnixStreamServer(sys.argv[1], Errand).serve_forever()
