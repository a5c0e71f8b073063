"""Page of the journal: that of both nodes in one list, by node, by kind and by words, page by page into the past."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template, request

from appliance.core.errors import AshaError, UserError
from appliance.core.journal_entry import DETAILS
from appliance.core.journal_page import JournalPage, JournalQuery, merged
from appliance.core.status import Status
from appliance.panel.context import parts
from appliance.panel.render.timeline import node_entries
from appliance.panel.views.access import Access, answers

blueprint = Blueprint("journal", __name__, url_prefix="/journal")
NODES = ("primary", "secondary")
# The kinds that a person looks for; whatever else stands in the journal is offered when the page shows it.
_KINDS = frozenset({*DETAILS, "conf", "introduction", "journal", "panel"})


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the form and the link to older entries say. `node`: one of NODES, or "" for both."""

    node: str
    kind: str
    search: str

    def wants(self, node: str) -> bool:
        return self.node in ("", node)


@blueprint.get("")
@answers(Access.VIEWER)
def journal() -> str:
    """Return one page of the journal.

    `node`, `kind` and `search` choose among the entries; `primary` and `secondary` say where the page begins on
    each node, as the link of the page before it does.
    """
    asked = _Asked(request.args.get("node", ""), request.args.get("kind", ""), _words())
    if asked.node not in ("", *NODES):
        raise UserError("There is no such node.", todo="One of: primary, secondary.")
    status = parts().agent.status()
    here = status.node if status.node in NODES else NODES[0]
    before = {node: request.args.get(node, "") for node in NODES}
    pages, missing = {}, ""
    for node in filter(asked.wants, NODES):
        query = JournalQuery(before[node], asked.kind, asked.search)
        if node == here:
            pages[node] = parts().agent.journal_page(query, peer=False)
        else:
            page, missing = _of_the_other(status, query)
            pages |= {node: page} if page is not None else {}
    found = merged(pages, before)
    kinds = sorted(_KINDS | {entry.kind for _, entry in found.entries} | ({asked.kind} - {""}))
    return render_template(
        "journal.html",
        entries=node_entries(found.entries, {here: status.node or "this node"}),
        kinds=kinds,
        asked=asked,
        missing=missing,
        older={**before, **found.before} if found.more else None,
        newest=not any(before.values()),
    )


def _words() -> str:
    return request.args.get("search", "").strip()


def _of_the_other(status: Status, query: JournalQuery) -> tuple[JournalPage | None, str]:
    """Return the page of the other node, or None and why there is none. A node that is gone is not waited for."""
    if not status.set_up:
        return None, "the nodes do not know each other yet"
    if status.peer.alive.value is False:
        return None, f"the {status.peer.node} is gone"
    try:
        return parts().agent.journal_page(query, peer=True), ""
    except AshaError as problem:
        return None, str(problem.args[0]).rstrip(".")
