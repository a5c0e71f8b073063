# A simulated card at /dev/ttyUSB0 of this host, by the installed simulator. Keeps where its armature lies, and whether
# asha and its interpreter were still there when it moved.
import asyncio
from pathlib import Path

from hwsim.card.card import Position, RelayCard
from hwsim.card.tty import CardTty
from hwsim.simtime import LoopTime

NEEDED = (Path("/usr/sbin/asha"), Path("/opt/asha/runtime/bin/python3.11"))


def moved(at: float, relay: int, position: Position) -> None:
    installed = "installed" if all(path.exists() for path in NEEDED) else "gone"
    with Path("/var/log/relay").open("a") as log:
        print("RELAYON" if position is Position.NO else "RELAYOFF", installed, file=log)


async def serve() -> None:
    card = RelayCard(LoopTime())
    card.on_move.append(moved)
    CardTty(card, Path("/dev"), Path("/var/tmp")).plug()
    await asyncio.Event().wait()


asyncio.run(serve())
