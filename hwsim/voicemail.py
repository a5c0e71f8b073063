"""Mailboxes as Asterisk keeps them: CONTEXT/MAILBOX/FOLDER/msgNNNN.wav and .txt, numbered without a gap.

A message is stored as app_voicemail does it: recorded in the mailbox's `tmp`, then renamed to the next
number, the sound first. Each message carries a name, `caller`, by which the message is recognised wherever it
has been moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

INBOX, OLD = "INBOX", "Old"
_ENDINGS = ("wav", "txt")
_SECOND_OF_SOUND = 16000  # 8 kHz, 16 bit


class Mailboxes:
    """The mailboxes of one context, below `top`; every method raises OSError."""

    def __init__(self, top: Path) -> None:
        self._top = top

    def deliver(self, mailbox: str, caller: str) -> None:
        """Store the message of a `caller` who has hung up."""
        recording, inbox = self._top / mailbox / "tmp" / caller, self._top / mailbox / INBOX
        for directory in (recording.parent, inbox):
            directory.mkdir(parents=True, exist_ok=True)
        drafts = {"wav": recording.with_suffix(".wav"), "txt": recording}
        drafts["wav"].write_bytes(_sound(caller))
        drafts["txt"].write_text(_text(mailbox, caller))
        number = len(_numbers(inbox))
        for ending in _ENDINGS:
            drafts[ending].rename(inbox / f"msg{number:04d}.{ending}")

    def hear(self, mailbox: str, caller: str) -> None:
        """Move a message that was listened to into Old; the messages behind it move up."""
        old = self._top / mailbox / OLD
        old.mkdir(exist_ok=True)
        inbox, number, free = self._top / mailbox / INBOX, self._number(mailbox, caller), len(_numbers(old))
        for ending in _ENDINGS:
            (inbox / f"msg{number:04d}.{ending}").rename(old / f"msg{free:04d}.{ending}")
        _renumber(inbox)

    def delete(self, mailbox: str, caller: str) -> None:
        """Delete a message; the messages behind it move up."""
        inbox, number = self._top / mailbox / INBOX, self._number(mailbox, caller)
        for ending in _ENDINGS:
            (inbox / f"msg{number:04d}.{ending}").unlink()
        _renumber(inbox)

    def folders(self) -> list[tuple[str, str]]:
        """Return mailbox and folder of every folder that can hold messages."""
        found = (path for path in self._top.glob("*/*") if path.is_dir() and path.name != "tmp")
        return sorted((path.parent.name, path.name) for path in found)

    def callers(self, mailbox: str, folder: str) -> Iterator[str]:
        """Yield the callers of a folder's messages in order, with a mark at an incomplete message."""
        place = self._top / mailbox / folder
        for number in _numbers(place):
            yield _caller(place / f"msg{number:04d}")

    def _number(self, mailbox: str, caller: str) -> int:
        numbers = _numbers(self._top / mailbox / INBOX)
        return numbers[list(self.callers(mailbox, INBOX)).index(caller)]


def _text(mailbox: str, caller: str) -> str:
    return f"[message]\norigmailbox={mailbox}\ncontext=macro-vm\ncallerid={caller}\nduration=1\n"


def _sound(caller: str) -> bytes:
    """Return a second of sound that is unique to this caller."""
    voice = caller.encode() + b"\n"
    return (voice * (_SECOND_OF_SOUND // len(voice) + 1))[:_SECOND_OF_SOUND]


def _caller(stem: Path) -> str:
    try:
        text, sound = stem.with_suffix(".txt").read_text(), stem.with_suffix(".wav").read_bytes()
    except OSError as problem:
        return f"{stem.name} (incomplete: {problem.strerror})"
    caller = text.partition("callerid=")[2].partition("\n")[0]
    return caller if caller and sound == _sound(caller) else f"{caller or stem.name} (damaged)"


def _numbers(folder: Path) -> list[int]:
    """Return the numbers for which any file of a message exists."""
    names = {path.stem for path in folder.glob("msg[0-9][0-9][0-9][0-9].*")}
    return sorted(int(name.removeprefix("msg")) for name in names)


def _renumber(folder: Path) -> None:
    for wanted, number in enumerate(_numbers(folder)):
        if wanted != number:
            for ending in _ENDINGS:
                (folder / f"msg{number:04d}.{ending}").rename(folder / f"msg{wanted:04d}.{ending}")
