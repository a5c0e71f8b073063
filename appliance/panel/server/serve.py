"""The panel as a process: certificate, port, rights, application, and a clean end.

Started as root, the process reads what only root may read (the conf file, which may hold secrets, and the
key), takes its port, and goes on as the user asha-panel before any line of the application runs. Started as
another user, it stays that user.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import threading
from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.ip_address import version_of, with_port
from appliance.host.memory import share_one_heap
from appliance.host.paths import PANEL_USER
from appliance.host.process import become_user
from appliance.host.service_manager import ServiceManager
from appliance.panel.server.webserver import BACKLOG, App, PanelServer

_NICE = 10
# Stack of each thread, in bytes. The private runtime's libc would give 128 kB, which a template or a pattern
# can exceed.
_STACK = 1 << 20
# When memory is short, the kernel is to kill the panel before the agent, which may have a failover to carry
# out.
_OOM_SCORE = 500


def run_panel(conf: Conf, proxy_digest: str) -> None:
    """Serve the page until SIGTERM.

    `conf` is without secrets; `proxy_digest` is what is kept of the proxy's (`proxy.secret_digest`). Raises
    HostError when the certificate, the port or the user is not available.
    """
    share_one_heap()
    context = tls_context(conf.panel_cert, conf.panel_key)
    listener = listen(conf.panel_addr, conf.panel_port)
    _step_back()
    threading.stack_size(_STACK)
    become_user(PANEL_USER)
    from appliance.panel.app import create_app  # noqa: PLC0415 - no code of the application runs as root

    serve(create_app(conf, proxy_digest=proxy_digest), listener, context, ServiceManager.of_this_process())


def tls_context(cert: Path, key: Path) -> ssl.SSLContext:
    """Return a TLS context, version 1.2 and later, with the given certificate. Raises HostError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    for file in (cert, key):
        _readable(file)
    try:
        context.load_cert_chain(cert, key, password=_no_passphrase)
    except (OSError, ValueError) as problem:
        raise HostError(
            f"{cert} and {key} are not a certificate and its key: {_said(problem)}.",
            todo="'asha panel certificate --renew' makes new ones; PANELCERT and PANELKEY name others.",
        ) from problem
    return context


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")


def _said(problem: OSError | ValueError) -> str:
    if isinstance(problem, ssl.SSLError):
        return (problem.reason or "no PEM").lower().replace("_", " ")
    return str(problem)


def _readable(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            opened.read(1)
    except OSError as problem:
        raise HostError(
            f"{file} could not be read: {problem.strerror}.", todo="'asha panel certificate' makes it."
        ) from problem


def listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens at `address` and `port`. Raises HostError."""
    family = socket.AF_INET6 if version_of(address) == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family is socket.AF_INET6:  # `::` is every address, whatever the host's bindv6only says
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    # Accepted connections inherit the option: events are small and must go out at once.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as problem:
        listener.close()
        raise HostError(
            f"The page cannot be served on {with_port(address, port)}: {problem.strerror}.",
            todo="PANELADDR and PANELPORT in the conf file say where it is.",
        ) from problem
    return listener


def serve(app: App, listener: socket.socket, context: ssl.SSLContext, manager: ServiceManager) -> None:
    """Serve until SIGTERM or SIGINT."""
    os.environ.pop("LISTEN_PID", None)  # cheroot would take over a socket that was not given to it
    server = PanelServer(app, listener, context)
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    manager.ready()
    while serving.is_alive() and not end.wait(1.0):
        pass
    manager.ending()
    server.stop()


def _step_back() -> None:
    """Lower the priority of this process: nothing in the panel may slow down a failover."""
    os.nice(_NICE)
    with contextlib.suppress(OSError):  # an older kernel, or a container that forbids it
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE), encoding="ascii")
