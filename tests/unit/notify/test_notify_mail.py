"""The mail as it goes out: headers that nothing can break into, seven bits, the same id every time."""

from __future__ import annotations

import email
import email.policy

import pytest
from alerts_by_hand import notice
from hypothesis import given
from hypothesis import strategies as st

from appliance.notify.mail import compose, flat

HEADERS = [
    "Subject",
    "From",
    "To",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Asha-Kind",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]


def read_back(subject: str, text: str) -> email.message.EmailMessage:
    sent = flat(compose(notice(subject=subject, text=text), "asha@pbx1", ("a@example.com", "root")))
    assert sent.isascii()
    return email.message_from_bytes(sent, policy=email.policy.default)


def test_it_says_what_where_and_when() -> None:
    mail = read_back("the card is gone", "The card is gone.\nPlug it in.")
    assert mail["Subject"] == "[asha pbx1] critical: the card is gone"
    assert (mail["From"], mail["To"]) == ("asha@pbx1", "a@example.com, root")
    assert mail["Message-ID"] == "<0000000000000001@pbx1>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.timestamp() == 1_700_000_001
    lines = mail.get_content().splitlines()
    assert lines[:4] == ["The card is gone.", "Plug it in.", "", "-- "]
    assert lines[4].startswith("asha on pbx1 (the primary)")
    assert "'card lost'" in lines[5] and "/alarm/card-lost" in lines[5]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\udcff", "\0"])
def test_nothing_odd_in_a_reason_makes_a_header(end: str) -> None:
    mail = read_back(f"bad{end}Bcc: all@example.com", f"x{end}.{end}MAIL FROM:<y>")
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert "bad Bcc: all@example.com" in mail["Subject"]


@given(st.text(max_size=400), st.text(max_size=400))
def test_whatever_a_reason_is_the_headers_are_ours(subject: str, text: str) -> None:
    mail = read_back(subject, text)
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert mail["To"] == "a@example.com, root"


@pytest.mark.parametrize("length", range(30, 135, 7))
@pytest.mark.parametrize("char", ["x", "ü", " x"])
def test_a_long_subject_is_whole_and_no_line_is_too_long(char: str, length: int) -> None:
    sent = flat(compose(notice(subject=char * length, text="ü" * 3000), "asha@pbx1", ("root",)))
    assert not sent.startswith(b"Subject:\r\n")
    assert max(map(len, sent.splitlines())) < 998
    assert max(map(len, sent.partition(b"\r\n\r\n")[2].splitlines())) <= 78
    subject = email.message_from_bytes(sent, policy=email.policy.default)["Subject"]
    assert subject.split("critical:")[1].count(char.strip()) >= length - 1


def test_umlauts_arrive() -> None:
    mail = read_back("Telefon tot: Büro", "Büro größer")
    assert "Büro" in mail["Subject"] and "größer" in mail.get_content()
