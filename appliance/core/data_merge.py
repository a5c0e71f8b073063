"""The merge of one mailbox that was changed on two nodes: the messages that stay, and their new numbers.

A message is identified by its content, not by its number: Asterisk renumbers when a message is deleted or
moved. Numbers have no gap, because Asterisk counts up to the first gap (app_voicemail, last_message_index),
and Asterisk looks no further than message 9,999 of a folder, msg9998 (app_voicemail, MAXMSGLIMIT): a message
behind that would never be heard.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

MOST = 9999
"""Messages in one folder, by Asterisk."""

Message = frozenset[tuple[str, str]]
"""A message's parts: the ending of each file's name, and the digest of its content."""


class Spot(NamedTuple):
    """A place in the mailbox of one node: a folder and a number in that folder."""

    folder: str
    number: int


Mailbox = Mapping[Spot, Message]
"""One node's messages by their places."""


@dataclass(frozen=True, slots=True)
class Placing:
    """The message that belongs at `to` after the merge.

    The message is now at `source`: in the mailbox of this node (`ours`), or in that of the peer.
    """

    to: Spot
    source: Spot
    ours: bool


@dataclass(frozen=True, slots=True)
class MailPlan:
    """The changes to make to the mailbox of this node.

    `vacant`: places in it that hold nothing any more. `full`: folders that would hold more than `MOST`
    messages; every message that would have come into such a folder or left it stays where it is here.
    """

    placings: tuple[Placing, ...] = ()
    vacant: tuple[Spot, ...] = ()
    full: tuple[str, ...] = ()

    @property
    def added(self) -> tuple[Placing, ...]:
        """The messages that come from the peer."""
        return tuple(placing for placing in self.placings if not placing.ours)


def merge(base: Mailbox, ours: Mailbox, theirs: Mailbox) -> MailPlan:
    """Return the changes that make our mailbox the merged one, which holds every message of either side once.

    A message that the peer has moved or removed since `base` is moved or removed here. A message that only
    this node has moved or removed stays as it is here. Where both have, the peer's version counts, because
    the peer served last.
    """
    before, wanted = _folders_of(ours), _wanted(base, ours, theirs)
    full: set[str] = set()
    while more := _too_full(before, wanted) - full:
        full |= more
        wanted = {
            message: before.get(message, Counter())
            if full & _differing(folders, before.get(message, Counter()))
            else folders
            for message, folders in wanted.items()
        }
    return _arranged(before, wanted, ours, theirs, full)


def without_removed(base: Mailbox, theirs: Mailbox) -> Mailbox:
    """Return `base` without the messages that the peer has nowhere any more.

    Compared with that base the peer has removed nothing.
    """
    there = set(theirs.values())
    return {spot: message for spot, message in base.items() if message in there}


def only_added(plan: MailPlan, ours: Mailbox) -> MailPlan:
    """Return only the additions of `plan`: all that may be done to a mailbox in which Asterisk works.

    The numbers in the plan must not be used for the new messages: Asterisk may have given them away
    meanwhile.
    """
    held = Counter(spot.folder for spot in ours)
    coming = Counter(placing.to.folder for placing in plan.added)
    full = {folder for folder, count in coming.items() if held[folder] + count > MOST}
    added = tuple(placing for placing in plan.added if placing.to.folder not in full)
    return MailPlan(placings=added, full=tuple(sorted(full.union(plan.full))))


def _too_full(before: dict[Message, Counter[str]], wanted: dict[Message, Counter[str]]) -> set[str]:
    """Return the folders that would get messages and then hold more than `MOST`."""
    had, will = sum(before.values(), Counter[str]()), sum(wanted.values(), Counter[str]())
    return {folder for folder, count in will.items() if count > MOST and count > had[folder]}


def _arranged(
    before: dict[Message, Counter[str]],
    wanted: dict[Message, Counter[str]],
    ours: Mailbox,
    theirs: Mailbox,
    full: set[str],
) -> MailPlan:
    changed = sorted(
        {
            folder
            for message in wanted
            for folder in _differing(wanted[message], before.get(message, Counter()))
        }
    )
    missing = {message: Counter(folders) for message, folders in wanted.items()}
    staying = {folder: _staying(folder, ours, missing) for folder in changed}
    kept = {spot for spots in staying.values() for spot in spots}
    idle = _by_message({spot: ours[spot] for spot in ours if spot.folder in staying and spot not in kept})
    placings = []
    for folder, stays in staying.items():
        sources = [Placing(spot, spot, ours=True) for spot in stays]
        sources += _coming(folder, theirs, missing, idle)
        placings += [
            Placing(Spot(folder, number), one.source, one.ours) for number, one in enumerate(sources)
        ]
    filled = {placing.to for placing in placings}
    return MailPlan(
        tuple(placing for placing in placings if not placing.ours or placing.source != placing.to),
        tuple(sorted(spot for spot in ours if spot.folder in staying and spot not in filled)),
        tuple(sorted(full)),
    )


