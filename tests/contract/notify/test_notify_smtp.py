"""Mail over real sockets: taken, put off, refused, left hanging; a password that never goes in the clear."""

from __future__ import annotations

import email
import email.policy
import time
from dataclasses import replace
from pathlib import Path

import pytest
from alert_servers import NEVER_ENDS, MailServer, certified, dribble, listening, silent

from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.notify.deliver import LONGEST_PAUSE, Delivery
from appliance.notify.mail import Sendmail, Smtp
from appliance.notify.notice import Notice
from appliance.notify.spool import Spool
from appliance.notify.transport import Undelivered, send
from tests.plugins.hand_clock import HandClock

ALERT = Alert(
    "card", AlertKind.CARD_LOST, Severity.CRITICAL, "the card is gone", "The card is gone.\n.\nPlug it in."
)
NOTICE = Notice("00000000000000ab", ALERT, "primary", "pbx1", 1_700_000_000.0)
TO = ("a@example.com", "b@example.com")


def smtp(server: str, **more: object) -> Smtp:
    return replace(Smtp(server, "asha@pbx1", TO), **{"deadline": 5.0, **more})  # type: ignore[arg-type]


def failure(way: Smtp | Sendmail, notice: Notice = NOTICE) -> Undelivered:
    with pytest.raises(Undelivered) as problem:
        send(way, notice)
    return problem.value


def test_a_server_takes_it_for_every_recipient() -> None:
    server = MailServer()
    with listening(server.serve) as place:
        send(smtp(place), NOTICE)
    assert server.recipients == list(TO)
    (mail,) = [email.message_from_bytes(mail, policy=email.policy.default) for mail in server.mails]
    assert mail["Subject"] == "[asha pbx1] critical: the card is gone"
    assert "..\r\nPlug it in." in server.mails[0].decode(), "a lone dot would end the mail"
    assert server.heard[-1].upper() == "QUIT"


@pytest.mark.parametrize("word", ["greeting", "MAIL", "RCPT", "DATA", "taken"])
@pytest.mark.parametrize(("answer", "refused"), [("451 later", False), ("550 never", True)])
def test_later_and_never_are_told_apart(word: str, answer: str, refused: bool) -> None:
    server = MailServer({word: answer})
    with listening(server.serve) as place:
        problem = failure(smtp(place))
    assert problem.refused is refused
    assert answer[4:] in str(problem) and place in str(problem)


class Half(MailServer):
    """Refuses one of the two, as long as it `knows` him not."""

    knows = False

    def _take(self, stream: object, line: str, *, secure: bool = False) -> None:
        self.answers["RCPT"] = "250 ok" if self.knows or TO[1] not in line else "550 unknown"
        super()._take(stream, line, secure=secure)


def test_who_was_left_out_is_named_and_the_others_do_not_get_it_twice(tmp_path: Path) -> None:
    server, spool, clock, said = Half(), Spool(tmp_path), HandClock(10.0, NOTICE.at), list[str]()
    spool.put(replace(NOTICE, owed=("mail",)))
    with listening(server.serve) as place:
        for known in (False, False, True):
            server.knows = known
            Delivery(spool, [smtp(place)], clock, said.append).run()
            clock.time += LONGEST_PAUSE
    assert server.recipients == list(TO) and len(server.mails) == 2
    assert all(b"To: a@example.com, b@example.com" in mail for mail in server.mails)
    assert f"did not take {TO[1]}; the others have it" in said[0] and spool.is_empty()
    assert f"{TO[1]}: 550 unknown" in said[1], "alone he is all of them"


def test_who_is_no_longer_among_the_recipients_is_owed_nothing() -> None:
    server = MailServer()
    with listening(server.serve) as place:
        send(smtp(place), replace(NOTICE, left={"mail": ("gone@example.com",)}))
    assert server.heard == [] and server.mails == []


@pytest.mark.parametrize("word", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "taken"])
def test_a_server_that_hangs_anywhere_costs_the_deadline_and_no_more(word: str) -> None:
    server = MailServer(hangs=frozenset({word}))
    began = time.monotonic()
    with listening(server.serve) as place:
        assert not failure(smtp(place, deadline=0.3)).refused
    assert time.monotonic() - began < NEVER_ENDS


