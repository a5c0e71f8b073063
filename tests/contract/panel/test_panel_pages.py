"""What the pages show of what the agent says."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from appliance.core.errors import ClusterError
from appliance.core.operator_actions import OperatorAction
from appliance.panel.render.action_list import ACTIONS
from hwsim.bench.panel.page import needed
from hwsim.bench.panel.stream import Drawn, drawn
from tests.plugins.agent_stand_in import AgentStandIn, known, permits, span, unknown
from tests.plugins.login_form import hidden_in


def text_of(answer: object) -> str:
    return answer.get_data(as_text=True)


def test_the_page_says_who_is_active_and_where_the_line_is(visit: Callable) -> None:
    page = text_of(visit("olga").get("/"))
    assert "This node (primary) is active" in page
    assert (
        "primary pbx1.example.com: active; secondary pbx2.example.com: standby; line at the primary" in page
    )


def test_the_benchmark_reads_what_the_page_says(visit: Callable) -> None:
    browser = visit("olga")
    page = text_of(browser.get("/"))
    assert drawn("sections", json.dumps({"diagram": page})) == Drawn(
        "line at the primary", ("ACTIVE", "STANDBY")
    )
    paths = needed(page)
    assert [path.rpartition(".")[2].partition("?")[0] for path in paths] == ["css", "js"]
    assert [browser.get(path).status_code for path in paths] == [200, 200]


def test_a_hint_is_on_the_page_and_the_pair_protected_as_before(agent: AgentStandIn, visit: Callable) -> None:
    agent.status["hints"] = ["No alert is configured: <set> MAILTO."]
    agent.status["problems"] = []
    page = text_of(visit("vera").get("/"))
    assert "No alert is configured: &lt;set&gt; MAILTO." in page
    assert '<ul class="hints">' in page and '<ul class="problems">' not in page
    assert '<p class="state good">' in page and "Protected" in page


@pytest.mark.parametrize(
    ("allowed", "shown"),
    [
        (("ha start", "pbx start"), ["Start HA", "Start Asterisk"]),
        (("ha stop",), ["Stop HA"]),
        (("ha stop", "takeover"), ["Stop HA", "Fail over to here now"]),
        (("maintenance off",), ["Maintenance off"]),
        ((), []),
    ],
)
def test_exactly_the_buttons_that_the_agent_allows(
    agent: AgentStandIn, visit: Callable, allowed: tuple[str, ...], shown: list[str]
) -> None:
    agent.status.update(
        permits=permits(*allowed), pbx={"state": unknown("hidden"), "pid": None, "silent": []}
    )
    page = text_of(visit("olga").get("/"))
    buttons = [part.split("</a>")[0].split(">")[-1] for part in page.split('id="do-')[1:]]
    assert buttons == shown


def test_asterisk_that_runs_is_not_offered_to_be_started(visit: Callable) -> None:
    page = text_of(visit("olga").get("/"))
    assert "do/stop-asterisk" in page and "do/start-asterisk" not in page


def test_every_wish_of_the_agent_has_its_button() -> None:
    """But for letting the line go, which a failover does, and which alone is for a shell."""
    assert {action.wish for action in ACTIONS} == {wish.value for wish in OperatorAction} - {"line release"}


def test_a_viewer_sees_no_buttons(visit: Callable) -> None:
    assert "do/" not in text_of(visit("vera").get("/"))


def test_every_deed_is_asked_once_more_and_done_in_ones_name(agent: AgentStandIn, visit: Callable) -> None:
    agent.says["standby"] = {"says": "Handing over: the other node takes over."}
    olga = visit("olga")
    assert "Fail over now?" in text_of(olga.get("/do/hand-over"))
    assert agent.verbs("panel note") == []
    assert olga.post("/do/hand-over").status_code == 302
    wish = next(one for one in agent.asked if one["verb"] == "standby")
    assert wish["by"] == "olga at 127.0.0.1 (panel)"
    assert "Handing over: the other node takes over." in text_of(olga.get("/"))


def test_what_the_agent_refuses_is_said_and_not_called_done(agent: AgentStandIn, visit: Callable) -> None:
    def refuse(request: object) -> object:
        raise ClusterError("'standby' is not possible now: the other node is not there.", todo="Start it.")

    agent.says["standby"] = refuse
    answer = visit("olga").post("/do/hand-over")
    assert answer.status_code == 409
    assert "the other node is not there" in text_of(answer) and "Start it." in text_of(answer)


def test_without_an_agent_the_page_says_so_and_stays(agent: AgentStandIn, visit: Callable) -> None:
    olga = visit("olga")
    agent.stop()
    page = olga.get("/")
    assert page.status_code == 200
    assert "does not answer" in text_of(page) and "not running" in text_of(page)
    assert olga.get("/settings").status_code == 503
    assert olga.get("/api/status").status_code == 503
    assert visit("vera").get("/").status_code == 200  # logging in needs no agent


def test_what_comes_from_outside_is_text_on_the_page(agent: AgentStandIn, visit: Callable) -> None:
    evil = "<script>alert(1)</script>\r\nSet-Cookie: x=1"
    agent.status["headline"] = evil
    agent.status["problems"] = [evil]
    agent.status["peer"]["name"] = evil
    agent.status["spans"] = known([{**span(1, "RED"), "kind": evil}])
    agent.says["journal"] = [{"wall": 1.0, "kind": evil, "says": evil}]
    answer = visit("olga").get("/")
    assert "<script>alert" not in text_of(answer)
    assert text_of(answer).count("&lt;script&gt;") >= 3
    assert "x=1" not in str(answer.headers.getlist("Set-Cookie"))


def test_a_conf_value_is_text_on_the_page_and_no_header_of_it(agent: AgentStandIn, visit: Callable) -> None:
    evil = '"><script>alert(1)</script>\r\nX-Evil: 1'
    agent.says["conf"]["keys"][0]["value"] = evil
    agent.says["conf"]["path"] = evil
    agent.says["conf preview"] = {"diff": f"-HADEV={evil}", "problems": [], "restarts": [evil]}
    agent.says["conf set"] = {"says": evil, "diff": "", "peer": {"ok": True, "says": evil}}
    olga = visit("olga")
    form = {"key-HACLUSTERIP": evil}
    for answer in (
        olga.get("/settings"),
        olga.post("/settings/preview", form),
        olga.post("/settings/save", form),
        olga.get("/settings"),
    ):
        assert "<script>alert" not in text_of(answer)
        assert "X-Evil" not in answer.headers


def test_the_tab_shows_its_keys_and_only_those(visit: Callable) -> None:
    page = text_of(visit("olga").get("/settings"))
    assert "HA IP Address" in page and 'value="192.168.1.5"' in page
    assert "srkgenAst" not in page


def test_a_change_is_shown_before_it_is_written(agent: AgentStandIn, visit: Callable) -> None:
    agent.says["conf preview"] = {
        "diff": "-HASYNCH=LAZY\n+HASYNCH=LOOSE",
        "problems": [],
        "restarts": ["At once."],
    }
    agent.says["conf set"] = {
        "says": "Saved.",
        "diff": "",
        "peer": {"ok": False, "says": "pbx2 does not answer"},
    }
    olga = visit("olga")
    form = {"key-HASYNCH": "LOOSE", "key-HACLUSTERIP": "192.168.1.5"}
    page = text_of(olga.post("/settings/preview", form))
    assert "+HASYNCH=LOOSE" in page and "At once." in page
    asked = next(one for one in agent.asked if one["verb"] == "conf preview")
    assert asked["values"] == {"HASYNCH": "LOOSE"}
    assert "conf set" not in agent.verbs()
    assert olga.post("/settings/save", {"key-HASYNCH": "LOOSE", "peer": "yes"}).status_code == 302
    saved = next(one for one in agent.asked if one["verb"] == "conf set")
    assert (saved["values"], saved["peer"], saved["by"]) == (
        {"HASYNCH": "LOOSE"},
        True,
        "olga at 127.0.0.1 (panel)",
    )
    assert "pbx2 does not answer" in text_of(olga.get("/settings"))


def test_a_wrong_value_stays_in_its_field_with_what_would_be_right(
    agent: AgentStandIn, visit: Callable
) -> None:
    wrong = [{"key": "HACLUSTERIP", "value": "nonsense", "want": "an IPv4 address such as 192.168.1.5"}]
    agent.says["conf preview"] = {"diff": "", "problems": wrong, "restarts": []}
    answer = visit("olga").post("/settings/preview", {"key-HACLUSTERIP": "nonsense"})
    assert answer.status_code == 400
    assert 'value="nonsense"' in text_of(answer) and "Should be an IPv4 address" in text_of(answer)


def test_maintenance_needs_a_time(agent: AgentStandIn, visit: Callable) -> None:
    agent.says["maintenance on"] = {"says": "On."}
    olga = visit("olga")
    assert olga.post("/do/maintenance-on", {"seconds": "soon"}).status_code == 400
    assert olga.post("/do/maintenance-on", {"seconds": "900", "why": "new cable"}).status_code == 302
    asked = [one for one in agent.asked if one["verb"] == "maintenance on"]
    assert [(one["seconds"], one["why"]) for one in asked] == [(900, "new cable")]


def test_under_a_prefix_everything_stays_under_it(agent: AgentStandIn, panel_dir: object) -> None:
    from dataclasses import replace  # noqa: PLC0415

    from appliance.config import Conf  # noqa: PLC0415
    from appliance.panel.agent_client import AgentClient  # noqa: PLC0415
    from appliance.panel.app import create_app  # noqa: PLC0415

    conf = replace(Conf(), panel_prefix="/asha", panel_proxy=True)
    client = create_app(conf, agent=AgentClient(str(agent.path)), directory=panel_dir).test_client()
    base = "https://sark.example.com"
    assert client.get("/", base_url=base).headers["Location"] == "/asha/"
    assert client.get("/asha/", base_url=base).headers["Location"] == "/asha/login"
    token = hidden_in(client.get("/asha/login", base_url=base).get_data(as_text=True))
    asked = {"name": "olga", "password": "correct horse battery", "csrf": token}
    answer = client.post("/asha/login", base_url=base, data=asked, headers={"X-Forwarded-For": "10.9.8.7"})
    assert answer.headers["Location"] == "/asha/"
    assert "__Secure-asha" in answer.headers["Set-Cookie"] and "Path=/asha" in answer.headers["Set-Cookie"]
    assert agent.asked[-1]["by"] == "olga at 10.9.8.7 (panel)"
    page = client.get("/asha/", base_url=base).get_data(as_text=True)
    assert 'href="/asha/static/asha.css"' in page


def test_nobody_else_may_say_for_whom_he_asks(agent: AgentStandIn, panel_dir: object) -> None:
    from dataclasses import replace  # noqa: PLC0415

    from appliance.config import Conf  # noqa: PLC0415
    from appliance.panel.agent_client import AgentClient  # noqa: PLC0415
    from appliance.panel.app import create_app  # noqa: PLC0415

    app = create_app(
        replace(Conf(), panel_proxy=True), agent=AgentClient(str(agent.path)), directory=panel_dir
    )
    client = app.test_client()
    token = hidden_in(client.get("/login", base_url="https://x").get_data(as_text=True))
    client.post(
        "/login",
        base_url="https://x",
        data={"name": "olga", "password": "wrong wrong wrong", "csrf": token},
        headers={"X-Forwarded-For": "10.9.8.7"},
        environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
    )
    assert agent.asked[-1]["by"] == "nobody at 192.0.2.7 (panel)"


def test_each_problem_leads_to_what_it_means_and_what_to_do(agent: AgentStandIn, visit: Callable) -> None:
    agent.status["problems"] = ["the relay card is gone: the line is at the secondary", "something new"]
    olga = visit("olga")
    page = text_of(olga.get("/"))
    assert page.count('href="alarm/') == 1 and 'href="alarm/card-lost"' in page
    answer = olga.get("/alarm/card-lost")
    assert answer.status_code == 200
    assert "the primary does not see its relay card" in text_of(answer).lower()
    assert "<code>asha card probe</code>" in text_of(answer)


@pytest.mark.parametrize("name", ["no-such", "..%2f..%2fetc%2fpasswd", "%3Cscript%3E"])
def test_an_alarm_that_is_none_has_no_page(visit: Callable, name: str) -> None:
    answer = visit("olga").get(f"/alarm/{name}")
    assert answer.status_code == 404 and "<script>" not in text_of(answer)


def test_the_alarms_are_for_those_who_are_logged_in(visit: Callable) -> None:
    assert visit().get("/alarm/card-lost").status_code == 302


@pytest.mark.parametrize(("span", "label"), [("hour", "-15 min"), ("day", "-18 h"), ("week", "-6 d")])
def test_the_charts_go_back_as_far_as_is_asked(
    agent: AgentStandIn, visit: Callable, span: str, label: str
) -> None:
    agent.says["trends"] = {
        "step": 60,
        "end": 1_790_000_060.0,
        "data_age": [3.0] * 60,
        "line": ["clear"] * 60,
    }
    page = text_of(visit("vera").get(f"/charts?span={span}"))
    assert f">{label}<" in page and page.count("<polyline") == 1
    assert "service taken on the primary, 60 s ago: granted by Heartbeat" in page
    assert f'span={span}" aria-current="page"' in page


def test_no_chart_without_data(agent: AgentStandIn, visit: Callable) -> None:
    agent.says["trends"] = {"step": 60, "end": 1.0, "data_age": [None] * 60, "line": [None] * 60}
    vera = visit("vera")
    assert "<figure>" not in text_of(vera.get("/")) and "The last day" not in text_of(vera.get("/"))
    page = text_of(vera.get("/charts"))
    assert "<figure>" not in page and "Nothing was measured" in page
    assert vera.get("/charts?span=year").status_code == 400


def test_the_page_of_the_relay_says_what_it_was_told_and_what_it_says_of_itself(
    agent: AgentStandIn, visit: Callable
) -> None:
    relay = {
        "card": {"value": True, "why": ""},
        "place": "/dev/hidraw0",
        "commanded": {"value": "energised", "why": ""},
        "driver": "dcttech",
        "title": "dcttech USBRelay board",
        "evidence": "documented",
        "register": {"value": "released", "why": ""},
        "asked": 3.2,
        "put_right": 3,
        "trouble": "the relay's register was found released",
    }
    agent.says["status"] = {**agent.status, "relay": relay}
    port = {"tty": "/dev/hidraw0", "usb": "16c0:05df at port 1-2", "fits": ["dcttech"], "ours": True}
    agent.says["relay list"] = {"ports": [port]}
    page = text_of(visit("vera").get("/relay"))
    for words in (
        "dcttech: dcttech USBRelay board (its language is documented)",
        "released, 3 s ago",
        "only the line says. Because of the register, asha has commanded the relay again in the last 10 min: 3.",
        "<td>16c0:05df at port 1-2</td><td>dcttech</td><td>as the conf file says</td>",
        "<code>asha relay test</code>",
        "register was found released.</p>",
    ):
        assert words in page


def test_the_page_of_the_relay_says_what_it_cannot_know(agent: AgentStandIn, visit: Callable) -> None:
    vera = visit("vera")
    blind = {"card": {"value": True, "why": ""}, "commanded": {"value": None, "why": "not commanded"}}
    agent.says["status"] = {**agent.status, "relay": blind}
    page = text_of(vera.get("/relay"))
    assert "unknown: not commanded" in page and "this kind of relay cannot be asked" in page
    assert "No serial port on USB" in page
    del agent.says["relay list"]
    assert "knows no verb" in text_of(vera.get("/relay"))


def test_the_page_that_is_open_is_marked_in_the_list_of_pages(visit: Callable) -> None:
    olga = visit("olga")
    for path, label in (
        ("/", "Now"),
        ("/moves", "Failovers"),
        ("/journal", "Journal"),
        ("/account", "olga (operator)"),
    ):
        page = text_of(olga.get(path))
        assert page.count('aria-current="page"') == 1 and f'aria-current="page">{label}</a>' in page


def test_what_happened_last_is_told_in_a_paragraph(agent: AgentStandIn, visit: Callable) -> None:
    agent.says["history"] = [
        {
            "began": 1.0,
            "node": "primary",
            "goal": "release",
            "reason": "<b>",
            "ended": "done",
            "took": 0.2,
            "channels": 2,
        }
    ]
    page = text_of(visit("vera").get("/"))
    assert "The primary (pbx1.example.com) let service go: &lt;b&gt;. That took 200 ms." in page
    assert "Asterisk had 2 channels in calls" in page


def test_where_nothing_has_happened_nothing_is_told(agent: AgentStandIn, visit: Callable) -> None:
    agent.says["history"] = []
    assert "What happened last" not in text_of(visit("vera").get("/"))
