"""What happens to every pair with telephones, and the figures of it: seconds without calls, as they count them."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence

from hwsim.bench.contender import Contender, served_by
from hwsim.bench.engines.rows import NO_ADDRESS
from hwsim.bench.rounds import Row, Seen, seen_now, silences
from hwsim.nodes.network import LINKS
from hwsim.rack import Rack
from hwsim.telephones import Telephones

CALLS_OUT, CALLS_IN, EVERY = "calls_out", "calls_in", "every"
FIGURES: Mapping[str, str] = {
    NO_ADDRESS: "without the address",
    CALLS_OUT: "without a call out",
    CALLS_IN: "without a call in",
    EVERY: "every telephone was called",
}
# The cable over which the telephones reach a node.
_LAN = LINKS[0]
# A telephone calls the trunk, and the trunk a telephone, each so many seconds.
_EACH = 0.1
# What a telephone does not know by itself it finds out when it registers again, which is within a minute.
_WITHIN = 75.0
_REGISTERED = 40.0
_BEFORE = 1.0
_AWAY = 60.0
# What a telephone has told one node is known to the other, where it is told at all, after so many seconds.
_FOLLOWS = 10.0


def _met_by(
    strike: Callable[[Contender, Rack], Awaitable[float]],
    *,
    to: str = "secondary",
    mend: Callable[[Rack], None] = lambda rack: None,
) -> Callable[[Contender, Rack, float, asyncio.Lock], Awaitable[Seen]]:
    """Return the play of a `strike` after which `to` serves; `mend` undoes what does not mend itself."""

    async def play(contender: Contender, rack: Rack, part: float, turn: asyncio.Lock) -> Seen:
        async with turn:
            phones = await _registered(rack)
            if to != "secondary":
                await _away(contender, rack)
            await rack.pause(_FOLLOWS)
            try:
                await _calls(phones, rack.now())
                await rack.pause(_BEFORE + contender.period * part)
                struck = await strike(contender, rack)
                await _all_called(phones, rack, struck, to)
                figures = figures_of(phones, struck, rack.now())
            finally:
                phones.call(0)
                phones.ring(0)
                mend(rack)
        return seen_now(figures | {NO_ADDRESS: max(silences(rack, "ping", struck), default=None)})

    return play


async def _away(contender: Contender, rack: Rack) -> None:
    """Have the secondary serve, with the primary standing by, and every telephone known to it."""
    asked = await contender.hand_over(rack, "primary")
    await served_by(rack, "secondary", asked, _AWAY)
    await contender.settled(rack, "secondary")
    await _registered(rack)


def figures_of(phones: Telephones, struck: float, ended: float) -> dict[str, float | None]:
    """Return the longest times without calls since shortly before `struck`, and when every telephone had been called.

    `ended`: until when calls were made. None stands for what did not come in the time.
    """
    out, inwards = (
        _longest([event.t for event in phones.since(struck - _BEFORE, what)], ended)
        for what in ("call", "rang")
    )
    rung: dict[str, float] = {}
    if inwards is not None:
        for event in phones.since(inwards[1] - _EACH, "rung"):
            rung.setdefault(event.who, event.t)
    every = max(rung.values()) - struck if len(rung) == phones.count else None
    return {
        CALLS_OUT: out[0] if out is not None else None,
        CALLS_IN: inwards[0] if inwards is not None else None,
        EVERY: every,
    }


def _longest(times: Sequence[float], ended: float) -> tuple[float, float] | None:
    """Return the longest time between two successful calls, and when it ended.

    None when there were not two, or when nobody had been reached for longer than that when it `ended`.
    """
    longest = max(
        ((later - earlier, later) for earlier, later in itertools.pairwise(sorted(times))), default=None
    )
    return None if longest is None or ended - max(times) > longest[0] else longest


async def _registered(rack: Rack) -> Telephones:
    assert rack.telephones is not None
    phones, began = rack.telephones, rack.now()
    phones.register(1.0)
    await phones.until(
        lambda: len(phones.registered(began)) == phones.count, _REGISTERED, "registration of every telephone"
    )
    return phones


async def _calls(phones: Telephones, now: float) -> None:
    phones.call(_EACH)
    phones.ring(_EACH)
    for what in ("call", "rang"):
        await phones.seen(what, now)


async def _all_called(phones: Telephones, rack: Rack, struck: float, to: str) -> None:
    """Wait until a call went out over `to`, which takes over, and one in to every telephone; or for `_WITHIN`."""
    end = rack.now() + _WITHIN

    def taken_over() -> bool:
        at = rack.first_answer("ping", to, struck)
        if at is None or not phones.since(at, "call"):
            return False
        return len({event.who for event in phones.since(at, "rung")}) == phones.count

    while not taken_over() and rack.now() < end:
        await rack.pause(0.1)


async def _killed(_contender: Contender, rack: Rack) -> float:
    return rack.kill_asterisk("primary", signal.SIGKILL)


async def _hung(_contender: Contender, rack: Rack) -> float:
    return rack.kill_asterisk("primary", signal.SIGSTOP)


async def _power_cut(_contender: Contender, rack: Rack) -> float:
    return rack.power_off("primary")


async def _moved(contender: Contender, rack: Rack) -> float:
    return await contender.hand_over(rack, "primary")


async def _failed_back(contender: Contender, rack: Rack) -> float:
    return await contender.fail_back(rack)


async def _lan_cut(_contender: Contender, rack: Rack) -> float:
    rack.servers["primary"].node.cut(_LAN)
    return rack.now()


def _lan_healed(rack: Rack) -> None:
    rack.servers["primary"].node.heal(_LAN)


ROWS: Sequence[Row] = (
    Row("telephones-killed", "Asterisk is killed on the primary (SIGKILL)", FIGURES, _met_by(_killed), 90),
    Row(
        "telephones-moved",
        "planned move: an operator has the primary hand over",
        FIGURES,
        _met_by(_moved),
        90,
    ),
    Row("telephones-hung", "Asterisk hangs on the primary (SIGSTOP)", FIGURES, _met_by(_hung), 150),
    Row(
        "telephones-failback",
        "failback: an operator has service return to the primary",
        FIGURES,
        _met_by(_failed_back, to="primary"),
        150,
    ),
    Row(
        "telephones-lan-cut",
        "the primary's LAN cable is pulled; the direct cable between the nodes stays",
        FIGURES,
        _met_by(_lan_cut, mend=_lan_healed),
        150,
    ),
    Row("telephones-power-cut", "the primary loses its power", FIGURES, _met_by(_power_cut), 150),
)
