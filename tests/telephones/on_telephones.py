"""What the telephones of a pair do and see; for the test modules here."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from dataclasses import replace

from keys_on_rack import open_ssh
from pair_on_rack import PAIR_SITE, Pair

from hwsim.demo.scenario import OTHER
from hwsim.pbxdata import ASTDB, MAIL
from hwsim.server import Server
from hwsim.site import SYNCHRONISED, Site
from hwsim.telephones import Event, Telephones
from hwsim.telephones.conf import PJSIP

# No span: a real Asterisk needs the kernel's DAHDI for one.
SITE: Site = replace(PAIR_SITE, telephones=50).with_conf({"RHINOSPF": "NO", **SYNCHRONISED})
DEADLINE = 240.0
# Told of its mailbox unasked, and by a subscription (hwsim/telephones/conf.py).
UNASKED, ASKED = "1000", "1001"
# Seconds within which what has changed has reached the standby, on a loaded machine.
FOLLOWS = 15.0


def phones_of(pair: Pair) -> Telephones:
    assert pair.rack.telephones is not None
    return pair.rack.telephones


async def registered(pair: Pair, within: float = 1.0) -> None:
    """Every telephone registers, and is answered."""
    phones, began = phones_of(pair), pair.rack.now()
    phones.register(within)
    await phones.until(
        lambda: len(phones.registered(began)) == phones.count, 40, "registration of every telephone"
    )


async def subscribed(pair: Pair, within: float = 1.0) -> None:
    """Every telephone subscribes or renews its subscriptions, and is told of the present state."""
    began = pair.rack.now()
    phones_of(pair).subscribe(within)
    await told_of_all(pair, began)


async def told_of_all(pair: Pair, after: float) -> None:
    """Every telephone is told of the lamp it watches, and those that have subscribed to their light of that."""
    phones = phones_of(pair)

    def told() -> bool:
        lamps = first_seen(phones, "lamp", after)
        lights = [who for who in first_seen(phones, "voicemail", after) if int(who) % 2]
        return len(lamps) == phones.count and len(lights) == phones.count // 2

    await phones.until(told, 40, "word on every lamp and light")


def first_seen(phones: Telephones, what: str, after: float) -> dict[str, float]:
    """Return when each telephone first saw something of one kind after that time."""
    first: dict[str, float] = {}
    for event in phones.since(after, what):
        first.setdefault(event.who, event.t)
    return first


async def serve(pair: Pair) -> None:
    """The primary serves, the secondary is fit and may ask for its data, and every telephone is registered."""
    await pair.home()
    await open_ssh(pair)
    await registered(pair)


async def calls_both_ways(pair: Pair, after: float) -> None:
    """A telephone calls the trunk, and the trunk a telephone, after that time."""
    phones = phones_of(pair)
    phones.call(0.2)
    phones.ring(0.2)
    for what in ("call", "rang"):
        await phones.seen(what, after, 60)
    phones.call(0)
    phones.ring(0)


def messages(server: Server, mailbox: str) -> int:
    """Return how many new messages a mailbox has on that server's disk."""
    inbox = server.node.path(f"{MAIL}/{mailbox}/INBOX")
    return len([text for text in inbox.glob("msg*.txt") if text.with_suffix(".wav").exists()])


def contacts(pair: Pair, server: Server) -> dict[str, str]:
    """Return where each telephone is reached by what Asterisk's database says on that server's disk."""
    with contextlib.closing(sqlite3.connect(":memory:")) as opened:
        try:
            opened.deserialize(server.node.path(ASTDB).read_bytes())
            begin = pair.rack.site.sip_driver.contacts
            return dict(opened.execute("select key, value from astdb where key like ?", (f"{begin}1%",)))
        except (OSError, sqlite3.DatabaseError):  # it is being written, or put in place
            return {}


