"""Keys added since asha 1.0.0-2 for alerts: mail, syslog, webhook, SNMP traps."""

from __future__ import annotations

from appliance.config import value_types
from appliance.config.key import Group, Key

_HIDDEN = "When it is set, other users must not be able to read this file: chmod o-r."

NOTIFY_KEYS: tuple[Key, ...] = (
    Key(
        "MAILTO",
        "mail_to",
        value_types.MAIL,
        Group.NOTIFY,
        (
            "who gets mail when something fails or moves",
            "Blank: nobody. 'asha notify test' tries every way that is set up here.",
        ),
        "you@example.com, noc@example.com",
        may_be_off=True,
    ),
    Key(
        "NOTIFYFROM",
        "notify_from",
        value_types.ONE_MAIL,
        Group.NOTIFY,
        ("from whom that mail comes", "Blank: asha@ and the node's name."),
        "asha@example.com",
        may_be_off=True,
    ),
    Key(
        "NOTIFYSMTP",
        "notify_smtp",
        value_types.SERVER,
        Group.NOTIFY,
        (
            "mail server that takes it, by SMTP (port 25 unless given)",
            "Blank: it is given to this machine's own sendmail.",
        ),
        "mail.example.com:587",
        may_be_off=True,
    ),
    Key(
        "NOTIFYTLS",
        "notify_tls",
        value_types.ON_OFF,
        Group.NOTIFY,
        (
            "STARTTLS with that server (on/off)",
            "on: its certificate must hold, or nothing is sent. Always so when NOTIFYUSER is set.",
        ),
        "on",
    ),
    Key(
        "NOTIFYUSER",
        "notify_user",
        value_types.TEXT,
        Group.NOTIFY,
        ("user to log in as at that server", "Blank: no login."),
        "asha@example.com",
        may_be_off=True,
    ),
    Key(
        "NOTIFYPASSWORD",
        "notify_password",
        value_types.TEXT,
        Group.NOTIFY,
        ("that user's password", _HIDDEN),
        "a-long-secret",
        may_be_off=True,
        secret=True,
    ),
    Key(
        "NOTIFYSYSLOG",
        "notify_syslog",
        value_types.ON_OFF,
        Group.NOTIFY,
        ("alerts into this machine's syslog, facility daemon (on/off)",),
        "on",
    ),
    Key(
        "NOTIFYWEBHOOK",
        "notify_webhook",
        value_types.URL,
        Group.NOTIFY,
        (
            "address that gets each alert as JSON, by HTTP POST",
            "With https its certificate must hold. Blank: none.",
            _HIDDEN,
        ),
        "https://hooks.example.com/asha?key=a-long-secret",
        may_be_off=True,
        secret=True,
    ),
    Key(
        "NOTIFYTRAP",
        "notify_trap",
        value_types.SERVER,
        Group.NOTIFY,
        (
            "SNMP manager that gets a v2c trap of each alert (port 162 unless given)",
            "docs/ASHA-MIB.txt describes them. Blank: none.",
        ),
        "nms.example.com",
        may_be_off=True,
    ),
    Key(
        "NOTIFYCOMMUNITY",
        "notify_community",
        value_types.TEXT,
        Group.NOTIFY,
        ("community of those traps", f"Blank: public. {_HIDDEN}"),
        "a-long-secret",
        may_be_off=True,
        secret=True,
    ),
)
