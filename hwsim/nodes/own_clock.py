"""A node's own wall clock, which can be stepped: Linux has namespaces for a machine's other clocks, not for this one.

A small library that is loaded before all others (ld.so(8), LD_PRELOAD) stands between every program of the node and the
C library, and adds what a file says to the time of day. Monotonic clocks go on as they are, as when an administrator or
an NTP daemon sets the clock. libfaketime does not do: where it leaves the monotonic clock alone, it still takes that
clock's absolute times for the time of day, so that Python's `time.sleep` fails (0.9.10, clock_nanosleep).

What the kernel itself notes goes on by the host's clock: the times of files above all. Programs that bring a C library
of their own, such as asha's runtime in the packages, are not reached, and a program that has the kernel wait until a
time of day (sem_timedwait) waits by the host's clock; none of the daemons here does.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hwsim.nodes.errors import NodeError

_DEADLINE = 30.0  # seconds for the compiler
_VARIABLE = "HWSIM_CLOCK"
_SECONDS = struct.Struct("=d")
# The file is mapped, so that a step counts at once for all that runs.
_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile double *ahead;

__attribute__((constructor)) static void look(void)
{
    const char *path = getenv("HWSIM_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *seen = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(double), PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0)
        close(file);
    if (seen != MAP_FAILED)
        ahead = seen;
}

static void add(struct timespec *at, double seconds)
{
    long long nanoseconds = at->tv_nsec + (long long)(seconds * 1e9);
    at->tv_sec += nanoseconds / 1000000000;
    at->tv_nsec = nanoseconds % 1000000000;
    if (at->tv_nsec < 0) {
        at->tv_nsec += 1000000000;
        at->tv_sec--;
    }
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real ? real(clock, at) : (int)syscall(SYS_clock_gettime, clock, at);
    if (!result && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        add(at, *ahead);
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now))
        return -1;
    if (at) {
        at->tv_sec = now.tv_sec;
        at->tv_usec = now.tv_nsec / 1000;
    }
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}
"""


class OwnClock:
    """The clock of the node `name`; `shared` is the directory that the node sees as `seen_at`."""

    def __init__(self, name: str, shared: Path, seen_at: str) -> None:
        self._file = shared / f"{name}.clock"
        self._library = shared / f"{name}-clock.so"
        self._seen_at = seen_at
        self.ahead = 0.0

    def begin(self) -> None:
        """Have the clock show what the host's does. Raises NodeError where there is no compiler."""
        self.ahead = 0.0
        self._file.write_bytes(_SECONDS.pack(0.0))
        try:
            subprocess.run(
                ["gcc", "-shared", "-fPIC", "-O2", "-x", "c", "-", "-o", self._library, "-ldl"],
                input=_SOURCE.encode(),
                timeout=_DEADLINE,
                check=True,
                capture_output=True,
            )
        except FileNotFoundError:
            raise NodeError("A node with a clock of its own needs a compiler: install gcc.") from None
        except subprocess.CalledProcessError as problem:
            raise NodeError(f"The clock's library was not made: {problem.stderr.decode()}") from problem

    def step(self, seconds: float) -> None:
        """Set the clock forward by `seconds`, or back when negative, for every program of the node at once."""
        self.ahead += seconds
        with self._file.open("r+b") as file:
            file.write(_SECONDS.pack(self.ahead))

    @property
    def env(self) -> Mapping[str, str]:
        """What a program's environment needs, so that it goes by this clock."""
        return {
            "LD_PRELOAD": f"{self._seen_at}/{self._library.name}",
            _VARIABLE: f"{self._seen_at}/{self._file.name}",
        }