def _wanted(base: Mailbox, ours: Mailbox, theirs: Mailbox) -> dict[Message, Counter[str]]:
    """Return in which folders each message belongs after the merge, and how many times."""
    sides = (_folders_of(base), _folders_of(ours), _folders_of(theirs))
    messages = {message for side in sides for message in side}
    return {message: _where(*(side.get(message, Counter()) for side in sides)) for message in messages}


def _where(base: Counter[str], ours: Counter[str], theirs: Counter[str]) -> Counter[str]:
    if theirs == base:
        return ours
    if ours == base:
        return theirs
    # Both nodes have moved the message, or both have received it. Copies that only this node has made stay.
    surplus = max(0, ours.total() - max(base.total(), theirs.total()))
    return theirs + Counter(sorted((ours - theirs).elements())[:surplus])


def _folders_of(mailbox: Mailbox) -> dict[Message, Counter[str]]:
    found: dict[Message, Counter[str]] = {}
    for spot, message in mailbox.items():
        found.setdefault(message, Counter())[spot.folder] += 1
    return found


def _differing(one: Counter[str], other: Counter[str]) -> set[str]:
    return {folder for folder in one.keys() | other.keys() if one[folder] != other[folder]}


def _by_message(mailbox: Mailbox) -> dict[Message, list[Spot]]:
    found: dict[Message, list[Spot]] = {}
    for spot in sorted(mailbox):
        found.setdefault(mailbox[spot], []).append(spot)
    return found


def _staying(folder: str, ours: Mailbox, missing: dict[Message, Counter[str]]) -> list[Spot]:
    """Return our places in the folder whose messages stay there, in order.

    Each such message is struck from `missing`.
    """
    stays = []
    for spot in sorted(spot for spot in ours if spot.folder == folder):
        if missing[ours[spot]][folder] > 0:
            missing[ours[spot]][folder] -= 1
            stays.append(spot)
    return stays


def _coming(
    folder: str, theirs: Mailbox, missing: dict[Message, Counter[str]], idle: dict[Message, list[Spot]]
) -> list[Placing]:
    """Return the messages that the folder still misses, in the order of the peer.

    A message comes from another folder of ours when it is there, else from the peer.
    """
    comes = []
    for spot in sorted(spot for spot in theirs if spot.folder == folder):
        message = theirs[spot]
        if missing[message][folder] > 0:
            missing[message][folder] -= 1
            own = idle.get(message)
            comes.append(Placing(spot, own.pop(0), ours=True) if own else Placing(spot, spot, ours=False))
    return comes


# The three-way judgement on one file that changed on two nodes since both had the same version.


Content = tuple[str, str]
"""What a path holds: the kind and the digest of an `Entry`. ("", ""): nothing there."""

NOTHING: Content = ("", "")


class MergeVerdict(enum.Enum):
    """The decision about the version of this node."""

    KEEP = "keep"
    TAKE = "take"
    REMOVE = "remove"
    CONFLICT = "conflict"


def judge(base: Content, ours: Content, theirs: Content) -> MergeVerdict:
    """Return what becomes of our version, by a three-way comparison.

    A change that only one side has made is taken as right; different changes on both sides are a conflict. A
    removal never wins over a change: what somebody has written since is kept. Where both hold the same, the
    peer's is taken, for its owner, mode and time may be newer.
    """
    if theirs == ours:
        return MergeVerdict.TAKE if ours != NOTHING else MergeVerdict.KEEP
    if theirs == base:
        return MergeVerdict.KEEP
    if ours == base:
        return MergeVerdict.REMOVE if theirs == NOTHING else MergeVerdict.TAKE
    if ours == NOTHING:
        return MergeVerdict.TAKE
    return MergeVerdict.KEEP if theirs == NOTHING else MergeVerdict.CONFLICT
