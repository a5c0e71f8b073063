"""Web server under the panel: cheroot with TLS, and limits on what one client can take from the others."""

from __future__ import annotations

import contextlib
import io
import logging
import queue
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from cheroot.makefile import MakeFile
from cheroot.server import HeaderReader, HTTPConnection, HTTPRequest
from cheroot.ssl import Adapter
from cheroot.wsgi import Gateway_10, Server

from appliance.host.clock import Clock, SystemClock
from appliance.panel.server.proxy import is_loopback

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# Largest number of open event streams. More would leave no thread for pages: a further viewer gets a page that
# reloads itself (views/status.py).
STREAMS = 64
# Each stream keeps a thread; this many more threads serve pages meanwhile.
_FOR_PAGES = 16
_WAITING = 64
# Connections that one address may have open, so that one client cannot take all. This machine is exempt: a
# proxy may run on it.
_FROM_ONE = 40
_FROM_ALL = 400
# Connections that may wait in the kernel to be accepted.
BACKLOG = 128
# Seconds a worker waits for a whole request, the TLS handshake included.
REQUEST_DEADLINE = 10.0
# Seconds without progress in sending after which a client is considered gone.
SEND_DEADLINE = 10
HEADER_LIMIT = 16 * 1024
# Largest request body, in bytes. The panel's forms are small: a larger body does not come from them.
BODY_LIMIT = 256 * 1024
_END_DEADLINE = 2
_BY_PLAIN_HTTP = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nThis page is at https://, not http://.\n"
)


class _Tls(Adapter):
    """TLS adapter that leaves the handshake to a worker thread.

    In the single thread that accepts connections, a silent client would block all others.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}

    def get_environ(self) -> dict[str, str]:
        return {}

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> Any:
        return MakeFile(sock, mode, bufsize if bufsize > 0 else io.DEFAULT_BUFFER_SIZE)


class _Headers(HeaderReader):
    """Header reader of one request, which drops names with an underscore.

    To the application, `X_Forwarded_For` would be the same as `X-Forwarded-For`. `doubtful`: one of the headers by
    which a proxy says who asks (server/single_sign_on.py) came twice, or on more than one line; the client may have
    sent one of them.
    """

    def __init__(self) -> None:
        self.doubtful = False
        self._of_proxy: set[bytes] = set()

    def _allow_header(self, key_name: bytes) -> bool:
        """Return whether the header counts; cheroot asks once for each of its lines."""
        if key_name.startswith(b"X-Asha-"):
            self.doubtful = self.doubtful or key_name in self._of_proxy
            self._of_proxy.add(key_name)
        return b"_" not in key_name


class _Request(HTTPRequest):
    """Request whose body must state its length, and whose headers leave no doubt who asks.

    No browser sends a chunked body, and such a body could be understood in two ways.
    """

    def parse_request(self) -> None:
        """Read the head of a request, and set `ready` when it is acceptable."""
        self.header_reader = headers = _Headers()
        super().parse_request()
        if not self.ready:
            return
        if headers.doubtful:
            self._refuse("400 Bad Request")
        elif b"Transfer-Encoding" in self.inheaders:
            self._refuse("411 Length Required")
        elif not self.inheaders.get(b"Content-Length", b"0").isdigit():
            self._refuse("400 Bad Request")

    def _refuse(self, status: str) -> None:
        self.ready, self.close_connection = False, True
        self.simple_response(status)


class _Connection(HTTPConnection):
    """Connection of a client, whose TLS handshake is done by the worker that first serves it."""

    RequestHandlerClass = _Request
    server: PanelServer
    socket: ssl.SSLSocket
    _shaken = False

    def communicate(self) -> bool:
        """Serve one request of this connection, and return True when the connection stays open."""
        self.server.await_request(self)
        try:
            return self._shake_hands() and bool(super().communicate())  # type: ignore[no-untyped-call]
        finally:
            self.server.has_request(self)

    def _shake_hands(self) -> bool:
        if self._shaken:
            return True
        try:
            self.socket.do_handshake()
        except (OSError, ValueError) as problem:
            if isinstance(problem, ssl.SSLError) and problem.reason == "HTTP_REQUEST":
                socket.socket.send(self.socket, _BY_PLAIN_HTTP)
            return False
        self._shaken = True
        return True

    def close(self) -> None:
        """Close the connection and forget it in the server. Closing it twice is harmless."""
        self.server.forget(self)
        super().close()

    def break_off(self) -> None:
        """Shut the socket down, from any thread, so that a worker blocked on this client goes on."""
        with contextlib.suppress(OSError, ValueError):  # the connection may be gone already
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Close the connection, whatever state it is in."""
        with contextlib.suppress(OSError, ValueError):
            self.close()


class _Gateway(Gateway_10):
    """Gateway that reads the whole body before it calls the application, within the request deadline."""

    def respond(self) -> None:
        req = self.req
        body = req.rfile.read()
        if req.rfile.remaining:
            raise ConnectionAbortedError("The client went away in the middle of its request.")
        self.env["wsgi.input"] = io.BytesIO(body)
        req.server.has_request(req.conn)
        super().respond()


