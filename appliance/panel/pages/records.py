"""Pages with the transfers and the journal, further back than the first page shows."""

from __future__ import annotations

from flask import Blueprint, render_template

from appliance.panel.pages.access import Access, answers
from appliance.panel.parts import parts
from appliance.panel.shown import timeline

room = Blueprint("records", __name__)
_MOVES, _ENTRIES = 50, 500


@room.get("/moves")
@answers(Access.VIEWER)
def moves() -> str:
    """Return the page of the last transfers of service."""
    history = parts().agent.look("history", newest=_MOVES)
    return render_template("moves.html", moves=timeline.moves(history))


@room.get("/journal")
@answers(Access.VIEWER)
def journal() -> str:
    """Return the page of the journal's last entries."""
    entries = parts().agent.look("journal", newest=_ENTRIES)
    return render_template("journal.html", entries=timeline.entries(entries))
