"""The account of the data: what is lost, doubled, back again or wrong makes the scenario fail."""

from __future__ import annotations

import pytest

from hwsim.demo.evidence import Evidence
from hwsim.demo.ledger import Era, Lag, Lags, Ledger
from hwsim.pbxdata import Item, Items, Kind, message

FIRST, SECOND, UNSENT = (message("100", "INBOX", caller) for caller in ("first", "second", "unsent"))
HEARD = message("100", "Old", "first")
CONF_BEFORE, CONF_AFTER = (Item(Kind.CONF, "/etc/asterisk/a.conf", digest) for digest in ("before", "after"))
ROW = Item(Kind.SARK, "100", "home")


def kept() -> Ledger:
    """One message heard, one deleted, one unsent; a conf file changed, a row written."""
    ledger = Ledger(Items([CONF_BEFORE]))
    for item in (FIRST, SECOND, ROW):
        ledger.wrote(Era.HOME, item)
    ledger.wrote(Era.UNSENT, UNSENT)
    ledger.moved(Era.AWAY, FIRST, HEARD)
    ledger.removed(Era.AWAY, SECOND)
    ledger.wrote(Era.AWAY, CONF_AFTER)
    return ledger


WHOLE = Items([HEARD, UNSENT, CONF_AFTER, ROW])


def evidence(primary: Items, secondary: Items, *, both_kept: bool = True) -> Evidence:
    lags = Lags((Lag(FIRST, 0.5), Lag(ROW, 1.5), Lag(CONF_AFTER, 0.7)))
    rows = kept().account(primary, secondary)
    return Evidence(rows, lags, lags, 5.0, 6.0, {"/etc/asterisk/b.conf": both_kept})


def test_an_even_account_has_no_problems() -> None:
    found = evidence(WHOLE, WHOLE)
    assert found.problems() == []
    voicemail = found.rows[0]
    assert voicemail.changes == {Era.HOME: 2, Era.UNSENT: 1, Era.AWAY: 2}
    assert (voicemail.expected, voicemail.on_primary, voicemail.on_secondary) == (2, 2, 2)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (Items({UNSENT: -1}), "lost: 100/INBOX/unsent"),
        (Items({ROW: -1}), "lost: 100"),
        (Items({UNSENT: 1}), "twice, back or strange: 100/INBOX/unsent"),
        (Items({SECOND: 1}), "twice, back or strange: 100/INBOX/second"),
        (Items({FIRST: 1}), "twice, back or strange: 100/INBOX/first"),
        (Items({CONF_AFTER: -1, CONF_BEFORE: 1}), "lost: /etc/asterisk/a.conf"),
    ],
    ids=["message lost", "row lost", "message twice", "deleted and back", "heard and unheard", "old version"],
)
@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_what_is_not_as_it_was_written_is_named(change: Items, problem: str, side: str) -> None:
    wrong = Items({item: WHOLE[item] + change[item] for item in WHOLE | change})
    found = evidence(wrong, WHOLE) if side == "primary" else evidence(WHOLE, wrong)
    assert f"{problem} ({side})" in found.problems()


def test_lost_and_twice_are_counted_in_the_row() -> None:
    voicemail = evidence(Items([HEARD, HEARD, CONF_AFTER, ROW]), WHOLE).rows[0]
    assert (voicemail.on_primary, len(voicemail.lost), len(voicemail.twice)) == (1, 1, 1)


def test_a_version_that_was_not_kept_is_a_problem() -> None:
    found = evidence(WHOLE, WHOLE, both_kept=False)
    assert found.problems() == ["a version is lost: /etc/asterisk/b.conf"]
    assert "NOT BOTH KEPT" in found.lines()[0]


def test_a_version_set_aside_is_counted_and_not_expected_in_place() -> None:
    ledger = kept()
    ledger.set_aside(Era.AWAY, Item(Kind.CONF, "/etc/asterisk/b.conf", "theirs"))
    rows = ledger.account(WHOLE, WHOLE)
    assert rows[2].kind is Kind.CONF
    assert (rows[2].changes[Era.AWAY], rows[2].expected) == (2, 1)


def test_the_lags_are_told_as_smallest_median_largest() -> None:
    lags = evidence(WHOLE, WHOLE).lags
    assert lags.words() == "min 0.50 s, median 0.70 s, max 1.50 s (n=3)"
    assert lags.figures()["each"][0] == {"what": "voicemail first", "seconds": 0.5}