class _Workers:
    """Pool of threads that serve requests.

    The threads do not hold up the end of the process, and a full queue refuses a connection instead of
    blocking.
    """

    def __init__(self, server: PanelServer, count: int) -> None:
        self._server = server
        self._count = count
        self._queue: queue.Queue[_Connection | None] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._in_hand: set[_Connection] = set()

    @property
    def idle(self) -> int:
        """The number of threads that have nothing to do."""
        return self._count - len(self._in_hand)

    def start(self) -> None:
        """Start the threads."""
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._count)]
        for thread in self._threads:
            thread.start()

    def put(self, conn: _Connection) -> None:
        """Queue `conn` for a worker, or close it when too many connections wait already."""
        if self._queue.qsize() >= _WAITING:
            conn.let_go()
        else:
            self._queue.put(conn)

    def stop(self, timeout: float) -> None:
        """Stop the threads, waiting at most `timeout` seconds.

        Connections in hand, such as streams that do not end by themselves, are broken off; a thread that
        hangs is left behind.
        """
        for _ in self._threads:
            self._queue.put(None)
        for conn in tuple(self._in_hand):
            conn.break_off()
        for thread in self._threads:
            thread.join(timeout / self._count)

    def _work(self) -> None:
        while (conn := self._queue.get()) is not None:
            self._in_hand.add(conn)
            try:
                self._serve(conn)
            finally:
                self._in_hand.discard(conn)

    def _serve(self, conn: _Connection) -> None:
        stays = False
        try:
            stays = conn.communicate()
        except OSError:
            pass  # the client is gone
        except Exception as fault:  # a fault in one request must not cost a thread
            self._server.error_log(repr(fault), logging.ERROR, traceback=True)
        if stays:
            self._server.put_conn(conn)
        else:
            conn.let_go()


class PanelServer(Server):
    """HTTPS server for `app` on `listener`, a socket that listens already, with TLS as `context` says.

    `run` returns when another thread has called `stop`.
    """

    ConnectionClass = _Connection
    max_request_header_size = HEADER_LIMIT
    max_request_body_size = BODY_LIMIT
    keep_alive_conn_limit = _FROM_ALL

    def __init__(
        self,
        app: App,
        listener: socket.socket,
        context: ssl.SSLContext,
        *,
        clock: Clock | None = None,
        request_deadline: float = REQUEST_DEADLINE,
    ) -> None:
        super().__init__(listener.getsockname()[:2], app, server_name="asha", timeout=SEND_DEADLINE)
        self.request_queue_size = BACKLOG
        self.shutdown_timeout = _END_DEADLINE
        self.software = "asha"
        self.gateway = _Gateway
        self.ssl_adapter = _Tls(context)
        self.requests = _Workers(self, STREAMS + _FOR_PAGES)
        self._listener = listener
        self._clock = clock or SystemClock()
        self._request_deadline = request_deadline
        self._open: dict[_Connection, None] = {}
        self._awaited: dict[_Connection, float] = {}
        self._awaited_lock = threading.Lock()
        self._stopped = threading.Event()

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:
        self.socket = self._listener
        return self._listener

    def run(self) -> None:
        """Serve until `stop` is called."""
        self.prepare()
        threading.Thread(target=self._break_off_the_slow, daemon=True).start()
        self.serve()

    def stop(self) -> None:
        self._stopped.set()
        super().stop()

    def process_conn(self, conn: _Connection) -> None:
        """Take a connection that is new or has sent something; cheroot calls this.

        A new connection gets a thread only once it sends something: a silent client occupies no thread.
        """
        if conn in self._open:
            self.requests.put(conn)
        elif self._has_room_for(conn):
            self._open[conn] = None
            self.put_conn(conn)
        else:
            conn.let_go()

    def _has_room_for(self, conn: _Connection) -> bool:
        addresses = [other.remote_addr for other in tuple(self._open)]
        from_here = is_loopback(conn.remote_addr)
        return len(addresses) < _FROM_ALL and (from_here or addresses.count(conn.remote_addr) < _FROM_ONE)

    def forget(self, conn: _Connection) -> None:
        """Remove the closed connection `conn` from the open ones."""
        self._open.pop(conn, None)

    def await_request(self, conn: _Connection) -> None:
        """Start the request deadline of `conn`: a worker waits for a request from now on."""
        with self._awaited_lock:
            self._awaited[conn] = self._clock.now() + self._request_deadline

    def has_request(self, conn: _Connection) -> None:
        """Stop the request deadline of `conn`: the request is complete or the worker gave up."""
        with self._awaited_lock:
            self._awaited.pop(conn, None)

    def _break_off_the_slow(self) -> None:
        while not self._stopped.wait(0.5):
            now = self._clock.now()
            with self._awaited_lock:
                slow = [conn for conn, due in self._awaited.items() if due < now]
            for conn in slow:
                conn.break_off()

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Print faults of the panel itself.

        Mistakes of clients are left out, because clients could fill the log at will.
        """
        if level >= logging.ERROR:
            print(f"asha panel: {' '.join(str(msg).split())}", file=sys.stderr, flush=True)
            if traceback:
                sys.excepthook(*sys.exc_info())
