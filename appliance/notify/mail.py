"""Alerts by mail: to an SMTP server, or to the sendmail of this machine."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO

from appliance.core.alerts import one_line, plain
from appliance.core.errors import HostError
from appliance.host.bounded import TooMuch
from appliance.host.process import find_program, run
from appliance.notify.addresses import Names
from appliance.notify.notice import Notice
from appliance.notify.transport import Undelivered, host_and_port
from appliance.notify.trust import NoTrust, Trust

_PORT = 25
_GOODBYE = 2.0
_ANSWERS = 256 * 1024
# Seven bits, so that no mail server on the way needs to be asked what it accepts.
_POLICY = SMTP.clone(cte_type="7bit")
_SENDMAIL = (Path("/usr/sbin/sendmail"), Path("/usr/lib/sendmail"))


def compose(notice: Notice, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """Return the mail for `notice`.

    The Message-ID is made from the alert's id, so a mail that comes twice can be recognised.
    """
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = one_line(notice.subject, 300)
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = formatdate(notice.at, localtime=True)
    message["Message-ID"] = f"<{notice.id}@{notice.host}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Asha-Kind"] = notice.alert.kind.word + (" over" if notice.alert.over else "")
    kind = notice.alert.kind
    foot = (
        f"-- \nasha on {notice.host} (the {notice.node}). 'asha status' says what is the case now.\n"
        f"This alarm is '{kind.word}': what it means and what to do is on the page of either node, under {kind.page},\n"
        "and in docs/alarms.md.\n"
    )
    message.set_content(f"{plain(notice.alert.text)}\n\n{foot}", charset="utf-8", cte="quoted-printable")
    return message


def flat(message: EmailMessage, line_end: str = "\r\n") -> bytes:
    """Return the mail as bytes for transport.

    Python folds a header that is a little too long right after its name, which some programs take for an
    empty header. So a subject that needs no encoding is not folded at all (RFC 5322 allows up to 998
    characters).
    """
    length = 900 if str(message["Subject"]).isascii() else 76
    return message.as_bytes(policy=_POLICY.clone(linesep=line_end, max_line_length=length))


class _BoundedSmtp(smtplib.SMTP):
    """SMTP client that looks its server up by `names` and bounds the answers.

    smtplib bounds a line, but not the number of lines. The host's name is given to it, because it would ask
    the DNS for it, and wait for that past every deadline.
    """

    def __init__(self, names: Names, host: str, port: int, own_name: str, timeout: float) -> None:
        self._names = names
        super().__init__(host, port, local_hostname=own_name, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # smtplib's own SMTP_SSL overrides this; the name stays what the certificate is checked against.
        return self._names.connect(host, port, timeout)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))
        return super().getreply()


class _Answers:
    """Answers of a server on one connection, bounded; a whole mail takes a few hundred bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = _ANSWERS

    def readline(self, limit: int) -> bytes:
        """Return the next line, of at most `limit` bytes. Raises TooMuch."""
        line = self._file.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise TooMuch("The mail server", _ANSWERS)
        return line

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Smtp:
    """Way to the SMTP server `server` (`host[:port]`).

    `tls`: STARTTLS with a valid certificate, or nothing is sent. `deadline` is in seconds.
    """

    server: str
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    name: str = "mail"
    deadline: float = 30.0
    names: Names = field(default_factory=Names)
    trust: Trust = field(default_factory=Trust)

    def send(self, notice: Notice) -> None:
        left = notice.left.get(self.name, self.recipients)
        to = [
            who for who in self.recipients if who in left
        ]  # a recipient that the conf file no longer names is owed nothing
        if to:
            self._send_to(to, notice)

    def _send_to(self, to: list[str], notice: Notice) -> None:
        host, port = host_and_port(self.server, _PORT)
        message = compose(notice, self.sender, self.recipients)
        try:
            server = _BoundedSmtp(self.names, host, port, notice.host, self.deadline)
            left_out = self._hand_over(server, to, message)
        except smtplib.SMTPRecipientsRefused as problem:
            raise _of_recipients(self.server, problem) from problem
        except smtplib.SMTPResponseException as problem:
            said = _printable(problem.smtp_error)
            refused = problem.smtp_code >= 500
            raise Undelivered(
                f"{self.server} answered {problem.smtp_code} {said}", refused=refused
            ) from problem
        except ssl.SSLCertVerificationError as problem:
            raise Undelivered(f"{self.server}: {self.trust.explain(problem)}") from problem
        except (smtplib.SMTPException, OSError, TooMuch, NoTrust) as problem:
            raise Undelivered(f"{self.server}: {problem}") from problem
        if left_out:
            says = f"{self.server} did not take {', '.join(left_out)}; the others have it"
            raise Undelivered(says, refused=True, left=tuple(left_out))

    def _hand_over(self, server: smtplib.SMTP, to: list[str], message: EmailMessage) -> list[str]:
        """Hand the mail over and return the recipients that were refused.

        What the server has accepted stays accepted, however the connection ends.
        """
        try:
            self._secure(server)
            left_out = server.sendmail(self.sender, to, flat(message))
            with contextlib.suppress(smtplib.SMTPException, OSError, TooMuch):
                if server.sock is not None:
                    server.sock.settimeout(_GOODBYE)
                server.quit()
        finally:
            server.close()
        return list(left_out)

    def _secure(self, server: smtplib.SMTP) -> None:
        """Start TLS if it is wanted or a user logs in, and log in.

        A password never goes over an unencrypted connection.
        """
        if self.tls or self.user:
            server.starttls(context=self.trust.context())
        if self.user:
            server.login(self.user, self.password)


def _of_recipients(server: str, problem: smtplib.SMTPRecipientsRefused) -> Undelivered:
    answers = problem.recipients
    said = "; ".join(f"{who}: {code} {_printable(text)}" for who, (code, text) in answers.items())
    return Undelivered(f"{server}: {said}", refused=all(code >= 500 for code, _ in answers.values()))


def _printable(text: bytes | str) -> str:
    return one_line(text.decode(errors="replace") if isinstance(text, bytes) else text)


@dataclass(frozen=True, slots=True)
class Sendmail:
    """Way to the sendmail program, which every mail server brings.

    The program queues and retries by itself.
    """

    sender: str
    recipients: tuple[str, ...]
    places: tuple[Path, ...] = _SENDMAIL
    name: str = "mail"
    deadline: float = 30.0

    def send(self, notice: Notice) -> None:
        text = flat(compose(notice, self.sender, self.recipients), "\n").decode("ascii")
        try:
            program = find_program("sendmail", *self.places)
            argv: list[str | Path] = [program, "-oi", "-f", self.sender, "--", *self.recipients]
            ended = run(argv, deadline=self.deadline - 2.0, stdin=text)
        except HostError as problem:
            raise Undelivered(str(problem)) from problem
        if not ended.ok:
            raise Undelivered(ended.explain())
