"""Ways out that the conf file asks for, the quickest first."""

from __future__ import annotations

from appliance.config import Conf
from appliance.host.clock import Clock
from appliance.notify.mail import Sendmail, Smtp
from appliance.notify.snmp import Trap
from appliance.notify.syslog import Syslog
from appliance.notify.transport import Transport
from appliance.notify.trust import Trust
from appliance.notify.webhook import Webhook


def transports(conf: Conf, host: str, clock: Clock) -> list[Transport]:
    """Return every way out that is set up.

    `host` is this machine's name, which mail gives as its origin unless NOTIFYFROM is set.
    """
    found: list[Transport] = []
    if conf.notify_syslog:
        found.append(Syslog())
    if conf.notify_trap:
        found.append(Trap(conf.notify_trap, clock.now, conf.notify_community or "public"))
    if conf.notify_webhook:
        found.append(Webhook(conf.notify_webhook, trust=Trust(conf.notify_ca)))
    if conf.mail_to:
        found.append(_mail(conf, host))
    return found


def _mail(conf: Conf, host: str) -> Transport:
    sender = conf.notify_from or f"asha@{host}"
    recipients = tuple(conf.mail_to.replace(",", " ").split())
    if not conf.notify_smtp:
        return Sendmail(sender, recipients)
    return Smtp(
        conf.notify_smtp,
        sender,
        recipients,
        user=conf.notify_user,
        password=conf.notify_password,
        tls=conf.notify_tls,
        trust=Trust(conf.notify_ca),
    )