async def in_use(pair: Pair, serving: str = "primary") -> dict[str, str]:
    """Everything that a failover could lose is there, and has reached the standby.

    All are registered and subscribed, and a message was left in a mailbox of each kind. Returns the word on the
    lights of these two.
    """
    phones, server = phones_of(pair), pair.server(serving)
    other = pair.server(OTHER[serving])
    await registered(pair)
    await subscribed(pair)
    began = pair.rack.now()
    lights = {mailbox: f"yes {messages(server, mailbox) + 1}/0" for mailbox in (UNASKED, ASKED)}
    for mailbox in lights:
        phones.leave_message(int(mailbox))
    for mailbox, word in lights.items():
        await light_is(pair, mailbox, word, began)

    def followed() -> bool:
        there = contacts(pair, other)
        return (
            len(there) == phones.count
            and there == contacts(pair, server)
            and all(f"yes {messages(other, mailbox)}/0" == word for mailbox, word in lights.items())
        )

    await pair.until(followed, "contacts and messages are on the standby", FOLLOWS)
    return lights


async def light_is(pair: Pair, mailbox: str, word: str, after: float, deadline: float = 20.0) -> Event:
    """Wait until a telephone is told, later than `after`, that its mailbox is so."""
    phones = phones_of(pair)

    def told() -> Event | None:
        seen = phones.last("voicemail", mailbox, after)
        return seen if seen is not None and seen.state == word else None

    await phones.until(told, deadline, f"{word!r} on the light of {mailbox}")
    seen = told()
    assert seen is not None
    return seen


async def every_telephone_is_called(pair: Pair, after: float) -> None:
    """Each is called by the trunk after that time, without having registered since."""
    phones = phones_of(pair)
    phones.ring(0.1)  # what a real Asterisk takes in beside whatever else keeps this machine busy
    await phones.until(
        lambda: len(first_seen(phones, "rung", after)) == phones.count, 60, "ring of every telephone"
    )
    phones.ring(0)
    anew = phones.registered(after)
    late = [who for who, at in first_seen(phones, "rung", after).items() if anew.get(who, at) < at]
    assert not late, "they were reached only after they had registered anew"


async def told_without_asking(pair: Pair, after: float) -> None:
    """Every telephone is told of what it has subscribed to, before it has renewed a subscription."""
    await told_of_all(pair, after)
    phones = phones_of(pair)
    anew, lamps = first_seen(phones, "subscribed", after), first_seen(phones, "lamp", after)
    late = [who for who, at in lamps.items() if anew.get(who, at) < at]
    assert not late, "they were told only after they had subscribed anew"


async def finds_all_after(pair: Pair, lights: dict[str, str], fault: float, on: str) -> None:
    """What a telephone sees after a failover, as docs/telephones.md tells it.

    `lights`: what `in_use` has returned; `on`: the side that serves now.
    """
    await light_is(pair, UNASKED, lights[UNASKED], fault)
    if pair.rack.site.sip_driver is PJSIP:  # chan_sip forgets whom it was to tell
        await told_without_asking(pair, fault)
        await light_is(pair, ASKED, lights[ASKED], fault)
    await every_telephone_is_called(pair, fault)
    for mailbox, word in lights.items():
        assert f"yes {messages(pair.server(on), mailbox)}/0" == word, "the message is kept"
    began = pair.rack.now()
    await subscribed(pair)
    await light_is(pair, ASKED, lights[ASKED], began)
    await lamps_follow_calls(pair)
    await registered(pair)


async def lose_asterisk(pair: Pair, number: signal.Signals) -> None:
    """Asterisk on the primary gets the signal `number`, and the secondary's telephones have what they had."""
    await serve(pair)
    lights = await in_use(pair)
    fault = pair.rack.kill_asterisk("primary", number)
    await calls_both_ways(pair, fault)
    await pair.until_status("secondary", lambda status: status["role"] == "active", "the secondary serves")
    await finds_all_after(pair, lights, fault, on="secondary")


async def lamps_follow_calls(pair: Pair) -> None:
    """A telephone calls; the one that watches it sees that it is in a call, and that it no longer is."""
    phones, began = phones_of(pair), pair.rack.now()
    phones.call(0.2)
    made = await phones.seen("call", began, 20)
    for state in ("confirmed", "terminated"):
        await phones.until(
            lambda wanted=state: any(  # type: ignore[misc]
                event.about == made.who and event.state == wanted for event in phones.since(began, "lamp")
            ),
            20,
            f"{state} on the lamp of {made.who}",
        )
    phones.call(0)
