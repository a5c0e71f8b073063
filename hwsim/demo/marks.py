"""The marks of a failover: when each phase was first seen, in seconds from the fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from hwsim.rack import Rack

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Marks:
    """Seconds from the fault; None where a mark does not apply or was not seen."""

    fault: float = 0.0
    detected: float | None = None
    relay_moved: float | None = None
    address_moved: float | None = None
    pbx_answering: float | None = None
    alarm_clear: float | None = None
    line_in_service: float | None = None

    def named(self) -> dict[str, float | None]:
        """Return the marks by name, rounded to 0.1 ms."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: None if value is None else round(value, 4) for name, value in values.items()}


def measure(rack: Rack, fault: float, to: str) -> Marks:
    """Return the marks of a move to side `to` after `fault`.

    All but `detected` are seen from outside the product; `detected` is the first entry in either node's
    journal that shows a decision to act, an operator's wish or a dead peer.
    """

    def since(at: float | None) -> float | None:
        return None if at is None else at - fault

    history = rack.history
    address = [at for kind in ("garp", "ping") if (at := rack.first_answer(kind, to, fault)) is not None]
    return Marks(
        detected=since(_detected(rack.journals(), fault)),
        relay_moved=since(history.first("relay", to, fault)),
        address_moved=since(min(address, default=None)),
        pbx_answering=since(rack.first_answer("sip", to, fault)),
        alarm_clear=since(history.first("alarm", to, fault, "OK")),
        line_in_service=since(history.first("in_service", to, fault)),
    )


def _detected(journals: Iterable[Entry], fault: float) -> float | None:
    times = [float(entry["at"]) for entry in journals if float(entry["at"]) >= fault and _tells(entry)]
    return min(times, default=None)


def _tells(entry: Entry) -> bool:
    match entry.get("kind"):
        case "decision":
            return entry.get("act") != "stay"
        case "wish":
            return bool(entry.get("allowed"))
        case "peer":
            return entry.get("alive") is False
        case _:
            return False
