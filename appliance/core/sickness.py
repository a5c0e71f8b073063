"""When a source is not to be copied: what a healthy node never looks like."""

from __future__ import annotations

from dataclasses import dataclass

# A handful of files may all go at once: a mailbox was emptied.
FEW = 10


@dataclass(frozen=True, slots=True)
class TreeSigns:
    """One directory as seen from here: `there` and `empty` at the source, files `known` here, `gone` at the source."""

    key: str
    path: str
    there: bool
    empty: bool
    known: int
    gone: int = 0


def refusal(signs: TreeSigns, max_loss: int) -> str:
    """Why the source is taken for sick, naming what; "" when it looks healthy. `max_loss` in percent."""
    name = f"{signs.path} ({signs.key})"
    if signs.known == 0:
        return ""
    if not signs.there:
        return f"{name} is missing there, and {signs.known} files of it are here"
    if signs.empty:
        return f"{name} is empty there, and {signs.known} files of it are here"
    if max_loss < 100 and signs.gone > FEW and signs.gone * 100 > max_loss * signs.known:
        share = f"{signs.gone} of {signs.known} files"
        return f"{share} of {name} have vanished there at once (SYNCMAXLOSS is {max_loss} %)"
    return ""
