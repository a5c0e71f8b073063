"""Nothing that a file may hold makes a parser raise, and what hwsim prints is read back as it was meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.core.reading import Known
from appliance.dahdi.alarms import from_words
from appliance.dahdi.line import read_line_quick
from appliance.dahdi.proc import parse_span
from appliance.dahdi.spans import read_spans
from hwsim.dahdi.cards import R1E1, R1T1, R2T1, R4T1, RCB4FXO, RCB8FXX, SpanCard, as_e1
from hwsim.dahdi.spans import number_spans, proc_text
from hwsim.dahdi.tree import DahdiTree

MODELS = [R1T1, R1E1, R2T1, as_e1(R2T1), replace(R2T1, says_pci=False), R4T1, RCB4FXO, RCB8FXX]
CARDS = st.lists(st.sampled_from(MODELS), min_size=1, max_size=3)
ALARMS = st.sampled_from(["OK", "RED", "YELLOW", "BLUE", "RECOVERING", "LOOP", "NOTOPEN"])


@given(st.text())
@example("Span " + "9" * 5000 + ': A "B" \n')  # int() refuses such numbers
@example('Span \u0663: A "B" \n')
def test_any_text_is_parsed_or_refused(text: str) -> None:
    parse_span(text)
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
def test_a_cut_off_file_gives_the_truth_or_nothing(cards: list[SpanCard], alarm: str, length: int) -> None:
    text = proc_text(next(number_spans(cards)), alarm.removeprefix("OK"), "")
    whole, cut = parse_span(text), parse_span(text[:length])
    assert whole is not None
    assert (cut is None) == ("\n" not in text[:length])
    if cut is not None:
        assert (cut.number, cut.name, cut.alarms) == (whole.number, whole.name, whole.alarms)
        assert cut.channels == whole.channels[: len(cut.channels)]


@given(CARDS, ALARMS)
@settings(max_examples=8, deadline=None)
def test_what_the_tree_shows_is_read_back(cards: list[SpanCard], alarm: str) -> None:
    with TemporaryDirectory() as root:
        DahdiTree(Path(root), cards).set_alarm(alarm)
        spans = read_spans(Path(root), 1.0)
    assert isinstance(spans, Known)
    assert len(spans.value) == sum(card.spans for card in cards)
    models = [card for card in cards for _ in range(card.spans)]
    for span, card in zip(spans.value, models, strict=True):
        expected = from_words("" if card.line == "ANALOG" else alarm)
        assert span.alarms == expected
        assert span.kind.value.upper() == card.line
        assert span.board == card.model
        assert span.line_config == frozenset(card.line_config.split("/")) - {""}
        assert [channel.signalling for channel in span.channels] == [
            card.signalling(channel) for channel in range(1, card.channels + 1)
        ]
    channels = [channel.number for span in spans.value for channel in span.channels]
    assert channels == list(range(1, len(channels) + 1))
