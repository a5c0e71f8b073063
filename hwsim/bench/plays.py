"""Plays of events by peers, and the record of them: finished plays are kept, so a stopped run can be gone on with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from rich.console import Console

from hwsim.bench.play import RunFailed
from hwsim.nodes import RackError

T = TypeVar("T")


@dataclass(frozen=True)
class Play(Generic[T]):
    """Play `number` (from 1) of `event` by `peer`.

    `run` plays it, keeps logs below the directory it is given, and raises RunFailed.
    """

    event: str
    peer: str
    number: int
    run: Callable[[Path], Awaitable[T]]

    @property
    def title(self) -> str:
        """The play's name for people, and for its logs."""
        return f"{self.event}, {self.peer}, {self.number}"

    def logs(self, out: Path) -> Path:
        """Return the directory for the play's logs."""
        return out / "logs" / self.title.replace(", ", "-").replace(" ", "-")


@dataclass(frozen=True)
class Played(Generic[T]):
    """What a play has come to. `seen` is a dataclass; None when the play failed, and `problem` then says why."""

    event: str
    peer: str
    number: int
    seen: T | None
    problem: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells a play from the others."""
        return self.event, self.peer, self.number


class Plays(Generic[T]):
    """The plays that are over, in order."""

    def __init__(self, played: Iterable[Played[T]] = ()) -> None:
        self.all = list(played)

    def seen(self, event: str, peer: str) -> Sequence[T]:
        """Return what the plays of `event` by `peer` have come to, without those that failed."""
        return [one.seen for one in self._of(event, peer) if one.seen is not None]

    def count(self, event: str, peer: str) -> str:
        """Return how many plays the figures are of, and how many failed, as a table's cell."""
        seen, every = len(self.seen(event, peer)), len(self._of(event, peer))
        return str(seen) if seen == every else f"{seen}, {every - seen} failed"

    def _of(self, event: str, peer: str) -> list[Played[T]]:
        return [one for one in self.all if (one.event, one.peer) == (event, peer)]


class Record(Generic[T]):
    """The plays kept in `NAME.json` below `out`, and the page `NAME.md` that is written anew after each play."""

    def __init__(
        self, out: Path, name: str, restore: Callable[[Mapping[str, Any]], T], page: Callable[[Plays[T]], str]
    ) -> None:
        """`restore` makes of a play's JSON what it was; `page` returns the page, in Markdown.

        Raises RackError for a file that this version cannot read.
        """
        self.out = out
        self.page = out / f"{name}.md"
        self._file = out / f"{name}.json"
        self._write_page = page
        self.plays = Plays(self._kept(restore))

    def has(self, play: Play[T]) -> bool:
        """Tell whether `play` is over already."""
        return any(one.key == (play.event, play.peer, play.number) for one in self.plays.all)

    def note(self, played: Played[T]) -> None:
        """Keep a play, and write the page."""
        self.plays.all.append(played)
        self.out.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(one) for one in self.plays.all], indent=1) + "\n")
        fresh.replace(self._file)  # whoever stops the run at this moment loses nothing
        self.write_page()

    def write_page(self) -> None:
        """Write the page of the plays that are over."""
        self.out.mkdir(parents=True, exist_ok=True)
        self.page.write_text(self._write_page(self.plays), encoding="utf-8")

    def _kept(self, restore: Callable[[Mapping[str, Any]], T]) -> list[Played[T]]:
        if not self._file.exists():
            return []
        try:
            return [
                Played(**{**one, "seen": None if one["seen"] is None else restore(one["seen"])})
                for one in json.loads(self._file.read_text())
            ]
        except (ValueError, TypeError, LookupError) as problem:
            raise RackError(
                f"{self._file} is no record of plays that can be gone on with ({problem}): move it away, or name "
                "another directory with --out."
            ) from problem


async def played(play: Play[T], record: Record[T], console: Console) -> bool:
    """Play `play`, keep it in `record` and tell of it; return False when it failed."""
    seen, problem = None, ""
    try:
        seen = await play.run(play.logs(record.out))
    except RunFailed as failure:
        problem = str(failure)
    record.note(Played(play.event, play.peer, play.number, seen, problem))
    told = f"FAILED: {play.title}: {problem}" if problem else f"{play.title}: {seen}"
    console.print(told, highlight=False, markup=False, soft_wrap=True)
    return not problem


async def play_all(plays: Iterable[Play[T]], record: Record[T], at_once: int, console: Console) -> bool:
    """Play those of `plays` that `record` does not have, `at_once` at a time; return False when one failed."""
    turns = asyncio.Semaphore(at_once)

    async def one(play: Play[T]) -> bool:
        async with turns:
            return await played(play, record, console)

    told = await asyncio.gather(*(one(play) for play in plays if not record.has(play)))
    record.write_page()  # though nothing was left to play: what else it tells may have changed
    console.print(f"written: {record.page}", highlight=False)
    return all(told)
