"""Nothing that a file of /etc/dahdi may hold makes a parser raise or grow without bound."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.core.reading import Known
from appliance.dahdi.configuration import (
    Configuration,
    parse_channel_file,
    parse_modules,
    parse_system_conf,
)
from appliance.dahdi.fit import idle_spans, misfits
from appliance.dahdi.proc import parse_span
from appliance.dahdi.span import HIGHEST, parse_channels, spell_channels
from hwsim.dahdi.cards import R1E1, R1T1, R2T1, RCB4FXO, RCB8FXX
from hwsim.dahdi.spans import number_spans, proc_text

# Text in which the keywords come up.
LINES = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(
            ["span", "SPAN ", "bchan", "dchan", "fxsks", "e&m", "dynamic", "channel", "signalling", ";--"]
        ),
        st.sampled_from(["=", " => ", ""]),
        st.one_of(
            st.text(max_size=20),
            st.from_regex(r"[0-9]{1,5}(-[0-9]{1,5})?(,[a-z0-9:]{0,5}){0,5}", fullmatch=True),
        ),
    ),
    max_size=8,
).map("\n".join)
SPANS = tuple(
    span
    for shown in number_spans([R2T1, RCB4FXO, R1E1, RCB8FXX, R1T1])
    if (span := parse_span(proc_text(shown, "", ""))) is not None
)


@settings(max_examples=50)
@given(st.one_of(LINES, st.text()))
@example("span=\u0661,1,0,esf,b8zs\nbchan=\u0661-\u0663")
@example("bchan=1-" + "9" * 5000)
@example(";--\nchannel=1")
def test_any_text_asks_for_something_and_is_compared(text: str) -> None:
    wanted = Configuration(parse_system_conf(text), {"c.conf": parse_channel_file(text)}, parse_modules(text))
    for misfit in misfits(wanted, Known(SPANS, 1.0)):
        assert misfit.says
        assert misfit.span == 0 or misfit.says.startswith(f"span {misfit.span}: ")
    idle_spans(wanted, SPANS)
    for use in (*wanted.system.uses, *wanted.files["c.conf"]):
        assert use.channels
        assert 1 <= min(use.channels) <= max(use.channels) <= HIGHEST


@settings(max_examples=50)
@given(st.sets(st.integers(1, HIGHEST)))
def test_what_is_spelled_is_parsed_back(channels: set[int]) -> None:
    assert set(parse_channels(spell_channels(channels))) == channels
