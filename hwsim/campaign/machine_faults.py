"""Faults of the machines, their cables and disks, and of the card and the line."""

from __future__ import annotations

import random

from hwsim.campaign.fault import power_up
from hwsim.card.card import Fault as CardFault
from hwsim.demo.scenario import Stage
from hwsim.nodes.network import LINKS

_CARD_FAULTS = (CardFault.SILENT, CardFault.SLOW, CardFault.DEAF, CardFault.GARBAGE, CardFault.HALF_REPLY)


async def power_cut(stage: Stage, side: str, chance: random.Random) -> None:
    """Cut the mains."""
    stage.rack.power_off(side)


async def power_cycle(stage: Stage, side: str, chance: random.Random) -> None:
    """Cut the mains, and give them back after a while; an operator starts the engine."""
    stage.rack.power_off(side)
    await stage.rack.pause(chance.uniform(0.5, 8.0))
    await power_up(stage, side)
    await stage.rack.servers[side].asha("ha", "start")


async def freeze(stage: Stage, side: str, chance: random.Random) -> None:
    """Have the machine stand still with its power on, and go on again."""
    await stage.rack.freeze(side)
    await stage.rack.pause(chance.choice((1.0, 3.0, 10.0, 20.0)))
    stage.rack.thaw(side)


async def disk_full(stage: Stage, side: str, chance: random.Random) -> None:
    """Fill the machine's disk for a while."""
    disk = stage.rack.servers[side].node.disk
    disk.fill()
    await stage.rack.pause(chance.uniform(3.0, 15.0))
    disk.make_room()


async def one_cable(stage: Stage, side: str, chance: random.Random) -> None:
    """Pull one cable for a while."""
    link = chance.choice(LINKS)
    stage.rack.servers[side].node.cut(link)
    await stage.rack.pause(chance.uniform(1.0, 15.0))
    stage.rack.servers[side].node.heal(link)


async def split(stage: Stage, side: str, chance: random.Random) -> None:
    """Pull both cables for a while."""
    stage.cut(side)
    await stage.rack.pause(chance.choice((1.0, 3.0, 8.0, 20.0)))
    stage.heal(side)


async def apart(stage: Stage, side: str, chance: random.Random) -> None:
    """Reboot the machine behind cut cables, until it may serve alone; then they heal."""
    stage.rack.power_off(side)
    stage.cut(side)
    await power_up(stage, side)
    await stage.rack.servers[side].asha("ha", "start")
    await stage.rack.pause(chance.uniform(4.0, 10.0))
    stage.heal(side)


async def blip(stage: Stage, side: str, chance: random.Random) -> None:
    """Ask for standby, and pull both cables in the midst of it for less than deadtime."""
    await stage.rack.servers[side].asha("standby", deadline=5.0)
    await stage.rack.pause(chance.uniform(0.0, 0.4))
    stage.cut(side)
    await stage.rack.pause(0.75 * stage.rack.site.deadtime)
    stage.heal(side)


async def card_out(stage: Stage, side: str, chance: random.Random) -> None:
    """Pull the card's cable."""
    if stage.rack.tty.plugged:
        stage.rack.unplug_card()


async def card_renumbered(stage: Stage, side: str, chance: random.Random) -> None:
    """Pull the card's cable and put it back, to be seen under another name."""
    await card_out(stage, side, chance)
    await stage.rack.pause(chance.uniform(0.2, 3.0))
    stage.rack.plug_card("ttyUSB1")


async def card_faulty(stage: Stage, side: str, chance: random.Random) -> None:
    """Have the card be silent, slow or deaf, or answer nonsense, for a while."""
    fault = chance.choice(_CARD_FAULTS)
    stage.rack.card.faults.add(fault)
    await stage.rack.pause(chance.uniform(2.0, 15.0))
    stage.rack.card.faults.discard(fault)


async def telco_dead(stage: Stage, side: str, chance: random.Random) -> None:
    """Take the provider's signal away for a while."""
    stage.rack.line.cut()
    await stage.rack.pause(chance.uniform(1.0, 20.0))
    stage.rack.line.restore()
