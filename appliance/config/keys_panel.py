"""Keys added since asha 1.0.0-2 for the panel, the page in the browser."""

from __future__ import annotations

from appliance.config import value_types
from appliance.config.key import Group, Key

_RESTART = "The panel takes a change of this when it is restarted: service asha-panel restart."

PANEL_KEYS: tuple[Key, ...] = (
    Key(
        "PANEL",
        "panel_on",
        value_types.ON_OFF,
        Group.PANEL,
        (
            "the page in the browser (on/off)",
            "off: its service ends at once when it is started.",
        ),
        "off",
    ),
    Key(
        "PANELADDR",
        "panel_addr",
        value_types.LISTEN,
        Group.PANEL,
        (
            "address the page is served on",
            "127.0.0.1: for a browser on this machine only. 0.0.0.0: on every address of this machine.",
            _RESTART,
        ),
        "0.0.0.0",  # noqa: S104
    ),
    Key(
        "PANELPORT",
        "panel_port",
        value_types.PORT,
        Group.PANEL,
        ("port the page is served on, by TLS always",),
        "443",
    ),
    Key(
        "PANELPREFIX",
        "panel_prefix",
        value_types.PREFIX,
        Group.PANEL,
        (
            "path the page begins at, for use behind another web server",
            "Blank: the page is at /.",
        ),
        "/asha",
        may_be_off=True,
    ),
    Key(
        "PANELPROXY",
        "panel_proxy",
        value_types.ON_OFF,
        Group.PANEL,
        (
            "believe X-Forwarded-For, -Proto and -Prefix (on/off)",
            "Only from a web server on this machine that hands requests on, and only when that sets them itself.",
        ),
        "on",
    ),
    Key(
        "PANELCERT",
        "panel_cert",
        value_types.FILE,
        Group.PANEL,
        (
            "certificate of the page, PEM, with the chain below it if there is one",
            "The package makes one, signed by itself. A site's own belongs in another file, named here.",
        ),
        "/etc/pki/tls/certs/pbx.example.com.crt",
    ),
    Key(
        "PANELKEY",
        "panel_key",
        value_types.FILE,
        Group.PANEL,
        (
            "private key of that certificate, without a passphrase",
            "The user asha-panel needs to read it: chgrp asha-panel, chmod 640.",
        ),
        "/etc/pki/tls/private/pbx.example.com.key",
    ),
)
