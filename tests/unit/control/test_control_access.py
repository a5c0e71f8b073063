"""Which uid may ask which verb: the rule alone, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.control.access import PANEL_VERBS, AllowedUsers, authorise
from appliance.control.protocol import ControlRequest
from appliance.core.errors import ClusterError

PANEL = 990
HOSTS = AllowedUsers(own=0, panel=PANEL)
NEVER = ("start", "stop", "running", "data", "reload")


@pytest.mark.parametrize("verb", [*NEVER, "status", "nonsense"])
def test_root_and_the_agents_own_user_may_ask_everything(verb: str) -> None:
    for uid in (0, 77):
        assert (
            authorise(ControlRequest(verb, {"leave_data": True}), uid, AllowedUsers(own=77, panel=PANEL)).verb
            == verb
        )


@pytest.mark.parametrize("verb", NEVER)
def test_the_panel_never_speaks_for_heartbeat_or_the_data(verb: str) -> None:
    assert verb not in PANEL_VERBS
    with pytest.raises(ClusterError, match="The panel may not ask that"):
        authorise(ControlRequest(verb, {"ticket": 1.0}), PANEL, HOSTS)


@pytest.mark.parametrize("word", ["leave_data", "anew", "force", "not_ready"])
@pytest.mark.parametrize("value", [True, 1, "no"])
def test_the_panel_never_gives_anything_up(word: str, value: object) -> None:
    with pytest.raises(ClusterError, match="takes root"):
        authorise(ControlRequest("takeover", {word: value}), PANEL, HOSTS)
    assert authorise(ControlRequest("takeover", {word: False}), PANEL, HOSTS).verb == "takeover"


@pytest.mark.parametrize("verb", ["", "Status", "status "])
def test_what_is_no_verb_is_refused(verb: str) -> None:
    with pytest.raises(ClusterError):
        authorise(ControlRequest(verb), PANEL, HOSTS)


@given(st.integers(1, 1 << 31).filter(lambda uid: uid != PANEL), st.sampled_from([*PANEL_VERBS, *NEVER]))
def test_nobody_else_may_ask_anything(uid: int, verb: str) -> None:
    for hosts in (HOSTS, AllowedUsers(own=0)):
        with pytest.raises(ClusterError, match="Only root"):
            authorise(ControlRequest(verb), uid, hosts)


@given(st.text())
def test_what_comes_by_the_panel_says_so(by: str) -> None:
    said = authorise(ControlRequest("ha start", {"by": by}), PANEL, HOSTS).by
    assert said.endswith(" (panel)") and said.isprintable() and len(said) < 150
    assert authorise(ControlRequest("ha start"), PANEL, HOSTS).by.endswith("(panel)")


def test_roots_name_is_cleaned_and_kept() -> None:
    assert authorise(ControlRequest("ha start", {"by": "anna\n\x1b[2J"}), 0, HOSTS).by == "anna [2J"
    assert "by" not in authorise(ControlRequest("status"), 0, HOSTS).arguments
