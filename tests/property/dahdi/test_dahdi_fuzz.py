"""Nothing that a file may hold makes a parser raise, and what hwsim prints is read back as it was meant."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.reading import Known
from appliance.dahdi.alarms import from_words
from appliance.dahdi.line import read_line_quick
from appliance.dahdi.proc import head_alarms, parse_span
from appliance.dahdi.spans import read_spans
from hwsim.dahdi.cards import R1E1, R1T1, R2T1, RCB4FXO, SpanCard
from hwsim.dahdi.tree import DahdiTree

CARDS = st.lists(st.sampled_from([R1T1, R1E1, R2T1, RCB4FXO]), min_size=1, max_size=3, unique=True)
ALARMS = st.sampled_from(["OK", "RED", "YELLOW", "BLUE", "RECOVERING", "LOOP", "NOTOPEN"])


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    parse_span(text)
    head_alarms(text)
    from_words(text)


@given(st.binary(max_size=600))
@settings(max_examples=50)
def test_any_bytes_in_proc_give_a_reading(data: bytes) -> None:
    with TemporaryDirectory() as root:
        place = Path(root) / "proc/dahdi"
        place.mkdir(parents=True)
        (place / "1").write_bytes(data)
        read_spans(Path(root), 1.0)
        read_line_quick(Path(root), (), 1.0)


@given(CARDS, ALARMS, st.integers(0, 400))
@settings(max_examples=40, deadline=None)
def test_a_cut_off_file_gives_the_truth_or_nothing(cards: list[SpanCard], alarm: str, length: int) -> None:
    with TemporaryDirectory() as root:
        DahdiTree(Path(root), cards).set_alarm(alarm)
        text = (Path(root) / "proc/dahdi/1").read_text()
    whole, cut = parse_span(text), parse_span(text[:length])
    assert whole is not None
    if cut is not None and "\n" in text[:length]:
        assert (cut.number, cut.name, cut.alarms) == (whole.number, whole.name, whole.alarms)


@given(CARDS, ALARMS)
@settings(max_examples=40, deadline=None)
def test_what_the_tree_shows_is_read_back(cards: list[SpanCard], alarm: str) -> None:
    with TemporaryDirectory() as root:
        DahdiTree(Path(root), cards).set_alarm(alarm)
        spans = read_spans(Path(root), 1.0)
    assert isinstance(spans, Known)
    assert len(spans.value) == sum(card.spans for card in cards)
    for span in spans.value:
        expected = from_words("" if span.is_rhino_analog else alarm)
        assert span.alarms == expected
    channels = [channel.number for span in spans.value for channel in span.channels]
    assert channels == list(range(1, len(channels) + 1))
