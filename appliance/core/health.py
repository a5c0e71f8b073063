"""The health of Asterisk: starting, running, hung or dead.

Rise, fall and dwell times are applied to probes that may simply not answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from appliance.core.model import Pbx
from appliance.core.reading import Known, Reading, Unknown, is_known

# A telephone system that answers no phone is down even if its console still answers. But one silent probe is
# weaker evidence than all of them, so SIP alone must stay silent this many times longer.
SIP_ALONE = 3
# One that answers nobody and works meanwhile has too little of the machine, or too much to do: it may answer yet, and
# is given so many times longer.
WORKING = 3
# Both: its console answers, its SIP does not, and it works.
SIP_ALONE_WORKING = 6
# For so many seconds after nothing was unread at the SIP port its reader is known to live. A busy telephone's request
# may lie there at any one look.
READ_LATELY = 3.0
# An Asterisk that boots may read its SIP port before it answers there; so many seconds are surely enough for that.
READS_WHILE_BOOTING = 60.0
# The console costs a fork each time, so that it is asked less often than the sockets while all is well: once in so
# many rounds.
CONSOLE_EVERY = 30


@dataclass(frozen=True, slots=True)
class ProbePolicy:
    """The thresholds of a probe.

    `fall` silences in a row that last `dwell` seconds make a probe silent, and `rise` answers in a row end that.
    """

    rise: int
    fall: int
    dwell: float


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """The record of one probe (AMI, CLI, SIP) during this life of the Asterisk process.

    `answers`: how many in a row, up to now. `silences`: how many in the present silence, which began at `silent_since`.
    """

    ever_answered: bool = False
    answers: int = 0
    silences: int = 0
    silent_since: float | None = None
    last: str = ""


def observe(record: ProbeRecord, reading: Reading[str], policy: ProbePolicy) -> ProbeRecord:
    """Return `record` after one more reading.

    A single answer of a probe that has fallen silent is not its recovery: an Asterisk that answers now and then would
    count as well and as hung in turn.
    """
    if isinstance(reading, Known):
        answers = record.answers + 1
        if answers < policy.rise and is_silent(record, policy, reading.at):
            return replace(record, answers=answers)
        return ProbeRecord(True, record.answers + 1, 0, None, reading.value)
    since = reading.at if record.silent_since is None else record.silent_since
    return replace(record, answers=0, silences=record.silences + 1, silent_since=since, last=reading.reason)


def is_silent(record: ProbeRecord, policy: ProbePolicy, now: float, times: int = 1) -> bool:
    """Tell whether a probe that has answered in this life of Asterisk is silent past fall and dwell.

    Both thresholds are multiplied by `times`. A probe that never answered tells nothing: it may be switched
    off in Asterisk.
    """
    if not record.ever_answered or record.silent_since is None:
        return False
    long_enough = now - record.silent_since >= policy.dwell * times
    return record.silences >= policy.fall * times and long_enough


@dataclass(frozen=True, slots=True)
class Activity:
    """What the kernel shows of an Asterisk while one of its probes is silent.

    `looks`: how often it was looked at since that began; `working`: at how many looks it worked (see
    `appliance/pbx/activity.py`). `read_at`: when nothing was unread at its SIP port last, though SIP was silent
    (monotonic seconds).
    """

    looks: int = 0
    working: int = 0
    read_at: float = float("-inf")

    @property
    def works(self) -> bool:
        """True when it worked at half of the looks at least."""
        return 0 < self.looks <= 2 * self.working


IDLE = Activity()
_UNTRIED = Unknown("nobody has looked at it from the LAN", 0.0)


def look_closer(before: Activity, works: Reading[bool], unread: Reading[bool]) -> Activity:
    """Return the activity after one more look. What could not be seen tells nothing."""
    seen = isinstance(works, Known)
    return Activity(
        before.looks + seen,
        before.working + is_known(works, True),
        unread.at if is_known(unread, False) else before.read_at,
    )


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is known of Asterisk beside its answers: `activity`, and `calls`, whether a telephone could call.

    `calls` is the other node's look at the service over the LAN (see `core.lan`).
    """

    activity: Activity = IDLE
    calls: Reading[bool] = _UNTRIED


