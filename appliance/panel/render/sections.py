"""Parts of the first page that change by themselves, rendered once for all viewers."""

from __future__ import annotations

import threading

from flask import Flask

from appliance.core.last_move import last_move
from appliance.core.named_problems import named_problems
from appliance.panel.render import charts, timeline
from appliance.panel.render.action_list import buttons
from appliance.panel.render.alarms import alarm_of
from appliance.panel.render.diagram import diagram
from appliance.panel.render.feed import View
from appliance.panel.render.readiness import readiness

# In the order of the page; each name is that of a template in live/.
NAMES = ("headline", "diagram", "buttons", "job", "readiness", "timeline", "charts", "journal")
_NEWEST_FIRST = 30
# How the banner looks, by the health of the pair.
_TONES = ("good", "doubt", "bad", "bad")


class SectionRenderer:
    """Renderer of the sections of a view: once for viewers, once for operators."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._printed: dict[bool, tuple[int, dict[str, str]]] = {}

    def sections(self, view: View, *, operator: bool) -> dict[str, str]:
        """Return the HTML of every section, by name."""
        with self._lock:
            number, printed = self._printed.get(operator, (-1, {}))
            if number != view.number:
                printed = self._print(view, operator=operator)
                self._printed[operator] = (view.number, printed)
            return printed

    def _print(self, view: View, *, operator: bool) -> dict[str, str]:
        facts = {"view": view, "status": view.status, "operator": operator, **_facts(view)}
        with self._app.app_context():
            find = self._app.jinja_env.get_template
            return {name: find(f"live/{name}.html").render(facts) for name in NAMES}


def _facts(view: View) -> dict[str, object]:
    status = view.status
    offered, absent = buttons(status) if status else ((), ())
    return {
        "tone": _TONES[min(max(status.state.health, 0), len(_TONES) - 1)] if status else "bad",
        "problems": named_problems(status, alarm_of) if status else (),
        "p": diagram(status) if status else None,
        "offered": offered,
        "absent": absent,
        "checks": readiness(status) if status else (),
        "last": last_move(view.history, status.names) if status else None,
        "moves": timeline.moves(view.history, of_service=True),
        "charts": charts.charts(view.trends, charts.PERIODS["day"], view.moves) if view.trends else (),
        "entries": timeline.entries(view.journal)[:_NEWEST_FIRST],
    }
