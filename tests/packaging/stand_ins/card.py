# A simulated card at /dev/ttyUSB0 of this host, by the installed simulator. Keeps where its armature lies.
import asyncio
from pathlib import Path

from hwsim.card.card import Position, RelayCard
from hwsim.card.tty import CardTty
from hwsim.simtime import LoopTime


def moved(at: float, relay: int, position: Position) -> None:
    with Path("/var/log/relay").open("a") as log:
        print("RELAYON" if position is Position.NO else "RELAYOFF", "installed", file=log)


async def serve() -> None:
    card = RelayCard(LoopTime())
    card.on_move.append(moved)
    CardTty(card, Path("/dev"), Path("/var/tmp")).plug()
    await asyncio.Event().wait()


asyncio.run(serve())
