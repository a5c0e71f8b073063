"""An app behind the panel's real web server, with TLS, on a port of this machine, for as long as a test wants it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from appliance.panel.server.certificate import make_certificate
from appliance.panel.server.serve import listen, tls_context
from appliance.panel.server.webserver import App, PanelServer


@contextlib.contextmanager
def served(app: App, folder: Path) -> Iterator[str]:
    """The address at which `app` is; the certificate is made in `folder`."""
    cert, key = folder / "panel.crt", folder / "panel.key"
    make_certificate(cert, key, ["localhost"], [])
    listener = listen("127.0.0.1", 0)
    server = PanelServer(app, listener, tls_context(cert, key))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.stop()
        thread.join(5)
    assert not thread.is_alive()
