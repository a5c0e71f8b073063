"""Each state of the pair as people see it: on a desk and on a telephone, by day and by night, checked by axe-core."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from appliance.core.pair_state import PairState
from tests.panel.browser import axe_violations, picture, wider_than_window
from tests.panel.panel_states import OF_THE_PAIR, Panel

# How the banner looks by what it says, which colour alone does not tell.
TONES = {
    "protected": "good",
    "no service": "bad",
    "two active": "bad",
    "not known": "bad",
    "not set up": "bad",
}


def test_every_state_is_here() -> None:
    assert set(OF_THE_PAIR) == {state.value for state in PairState}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_each_state_of_the_pair(panel: Panel, enter: Callable[..., Page], phone: bool, dark: bool) -> None:
    panel.be_pair("protected")
    page = enter(phone=phone, dark=dark)
    kind = f"{'phone' if phone else 'desk'}-{'dark' if dark else 'light'}"
    for state in OF_THE_PAIR:
        panel.be_pair(state)
        page.goto(panel.url, wait_until="domcontentloaded")
        banner = page.locator("#headline .state")
        assert (
            page.evaluate("() => fetch('api/status').then((a) => a.json()).then((s) => s.state.name)")
            == state
        )
        expect(banner).to_have_class(f"state {TONES.get(state, 'doubt')}")
        assert axe_violations(page) == [], f"{state}, {kind}"
        assert wider_than_window(page) == 0, f"{state}, {kind}"
        picture(page, f"pair-{state.replace(' ', '-')}-{kind}")
