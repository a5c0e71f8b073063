"""The plays of all stories by all peers, some at a time, and what they come to."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from hwsim.bench.machine import machine, versions
from hwsim.bench.pairstates.peers import PEERS, PairPeer
from hwsim.bench.pairstates.stories import STORIES, Scene, Story
from hwsim.bench.pairstates.table import Figures, page, table
from hwsim.bench.play import RunFailed, on_fresh_rack
from hwsim.rack import Rack
from hwsim.service_log import recorded
from hwsim.site import Site

Seen = dict[tuple[str, str], list[Figures]]
_PAGE = "pair-figures.md"


@dataclass(frozen=True)
class _Play:
    story: Story
    peer: PairPeer
    number: int

    @property
    def title(self) -> str:
        return f"{self.story.name}, {self.peer.name}, {self.number}"

    async def run(self, logs: Path) -> Figures:
        """Play the story. Raises RunFailed."""
        site = Site().with_conf(self.story.conf)
        name = self.title.replace(", ", "-").replace(" ", "-")
        return await on_fresh_rack(self._scene, logs / name, site)

    async def _scene(self, rack: Rack) -> Figures:
        await self.peer.home(rack)
        async with recorded(rack) as log:
            scene = Scene(rack, self.peer, log, began=rack.now())
            await self.story.play(scene)
            await rack.pause(self.story.watched)
            sample = log.samples[-1]
            return Figures(
                two=log.seconds_with_two(max(scene.began, scene.two_count_since)),
                nobody=log.seconds_with_nobody(scene.began),
                moves=sum(one.kind == "relay" and one.at >= scene.began for one in rack.history.happenings),
                one_serves=len(sample.serving) == 1 and sample.answered == sample.serving,
                load=os.getloadavg()[0],
            )


async def pair_states(stories: Sequence[Story], runs: int, at_once: int, out: Path, console: Console) -> bool:
    """Play each story `runs` times by each peer, `at_once` plays at a time.

    Writes pair-figures.md and .json below `out`. Returns False when a play failed.
    """
    turns = asyncio.Semaphore(at_once)
    figures: Seen = {}
    problems: list[str] = []

    async def one(play: _Play) -> None:
        async with turns:
            try:
                seen = await play.run(out / "logs")
            except RunFailed as failure:
                problems.append(f"{play.title}: {failure}")
                console.print(f"FAILED: {problems[-1]}", highlight=False, markup=False)
                return
        figures.setdefault((play.story.name, play.peer.name), []).append(seen)
        words = f"two {seen.two:.1f} s, nobody {seen.nobody:.1f} s, {seen.moves} moves (load {seen.load:.1f})"
        console.print(f"{play.title}: {words}", highlight=False, soft_wrap=True)

    plays = [
        _Play(story, peer, number) for number in range(1, runs + 1) for story in stories for peer in PEERS
    ]
    await asyncio.gather(*map(one, plays))
    console.print(table(stories, figures))
    _write(out, figures)
    console.print(f"written: {out / _PAGE}", highlight=False)
    return not problems


def _write(out: Path, played: Seen) -> None:
    """Write the page of everything that is measured: of what was not played now, the figures of an earlier run stay."""
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "pair-figures.json"
    every = {**(_read(kept.read_text()) if kept.exists() else {}), **played}
    kept.write_text(
        json.dumps([[*key, [asdict(one) for one in seen]] for key, seen in every.items()], indent=1)
    )
    stories = [story for story in STORIES if any((story.name, peer.name) in every for peer in PEERS)]
    (out / _PAGE).write_text(page(stories, every, {**machine(), **versions()}), encoding="utf-8")


def _read(text: str) -> Seen:
    return {(story, peer): [Figures(**one) for one in seen] for story, peer, seen in json.loads(text)}
