"""One subscription of a telephone (RFC 6665): the light of its mailbox, or the lamp of another telephone.

It is kept as telephones keep one: asked for again until it is answered, renewed at half of its time, begun anew when
the server does not know it or has ended it.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable

from hwsim.telephones.event import tell
from hwsim.telephones.sip import EXPIRY, REFRESH, RETRY, Message, Party, Request, authorization, random_id

VOICEMAIL, LAMP = "message-summary", "dialog"
_ACCEPTED = {VOICEMAIL: "application/simple-message-summary", LAMP: "application/dialog-info+xml"}
_CONTACT = re.compile(r"<([^>]+)>")
_LAMP_STATE = re.compile(r"<state>\s*(\w+)")
_WAITING = re.compile(r"Messages-Waiting:\s*(\w+)", re.IGNORECASE)
_MESSAGES = re.compile(r"Voice-Message:\s*(\d+/\d+)", re.IGNORECASE)


class Subscription:
    """What `party` wants to be told: `event` of the telephone `about`. `send` sends a request."""

    def __init__(self, party: Party, event: str, about: str, send: Callable[[Request], None]) -> None:
        self._party = party
        self._event = event
        self._about = about
        self._send = send
        self._whom = f"sip:{about}@{party.server}"
        self._timer: asyncio.TimerHandle | None = None
        self._number = self._awaited = 0
        self._target, self._to_tag = self._whom, ""
        self.call, self._tag = random_id(), random_id()

    def ask(self, headers: tuple[str, ...] = ()) -> None:
        """Subscribe, or renew the subscription, again and again until it is answered."""
        self._number += 1
        self._awaited = self._number
        wanted = (
            f"Event: {self._event}",
            f"Accept: {_ACCEPTED[self._event]}",
            f"Expires: {EXPIRY}",
            *headers,
        )
        self._send(
            Request(
                "SUBSCRIBE",
                self._target,
                self._whom,
                self.call,
                self._number,
                self._tag,
                self._to_tag,
                headers=wanted,
            )
        )
        self._later(random.uniform(*RETRY), self.ask)

    def answered(self, heard: Message, by: str) -> None:
        """Hear the answer to the request."""
        if heard.number != self._awaited:
            return
        if heard.code in (401, 407):
            challenge = heard.field("www-authenticate") or heard.field("proxy-authenticate")
            self.ask((authorization(self._party, challenge, "SUBSCRIBE", self._target),))
        elif 200 <= heard.code < 300:
            self._awaited = 0
            self._to_tag = heard.to_tag
            contact = _CONTACT.search(heard.field("contact"))
            self._target = contact[1] if contact else self._target
            tell("subscribed", who=self._party.user, about=self._event, by=by)
            self._later(REFRESH * random.uniform(0.9, 1.0), self.ask)
        elif heard.code >= 300:
            tell("unsubscribed", who=self._party.user, about=self._event, code=heard.code, by=by)
            self._begin()
            self._later(0.0 if heard.code == 481 else random.uniform(*RETRY), self.ask)

    def notified(self, heard: Message, by: str) -> None:
        """Hear what the server tells."""
        tell_notified(self._party.user, self._about, heard, by)
        if heard.field("subscription-state").startswith("terminated"):
            tell("unsubscribed", who=self._party.user, about=self._event, by=by)
            self._begin()
            self._later(random.uniform(*RETRY), self.ask)

    def _begin(self) -> None:
        """Forget the dialog there was, if any."""
        self.call, self._tag, self._to_tag = random_id(), random_id(), ""
        self._target = self._whom
        self._number = self._awaited = 0

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, action)


def tell_notified(user: str, about: str, heard: Message, by: str) -> None:
    """Tell what a NOTIFY, asked for or not, says to `user`; nothing when it has no word on a mailbox or lamp."""
    waiting, messages = _WAITING.search(heard.body), _MESSAGES.search(heard.body)
    lamp = _LAMP_STATE.search(heard.body)
    if waiting and messages:
        tell("voicemail", who=user, about=about, state=f"{waiting[1]} {messages[1]}", by=by)
    elif lamp:
        tell("lamp", who=user, about=about, state=lamp[1], by=by)
