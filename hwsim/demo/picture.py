"""The rack as a picture of text: both nodes, the cluster address, the relay and the line."""

from __future__ import annotations

from hwsim.view import NodeView, RackView

_WIDTH = 26


def draw(view: RackView) -> str:
    """Return the picture, nine lines of plain text."""
    left, right = _box("primary", view.primary), _box("secondary", view.secondary)
    middle = ["", "", *_address(view), "", ""]
    rows = [f"  {a}  {m:^15}  {b}" for a, m, b in zip(left, middle, right, strict=True)]
    return "\n".join([*rows, *_relay(view)])


def _box(name: str, node: NodeView) -> list[str]:
    title = f"─ {name} " + ("" if node.state == "up" else f"({node.state.upper()}) ")
    if node.state == "off":
        rows = ["", "", "", ""]
    else:
        rows = [
            f"Asterisk   {'runs' if node.asterisk else '-'}",
            f"span       {node.alarm}",
            f"D-channel  {node.dchannel}",
            "LINE IN SERVICE" if node.in_service else "",
        ]
    inner = _WIDTH - 2
    return [
        "┌" + title.ljust(inner, "─") + "┐",
        *(f"│ {row:<{inner - 2}} │" for row in rows),
        "└" + "─" * inner + "┘",
    ]


def _address(view: RackView) -> list[str]:
    arrow = {"primary": "◄─────────────", "secondary": "─────────────►"}.get(view.address_at, "· · · · · · ·")
    return [view.address, arrow]


def _relay(view: RackView) -> list[str]:
    """Return three lines below the boxes: the common port in the middle, NO to the left, NC to the right."""
    half = _WIDTH // 2
    to_left, to_right = view.relay == "primary", view.relay == "secondary"
    left = "└" + ("━" if to_left else "╌") * (half + 8) + " NO "
    right = " NC " + ("━" if to_right else "╌") * (half + 8) + "┘"
    card = "relay" if view.card else "no card"
    line = "telephone line" if view.telco else "telephone line (DEAD)"
    pad = " " * (half + 1)
    width = len(left) + 2 + len(right)
    return [f"{pad}{left}╷╷{right}", f"{pad}{card:^{width}}", f"{pad}{'│':^{width}}", f"{pad}{line:^{width}}"]
