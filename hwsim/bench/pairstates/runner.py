"""The plays of all stories by all peers, some at a time, and what they come to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from hwsim.bench.machine import machine, versions
from hwsim.bench.pairstates.peers import PEERS, PairPeer
from hwsim.bench.pairstates.stories import STORIES, Scene, Story
from hwsim.bench.pairstates.table import Figures, page, table
from hwsim.bench.play import on_fresh_rack
from hwsim.bench.plays import Play, Plays, Record, play_all
from hwsim.rack import Rack
from hwsim.service_log import recorded
from hwsim.site import Site

_NAME = "pair-figures"


async def pair_states(stories: Sequence[Story], runs: int, at_once: int, out: Path, console: Console) -> bool:
    """Play each story `runs` times by each peer, `at_once` plays at a time.

    The plays count with those that an earlier run has left in `out`, where pair-figures.md and .json are written
    after each play. Returns False when a play failed.
    """
    record = Record(out, _NAME, lambda seen: Figures(**seen), _page)
    plays = [
        Play(story.name, peer.name, number, partial(_play, story, peer))
        for number in range(1, runs + 1)
        for story in stories
        for peer in PEERS
    ]
    ok = await play_all(plays, record, at_once, console)
    console.print(table(stories, record.plays))
    return ok


async def _play(story: Story, peer: PairPeer, logs: Path) -> Figures:
    """Play the story. Raises RunFailed."""

    async def acted(rack: Rack) -> Figures:
        await peer.home(rack)
        async with recorded(rack) as log:
            scene = Scene(rack, peer, log, began=rack.now())
            await story.play(scene)
            await rack.pause(story.watched)
            sample = log.samples[-1]
            return Figures(
                two=log.seconds_with_two(max(scene.began, scene.two_count_since)),
                nobody=log.seconds_with_nobody(scene.began),
                moves=sum(one.kind == "relay" and one.at >= scene.began for one in rack.history.happenings),
                one_serves=len(sample.serving) == 1 and sample.answered == sample.serving,
                load=os.getloadavg()[0],
            )

    return await on_fresh_rack(acted, logs, Site().with_conf(story.conf))


def _page(plays: Plays[Figures]) -> str:
    """Return the page of every story that was played by now."""
    played = {one.event for one in plays.all}
    return page([story for story in STORIES if story.name in played], plays, {**machine(), **versions()})
