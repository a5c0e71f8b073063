"""The delivering process and the agent's queue killed for real: nothing is lost, and nothing waits for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from alert_servers import NEVER_ENDS, MailServer, listening

from appliance.agent.components.alert_queue import AlertBatch, AlertQueue
from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.host.clock import SystemClock
from appliance.host.stream import Stream
from appliance.notify.spool import Spool

ALERT = Alert("card", AlertKind.CARD_LOST, Severity.CRITICAL, "the card is gone", "The card is gone.")
# What 'asha notify deliver' does, with the queue and the server of the test.
DELIVER = """
import sys
from pathlib import Path
from appliance.host.clock import SystemClock
from appliance.notify.deliver import Delivery
from appliance.notify.mail import Smtp
from appliance.notify.spool import Spool
way = Smtp(sys.argv[2], "asha@pbx1", ("root",), deadline=30.0)
Delivery(Spool(Path(sys.argv[1])), [way], SystemClock(), print).run()
"""
# An agent's queue that queues without end.
QUEUE = """
import sys
from pathlib import Path
from appliance.agent.components.alert_queue import AlertBatch, AlertQueue
from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.host.clock import SystemClock
from appliance.notify.spool import Spool
queue = AlertQueue(Spool(Path(sys.argv[1])), SystemClock(), "primary", "pbx1")
for number in range(100000):
    alert = Alert("card", AlertKind.CARD_LOST, Severity.CRITICAL, f"number {number}", "")
    queue.store(AlertBatch((alert,), ("mail",), {"number": number}))
    print(number, flush=True)
"""


def python(text: str, *words: str) -> list[str]:
    return [sys.executable, "-c", text, *words]


def until(condition: object, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def test_delivery_killed_while_the_server_has_it_sends_it_again(tmp_path: Path) -> None:
    spool, server = Spool(tmp_path), MailServer(hangs=frozenset({"taken"}))
    AlertQueue(spool, SystemClock(), "primary", "pbx1").store(AlertBatch((ALERT,), ("mail",), {}))
    with listening(server.serve) as place:
        process = subprocess.Popen(python(DELIVER, str(tmp_path), place))
        until(lambda: server.mails)
        process.kill()
        process.wait()
        assert len(spool.waiting()) == 1
        server.hangs = frozenset()
        subprocess.run(python(DELIVER, str(tmp_path), place), check=True, timeout=30)
    assert spool.is_empty()
    first, second = server.mails
    assert first == second, "the same Message-ID: whoever gets it twice can know"


def test_every_alert_whose_queueing_was_confirmed_survives_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen(python(QUEUE, str(tmp_path)), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    confirmed = 20 + len(process.stdout.read().split())
    process.wait()
    waiting = [notice.alert.subject for notice in Spool(tmp_path).waiting()]
    assert sorted(waiting[:confirmed]) == sorted(f"number {number}" for number in range(confirmed))
    assert len(waiting) - confirmed in (0, 1)


def test_the_post_takes_an_alert_at_once_and_brings_it_out_however_the_server_hangs(tmp_path: Path) -> None:
    server = MailServer(hangs=frozenset({"greeting"}))
    with listening(server.serve) as place:
        argv = python(DELIVER, str(tmp_path), place)
        queue = AlertQueue(
            Spool(tmp_path), SystemClock(), "primary", "pbx1", lambda: Stream(argv, bound=False)
        )
        queue.open()
        try:
            began = time.monotonic()
            queue.take(AlertBatch((ALERT,), ("mail",), {}))
            assert time.monotonic() - began < NEVER_ENDS
            until(lambda: Spool(tmp_path).waiting())
            until(lambda: children(argv))
        finally:
            began = time.monotonic()
            queue.close()
        assert time.monotonic() - began < NEVER_ENDS, "a delivery that hangs does not hold up the agent's end"
    assert not children(argv)
    assert len(Spool(tmp_path).waiting()) == 1


def children(argv: list[str]) -> list[str]:
    """Processes of ours with these words."""
    wanted = "\0".join(argv).encode() + b"\0"
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                found += [entry.name] if (entry / "cmdline").read_bytes() == wanted else []
            except OSError:
                continue
    return found
