# errands.py SOCKET COMMAND...: runs the command, with whatever else is asked, for everyone who comes (errand).
import contextlib
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading


class Errand(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        _, given, _, _ = socket.recv_fds(self.request, 1, 3)
        asked = json.loads(self.request.makefile().readline())
        argv = [*sys.argv[2:], *asked["words"]]
        process = subprocess.Popen(
            argv,
            stdin=given[0],
            stdout=given[1],
            stderr=given[2],
            env=asked["env"],
            cwd=asked["cwd"],
            start_new_session=True,
        )
        for descriptor in given:
            os.close(descriptor)
        threading.Thread(target=end_with, args=(self.request, process), daemon=True).start()
        code = process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.request.sendall(bytes([code if code >= 0 else 128 - code]))


def end_with(asker: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Whoever has asked was ended: so is what runs for it."""
    asker.recv(1)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)


socketserver.ThreadingUnixStreamServer(sys.argv[1], Errand).serve_forever()
