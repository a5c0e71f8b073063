"""The signs of a sick source, which must not be copied: states that a healthy node never shows."""

from __future__ import annotations

from dataclasses import dataclass

# So few files may vanish all at once without suspicion: somebody emptied a mailbox, for example.
FEW = 10


@dataclass(frozen=True, slots=True)
class TreeSigns:
    """One directory as seen from here.

    `there` and `empty` describe the source; `known` counts files here, `gone` those of them that the source
    lacks.
    """

    key: str
    path: str
    there: bool
    empty: bool
    known: int
    gone: int = 0


def refusal(signs: TreeSigns, max_loss: int) -> str:
    """Return why the source is taken for sick, by name; "" when it looks healthy.

    `max_loss` is in percent.
    """
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
