"""Alert in the queue: where and when it came up, and by which ways it must still go out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.config import Conf
from appliance.core.alerts import Alert, alert_fields, alert_from
from appliance.core.document import parse_object

# The id and the time make the file's name, so both are checked.
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_NO_TIME = 1e11  # seconds since the epoch: thousands of years ahead


@dataclass(frozen=True, slots=True)
class Notice:
    """Alert together with the state of its delivery.

    `id` stays the same however often the alert goes out. `host` is the machine's name, and `at` is in epoch
    seconds. `owed` names the ways by which the alert has not gone out yet. `tries` and `again` say how often
    each way has refused this very alert, and when it is tried again (epoch seconds). `left`: for a way that
    has reached only some of its recipients, those that it has not reached.
    """

    id: str
    alert: Alert
    node: str
    host: str
    at: float
    owed: tuple[str, ...] = ()
    tries: Mapping[str, int] = field(default_factory=dict)
    again: Mapping[str, float] = field(default_factory=dict)
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The alert in one line, with its severity and where it came up."""
        return f"[asha {self.host}] {self.alert.severity.word}: {self.alert.subject}"

    def document(self) -> dict[str, Any]:
        """Return the notice as the document that the webhook sends."""
        return {
            "id": self.id,
            "node": self.node,
            "host": self.host,
            "at": self.at,
            **alert_fields(self.alert),
            "page": self.alert.kind.page,
        }


def pack(notice: Notice) -> bytes:
    """Return the content of the notice's file."""
    ways = {"owed": list(notice.owed), "tries": dict(notice.tries), "again": dict(notice.again)}
    return json.dumps({**notice.document(), **ways, "left": dict(notice.left)}).encode()


def unpack(data: bytes) -> Notice:
    """Return the notice that `pack` has written.

    Raises KeyError, TypeError or ValueError for other content.
    """
    fields = parse_object(data)
    if not (_ID.fullmatch(fields["id"]) and 0 <= fields["at"] < _NO_TIME):
        raise ValueError("its name or its time is none of ours")
    return Notice(
        id=fields["id"],
        alert=alert_from(fields),
        node=str(fields["node"]),
        host=str(fields["host"]),
        at=float(fields["at"]),
        owed=tuple(map(str, fields["owed"])),
        tries={str(name): int(count) for name, count in fields["tries"].items()},
        again={str(name): float(at) for name, at in fields["again"].items()},
        left={str(name): tuple(map(str, who)) for name, who in fields.get("left", {}).items()},
    )


# Names of the ways out: the agent needs no more than the names, and not the libraries for mail and web.


def way_names(conf: Conf) -> tuple[str, ...]:
    """Return the name of each way out that is set up, equal to the `name` of its transport (see `ways`)."""
    asked = {
        "syslog": conf.notify_syslog,
        "trap": conf.notify_trap,
        "webhook": conf.notify_webhook,
        "mail": conf.mail_to,
    }
    return tuple(name for name, wanted in asked.items() if wanted)
