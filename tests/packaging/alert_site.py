"""A site in a network namespace: a name server, a mail server and a web server, and a script that runs beside them.

Arguments: the certificate of both servers, its key, and a shell script. Printed as JSON: what the script said, how it
ended, and what the servers got. Every question for an IPv6 address is answered by SERVFAIL.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

TREE = Path(__file__).parents[2]
sys.path[:0] = [str(TREE), str(TREE / "tests/contract/notify")]

from alert_servers import MailServer  # noqa: E402

from tests.plugins.name_server import SERVFAIL, NameServer, failed, found  # noqa: E402

NAME = "mail.example.lan"
NAME_PORT, MAIL_PORT, WEB_PORT = 53, 2525, 8443


def main(cert: str, key: str, script: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    mail = MailServer(tls=context)
    posts: list[str] = []

    class Mail(StreamRequestHandler):
        def handle(self) -> None:
            mail.serve(self.request)

    class Web(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posts.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    web = HTTPServer(("127.0.0.1", WEB_PORT), Web)
    web.socket = context.wrap_socket(web.socket, server_side=True)
    for server in (web, ThreadingTCPServer(("127.0.0.1", MAIL_PORT), Mail)):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    with NameServer({(NAME, "A"): found("127.0.0.1"), (NAME, "AAAA"): failed(SERVFAIL)}).up(
        "127.0.0.1", NAME_PORT
    ):
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=90, check=False)
    said = {"status": done.returncode, "said": done.stdout + done.stderr}
    print(json.dumps({**said, "mails": len(mail.mails), "posts": len(posts)}))


main(*sys.argv[1:])