NO_WITNESSES = Witnesses()


def judge(
    process: Reading[bool],
    booted: bool,
    probes: Mapping[str, ProbeRecord],
    policy: ProbePolicy,
    now: float,
    *,
    witnesses: Witnesses = NO_WITNESSES,
) -> Reading[Pbx]:
    """Return the state of Asterisk from its process, as the kernel reports it, from the probes, and from `witnesses`.

    Dead only when the kernel says so. Hung only when the kernel says the process lives, it has answered in
    this life, and every probe that ever answered is silent: one past fall and dwell, the others one time less, since
    they are asked in every round only when one is silent. SIP alone must be silent three times as long, and whichever
    is silent longer when Asterisk works meanwhile. SIP that is kept from being asked is no hang (see `kept_off`). A
    process that cannot be looked at is Unknown, however silent the probes are.
    """
    if isinstance(process, Unknown):
        return process
    if not process.value:
        return Known(Pbx.DEAD, process.at)
    heard = {name: record for name, record in probes.items() if record.ever_answered}
    if _hangs(heard, policy, now, witnesses):
        return Known(Pbx.HUNG, now)
    return Known(Pbx.RUNNING if booted or heard else Pbx.STARTING, now)


def _hangs(heard: Mapping[str, ProbeRecord], policy: ProbePolicy, now: float, witnesses: Witnesses) -> bool:
    works = witnesses.activity.works
    if _all_silent(heard, policy, now, WORKING if works else 1):
        return True
    sip = heard.get("sip")
    if sip is None or not is_silent(sip, policy, now, SIP_ALONE_WORKING if works else SIP_ALONE):
        return False
    return not kept_off(heard, policy, now, witnesses)


def _all_silent(heard: Mapping[str, ProbeRecord], policy: ProbePolicy, now: float, times: int) -> bool:
    if not any(is_silent(record, policy, now, times) for record in heard.values()):
        return False
    return all(record.silences >= max(1, policy.fall - 1) * times for record in heard.values())


def kept_off(
    probes: Mapping[str, ProbeRecord], policy: ProbePolicy, now: float, witnesses: Witnesses
) -> bool:
    """Tell whether this node's questions by SIP are kept from Asterisk, by a packet filter that is, while it lives.

    Its console answers, and what arrives at its SIP port is read: an Asterisk whose SIP hangs leaves there what it was
    asked. One that reads and answers nobody would be a hang all the same, so that the other node's word that no
    telephone can call stands above it.
    """
    sip, console = probes.get("sip"), probes.get("cli")
    if sip is None or console is None or console.silences or not console.answers:
        return False
    if sip.silent_since is None or sip.silences < policy.fall:
        return False
    if not sip.ever_answered and now - sip.silent_since < READS_WHILE_BOOTING:
        return False
    return now - witnesses.activity.read_at <= READ_LATELY and not is_known(witnesses.calls, False)


KEPT_OFF_REMEDY = (
    "Take the rule away ('fail2ban-client status', 'nft list ruleset', 'iptables -S'), and name this node's addresses "
    "in fail2ban's ignoreip"
)


def kept_off_in_words(port: int) -> str:
    """Return that this node's questions at UDP port `port` do not reach Asterisk, for people."""
    return (
        f"what this node asks its own Asterisk at UDP port {port} is dropped by a packet filter, such as a ban by "
        "fail2ban. Asterisk answers on its console and reads that port, so this is no hang, and service stays"
    )


def sip_answers(probes: Mapping[str, ProbeRecord], policy: ProbePolicy, now: float) -> Reading[bool]:
    """Return whether Asterisk answers this node by SIP; what its console says is no proof for telephones."""
    sip = probes.get("sip")
    if sip is None:
        return Unknown("Asterisk does not run, or is not asked by SIP (SIPPORT=0)", now)
    return Known(sip.ever_answered and sip.silences < policy.fall, now, sip.last)


def silent_probes(probes: Mapping[str, ProbeRecord]) -> tuple[str, ...]:
    """Return the names of the probes that get no answer, or not enough yet, though they answered before.

    The names are for display only.
    """
    return tuple(name for name, record in probes.items() if record.ever_answered and record.silences)
