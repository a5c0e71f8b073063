"""The ways out by name alone: the agent needs no more, and not the libraries of mail and web."""

from __future__ import annotations

from appliance.config import Conf


def way_names(conf: Conf) -> tuple[str, ...]:
    """Every way out that is set up, as its transport (see `ways`) is named."""
    asked = {
        "syslog": conf.notify_syslog,
        "trap": conf.notify_trap,
        "webhook": conf.notify_webhook,
        "mail": conf.mail_to,
    }
    return tuple(name for name, wanted in asked.items() if wanted)
