"""Does a directory of DAHDI configuration fit this node? Spans, dahdi_cfg and synchronisation in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import HostError, SyncError
from appliance.core.reading import Known, Reading
from appliance.dahdi.directory import read_configuration, refused_by_dahdi_cfg
from appliance.dahdi.fit import Misfit, misfits
from appliance.dahdi.span import Span
from appliance.dahdi.spans import read_hardware
from appliance.host.clock import SystemClock


def own_spans(conf: Conf) -> Reading[tuple[Span, ...]]:
    """This node's spans."""
    return read_hardware(conf.dahdi_root, SystemClock().now())


def own_misfits(directory: Path, seen: Reading[tuple[Span, ...]]) -> tuple[Misfit, ...]:
    """What in `directory` does not fit this node, whose spans are `seen`, or is not accepted by its dahdi_cfg."""
    try:
        found = misfits(read_configuration(directory), seen)
        # Where DAHDI is not loaded it cannot be asked, and only what names no hardware fits.
        refused = refused_by_dahdi_cfg(directory) if isinstance(seen, Known) else ""
    except HostError as problem:
        return (Misfit(0, f"it cannot be checked: {problem}".rstrip(".")),)
    return (*found, Misfit(0, refused)) if refused else found


def vet_for(conf: Conf) -> Callable[[Path], None]:
    """What judges a directory of DAHDI configuration for this node: raises SyncError when it does not fit."""

    def vet(directory: Path) -> None:
        found = own_misfits(directory, own_spans(conf))
        if found:
            raise SyncError("; ".join(misfit.says for misfit in found) + ".")

    return vet
