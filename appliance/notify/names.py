"""Names of the ways out: the agent needs no more than the names, and not the libraries for mail and web."""

from __future__ import annotations

from appliance.config import Conf


def way_names(conf: Conf) -> tuple[str, ...]:
    """Return the name of each way out that is set up, equal to the `name` of its transport (see `ways`)."""
    asked = {
        "syslog": conf.notify_syslog,
        "trap": conf.notify_trap,
        "webhook": conf.notify_webhook,
        "mail": conf.mail_to,
    }
    return tuple(name for name, wanted in asked.items() if wanted)
