from __future__ import annotations

from appliance.cluster.heartbeat.view import ClusterView, Held, NodeStatus
from appliance.cluster.heartbeat.watch import HeartbeatWatch
from appliance.core.model import Node
from appliance.core.reading import Known, Unknown


def view_after(*messages: dict[str, str]) -> ClusterView:
    view = ClusterView("bravo")
    for at, message in enumerate(messages):
        view.learn(message, float(at))
    return view


def test_silence_is_unknown() -> None:
    view = view_after()
    assert isinstance(view.peer_status(1.0), Unknown)
    assert isinstance(view.held("alpha", 1.0), Unknown)
    assert isinstance(view.peer_agent(1.0), Unknown)


def test_the_peers_life_and_death() -> None:
    asked = {"t": "hbapi-resp", "reqtype": "nodestatus", "node": "bravo", "st": "active", "result": "OK"}
    dead = {"t": "status", "st": "dead", "src": "bravo"}
    assert view_after(asked).peer_status(9.0) == Known(NodeStatus.ACTIVE, 0.0)
    assert view_after(asked, dead).peer_status(9.0) == Known(NodeStatus.DEAD, 1.0)
    assert view_after(asked, {**dead, "src": "alpha"}).peer_status(9.0) == Known(NodeStatus.ACTIVE, 0.0)
    assert isinstance(view_after({**dead, "st": "undead"}).peer_status(9.0), Unknown)


def test_a_dead_node_has_no_agent() -> None:
    join = {"t": "hbapi-clstat", "st": "join", "from_id": "asha", "src": "bravo"}
    assert view_after(join).peer_agent(9.0) == Known(True, 0.0)
    assert view_after(join, {**join, "st": "leave"}).peer_agent(9.0) == Known(False, 1.0)
    assert view_after(join, {"t": "status", "st": "dead", "src": "bravo"}).peer_agent(9.0) == Known(
        False, 1.0
    )
    assert view_after({**join, "from_id": "ipfail"}).peer_agent(9.0) == Unknown(
        "no word of the other node's agent", 9.0
    )


def test_an_agent_that_speaks_is_there() -> None:
    assert view_after({"t": "asha", "src": "bravo"}).peer_agent(9.0) == Known(True, 0.0)


def test_holding_and_moving() -> None:
    """As the lab's hb_standby said it."""
    moving = {"t": "resource", "rsc_hold": "none", "rtype": "full", "isstable": "0", "src": "alpha"}
    done = {**moving, "isstable": "1"}
    note = {"t": "resource", "rsc_hold": "foreign", "info": "mach_down", "src": "alpha"}
    assert view_after(moving).held("alpha", 9.0) == Known(Held.TRANSITION, 0.0)
    assert view_after(moving, done, note).held("alpha", 9.0) == Known(Held.NONE, 1.0)


def test_links_of_the_peer_only() -> None:
    up = {"t": "ifstat", "node": "bravo", "ifname": "eth0", "st": "up"}
    view = view_after(up, {**up, "ifname": "eth1", "st": "dead"}, {**up, "node": "alpha", "ifname": "eth2"})
    assert view.links() == {"eth0": True, "eth1": False}


def test_learning_tells_change_and_forgetting_forgets() -> None:
    view = ClusterView("bravo")
    dead = {"t": "status", "st": "dead", "src": "bravo"}
    assert view.learn(dead, 1.0)
    assert not view.learn(dead, 2.0)
    assert not view.learn({"t": "hbapi-resp", "reqtype": "nodestatus", "result": "badreq"}, 3.0)
    view.forget()
    assert isinstance(view.peer_status(4.0), Unknown)


def test_a_pair_whose_names_have_capitals_hears_each_other() -> None:
    """Heartbeat turns the names into lower case, whatever ha.cf and `uname -n` say."""
    watch = HeartbeatWatch(Node.PRIMARY, "PBX-One", "PBX-Two", list)
    alive = {"t": "hbapi-resp", "reqtype": "nodestatus", "node": "pbx-two", "st": "active", "result": "OK"}
    holds = {"t": "hbapi-resp", "reqtype": "getrsc", "node": "pbx-one", "rsc_hold": "local", "result": "OK"}
    said = {"t": "asha", "src": "pbx-two", "a.at": "1.000", "a.role": "standby"}
    news = watch._take_in([alive, holds, said, {**said, "src": "pbx-one"}], 5.0)
    assert [dict(message.fields) for message in news.messages] == [{"role": "standby"}]
    assert watch._view.peer_status(5.0) == Known(NodeStatus.ACTIVE, 5.0)
    assert watch._view.held(watch._own, 5.0) == Known(Held.LOCAL, 5.0)
