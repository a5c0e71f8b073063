"""Start, stop, death and hang, against a stand-in that is a real process."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.pbx_start import StartWay
from appliance.core.reading import Known
from appliance.host.clock import SystemClock
from appliance.host.pidwatch import PidWatch
from appliance.pbx import service
from appliance.pbx.calls import read_channels
from appliance.pbx.process import ExitEvents, find_pid, watch_death

CLOCK = SystemClock()


def start(conf: Conf) -> int:
    pid = service.start(conf, CLOCK)
    assert service.wait_booted(conf, CLOCK, 10.0)
    return pid


def console(conf: Conf, command: str) -> None:
    subprocess.run([conf.pbx_program, "-rx", command], check=True, timeout=30, capture_output=True)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def test_it_starts_boots_and_stops(asterisk) -> None:
    pid = start(asterisk.conf)
    assert find_pid(asterisk.conf, 1.0) == Known(pid, 1.0)
    service.stop(asterisk.conf, CLOCK, 5.0)
    assert gone(pid)
    assert find_pid(asterisk.conf, 2.0) == Known(None, 2.0)


def test_calls_are_ended_before_a_stop_which_then_does_not_wait_for_them(asterisk) -> None:
    asterisk.set(after_calls=600.0)
    pid = start(asterisk.conf)
    console(asterisk.conf, "channel originate Local/100@default application Wait 60")
    assert len(read_channels(asterisk.conf, CLOCK.now, 5.0).value) == 2
    service.stop(asterisk.conf, CLOCK, 3600.0)  # a stop that found them would go on for ten minutes
    assert gone(pid)


def test_calls_that_do_not_end_are_left_to_the_stop_by_the_console(asterisk) -> None:
    pid = start(asterisk.conf)
    console(asterisk.conf, "channel originate Local/100@default application Wait 60")
    console(asterisk.conf, "core stop gracefully")  # from here on it refuses to hang up
    service.stop(asterisk.conf, CLOCK, 3600.0)
    assert gone(pid)
    assert not asterisk.conf.pbx_pidfile.exists(), "it was not killed"


def test_a_console_that_fails_while_calls_are_ended_hinders_no_stop(asterisk, monkeypatch) -> None:
    pid = start(asterisk.conf)
    console(asterisk.conf, "channel originate Local/100@default application Wait 60")

    def fails(argv: list[str], **_: object) -> None:
        raise HostError(f"{argv[-1]}: no memory for another program")

    monkeypatch.setattr("appliance.pbx.calls.run", fails)
    service.stop(asterisk.conf, CLOCK, 3600.0)
    assert gone(pid)


def test_starting_what_runs_and_stopping_what_does_not_change_nothing(asterisk) -> None:
    service.stop(asterisk.conf, CLOCK, 1.0)
    pid = start(asterisk.conf)
    assert service.start(asterisk.conf, CLOCK) == pid


def test_a_start_that_fails_says_why_in_asterisks_own_words(asterisk) -> None:
    asterisk.set(start_fails="Unable to load module chan_dahdi.so")
    with pytest.raises(
        HostError, match=r"asterisk -g' ended with status \d+: Unable to load module chan_dahdi\.so"
    ) as told:
        service.start(asterisk.conf, CLOCK)
    assert "/bin/sh" not in str(told.value), "what asha adds is no news to anybody"


def test_it_has_its_own_rank_and_limit_and_not_those_of_who_starts_it(
    asterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "read_start_way", lambda conf: StartWay(files=256, oom=300))
    pid = start(asterisk.conf)
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "300"
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (files,) = (line.split() for line in limits if line.startswith("Max open files"))
    assert files[3] == "256"


def test_a_slow_boot_is_waited_for_and_not_longer_than_the_deadline(asterisk) -> None:
    asterisk.set(boot_time=30)
    service.start(asterisk.conf, CLOCK)
    assert not service.wait_booted(asterisk.conf, CLOCK, 0.3)


@pytest.mark.timeout(60)
def test_one_that_boots_does_not_know_how_to_stop_and_is_not_waited_for(asterisk) -> None:
    asterisk.set(boot_time=3600)
    pid = service.start(asterisk.conf, CLOCK)
    service.stop(asterisk.conf, CLOCK, 3600.0)  # three quarters of it, were its console believed
    assert gone(pid)


def test_asterisk_that_dies_while_booting_is_not_waited_for(asterisk) -> None:
    asterisk.set(boot_time=30)
    pid = service.start(asterisk.conf, CLOCK)
    os.kill(pid, signal.SIGKILL)
    assert not service.wait_booted(asterisk.conf, CLOCK, 20.0)


@pytest.mark.parametrize("fault", [signal.SIGUSR1, signal.SIGSTOP])
def test_a_hung_one_is_stopped_within_the_deadline_all_the_same(asterisk, fault: int) -> None:
    pid = start(asterisk.conf)
    os.kill(pid, fault)
    service.stop(asterisk.conf, CLOCK, 0.4)
    assert gone(pid)


def test_a_known_hung_one_is_killed_without_being_asked(asterisk) -> None:
    pid = start(asterisk.conf)
    os.kill(pid, signal.SIGSTOP)
    before = time.monotonic()
    service.stop(asterisk.conf, CLOCK, 60.0, hung=True)
    assert gone(pid)
    assert time.monotonic() - before < 30


def test_a_stale_pid_file_and_a_pid_used_again_are_no_asterisk(asterisk) -> None:
    conf = asterisk.conf
    conf.pbx_pidfile.parent.mkdir()
    for text in (str(os.getpid()), "1", "999999999", "", "rubbish", "-5"):
        conf.pbx_pidfile.write_text(text)
        assert find_pid(conf, 1.0) == Known(None, 1.0), text
    service.stop(conf, CLOCK, 0.2)


def test_death_is_told_by_the_kernel_at_once(asterisk) -> None:
    pid = start(asterisk.conf)
    watch = watch_death(pid)
    assert isinstance(watch, PidWatch)
    assert not watch.drain()
    os.kill(pid, signal.SIGKILL)
    assert select.select([watch.fileno()], [], [], 60)[0]
    assert watch.drain()
    watch.close()


def test_a_stopped_process_is_not_dead(asterisk) -> None:
    pid = start(asterisk.conf)
    watch = watch_death(pid)
    os.kill(pid, signal.SIGSTOP)
    assert not select.select([watch.fileno()], [], [], 0.1)[0]
    assert not watch.drain()
    watch.close()


def test_the_process_connector_tells_it_too(asterisk) -> None:
    pid = start(asterisk.conf)
    watch = ExitEvents(pid)
    assert not watch.drain()
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while not watch.drain() and time.monotonic() < end:
        select.select([watch.fileno()], [], [], 0.5)
    assert watch.drain()
    watch.close()


class Deaf:
    """A way that works and cannot wake anybody."""

    def __init__(self, pid: int) -> None:
        self.closed = False

    def fileno(self) -> None:
        return None

    def drain(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


class Missing:
    def __init__(self, pid: int) -> None:
        raise OSError("not in this kernel")


def test_the_best_way_that_works_is_taken(asterisk) -> None:
    pid = start(asterisk.conf)
    assert isinstance(watch_death(pid, (Deaf, PidWatch)), PidWatch)
    assert isinstance(watch_death(pid, (Missing, Deaf)), Deaf)
    with pytest.raises(HostError, match="cannot be watched"):
        watch_death(pid, (Missing,))


def test_one_that_has_lost_its_pid_file_is_found_and_no_second_is_started(asterisk) -> None:
    conf = asterisk.conf
    pid = start(conf)
    for text in (None, "999999999", ""):
        conf.pbx_pidfile.unlink() if text is None else conf.pbx_pidfile.write_text(text)
        assert find_pid(conf, 1.0) == Known(pid, 1.0), text
        assert service.start(conf, CLOCK) == pid
    service.stop(conf, CLOCK, 5.0)
    assert gone(pid)
    assert find_pid(conf, 2.0) == Known(None, 2.0)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["asterisk"], True),
        (["/usr/sbin/asterisk", "-g"], True),
        (["asterisk", "-U", "asterisk", "-G", "asterisk", "-vvvf"], True),
        (["/usr/sbin/asterisk", "-f", "-C", "/etc/asterisk/asterisk.conf"], True),
        (["asterisk", "-rx", "core show uptime"], False),
        (["asterisk", "-rvvv"], False),
        (["asterisk", "-C", "/etc/second/asterisk.conf"], False),
        (["tail", "-f", "/var/log/asterisk"], False),
        (["/bin/sh", "/etc/init.d/asterisk", "start"], False),
        (["/bin/sh", "/usr/sbin/safe_asterisk"], False),
    ],
)
def test_only_the_pbx_itself_is_taken_for_one_without_a_pid_file(
    tmp_path: Path, words: list[str], found: bool
) -> None:
    process = subprocess.Popen(words, executable=_sleeper(tmp_path))
    while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
        pass  # the kernel closes what `Popen` waits for before the new program has its words
    try:
        conf = Conf(pbx_program="asterisk", pbx_pidfile=tmp_path / "asterisk.pid")
        assert find_pid(conf, 1.0) == Known(process.pid if found else None, 1.0)
    finally:
        process.kill()
        process.wait()


def _sleeper(folder: Path) -> str:
    """Return a program that waits, whatever its words are."""
    source = folder / "sleeper.c"
    source.write_text("#include <unistd.h>\nint main(void) { return pause(); }\n")
    subprocess.run(["cc", "-o", folder / "sleeper", source], check=True)
    return str(folder / "sleeper")