def test_a_server_that_hangs_after_it_took_the_mail_does_not_get_it_again() -> None:
    server = MailServer(hangs=frozenset({"QUIT"}))
    with listening(server.serve) as place:
        send(smtp(place), NOTICE)  # Undelivered would have it sent once more
    assert len(server.mails) == 1


@pytest.mark.parametrize("serve", [dribble, silent])
def test_nor_does_one_that_says_a_byte_now_and_then(serve: object) -> None:
    began = time.monotonic()
    with listening(serve) as place:  # type: ignore[arg-type]
        failure(smtp(place, deadline=0.5))
    assert time.monotonic() - began < NEVER_ENDS


def test_nobody_there_and_no_such_host_are_said() -> None:
    assert "refused" in str(failure(smtp("127.0.0.1:1")))
    assert "nowhere.invalid" in str(failure(smtp("nowhere.invalid")))


@pytest.mark.parametrize("more", [{"user": "asha", "password": "hunter2"}, {"tls": True}])
def test_without_tls_neither_password_nor_mail_goes_out(more: dict[str, object]) -> None:
    server = MailServer({"EHLO": "250-mail\r\n250 AUTH PLAIN"})
    with listening(server.serve) as place:
        problem = failure(smtp(place, **more))
    assert "STARTTLS" in str(problem)
    assert server.mails == []
    assert {line.split()[0].upper() for line in server.heard} <= {"EHLO", "HELO", "QUIT"}


def test_with_tls_the_password_and_the_mail_go_out_inside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, cert = certified(tmp_path)
    server = MailServer(tls=context)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    with listening(server.serve) as place:
        send(smtp(place, user="asha", password="hunter2"), NOTICE)
    assert len(server.mails) == 1
    assert [line.split()[0] for line in server.heard[:2]] == ["ehlo", "secured:"]
    assert any(line.startswith("secured: AUTH PLAIN") for line in server.heard)


def test_a_mail_server_whose_certificate_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    server = MailServer(tls=certified(tmp_path)[0])
    with listening(server.serve) as place:
        assert "CERTIFICATE_VERIFY_FAILED" in str(failure(smtp(place, tls=True)))
    assert server.mails == [] and not any("secured" in line for line in server.heard)


def test_a_newline_in_a_reason_adds_no_header_and_no_recipient() -> None:
    server = MailServer()
    bad = replace(
        ALERT, subject="x\r\nBcc: c@example.com\r\n\r\nhello", text="y\r\n.\r\nRCPT TO:<c@example.com>"
    )
    with listening(server.serve) as place:
        send(smtp(place), replace(NOTICE, alert=bad))
    (mail,) = server.mails
    assert server.recipients == list(TO)
    assert email.message_from_bytes(mail)["Bcc"] is None


def program(place: Path, text: str) -> Path:
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)
    return place


def test_sendmail_gets_the_mail_and_the_recipients(tmp_path: Path) -> None:
    sendmail = program(tmp_path / "sendmail", f'echo "$@" >{tmp_path}/words; cat >{tmp_path}/mail')
    send(Sendmail("asha@pbx1", TO, (sendmail,)), NOTICE)
    assert (tmp_path / "words").read_text() == "-oi -f asha@pbx1 -- a@example.com b@example.com\n"
    mail = email.message_from_bytes((tmp_path / "mail").read_bytes(), policy=email.policy.default)
    assert mail["To"] == "a@example.com, b@example.com"
    assert b"\r" not in (tmp_path / "mail").read_bytes()


def test_a_sendmail_that_fails_hangs_or_is_not_there_is_said(tmp_path: Path) -> None:
    fails = program(tmp_path / "fails", "echo no queue >&2; exit 75")
    assert "status 75: no queue" in str(failure(Sendmail("a", TO, (fails,))))
    hangs = program(tmp_path / "hangs", "exec sleep 60")
    assert "deadline" in str(failure(Sendmail("a", TO, (hangs,), deadline=2.3)))
