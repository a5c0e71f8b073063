"""Check of a DAHDI configuration directory against this node, which synchronisation uses too."""

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
    """Return the spans of this node."""
    return read_hardware(conf.dahdi_root, SystemClock().now())


def own_misfits(directory: Path, seen: Reading[tuple[Span, ...]]) -> tuple[Misfit, ...]:
    """Return what in `directory` does not fit this node's spans `seen`, or is refused by dahdi_cfg."""
    try:
        found = misfits(read_configuration(directory), seen)
        # Where DAHDI is not loaded, dahdi_cfg cannot be asked; then only a configuration that names no
        # hardware fits.
        refused = refused_by_dahdi_cfg(directory) if isinstance(seen, Known) else ""
    except HostError as problem:
        return (Misfit(0, f"it cannot be checked: {problem}".rstrip(".")),)
    return (*found, Misfit(0, refused)) if refused else found


def vet_for(conf: Conf) -> Callable[[Path], None]:
    """Return a function that checks a directory of DAHDI configuration against this node.

    The function raises SyncError when the configuration does not fit.
    """

    def vet(directory: Path) -> None:
        found = own_misfits(directory, own_spans(conf))
        if found:
            raise SyncError("; ".join(misfit.says for misfit in found) + ".")

    return vet
