# ruff: noqa: PTH101, PTH102, PTH103, PTH110, PTH112, PTH114, PTH116, PTH123, PTH211 - pathlib loads slowly
"""PID 1 of a simulated node: builds the machine's view of the disk, says "ready", then reaps.

Run as `python -IS init.py HOSTNAME DISK SHARED KEEP...` inside fresh mount, uts, ipc, pid and network
namespaces, /proc already mounted. DISK holds one upper directory for each of `OVERLAID` and survives a
reboot; /run and /dev do not. SHARED appears as /run/hwsim, the same on the host and on every node. KEEP are
directories (the work tree, Python) that stay visible even if they are mounts of their own. Standard library
only, and little of it, because every boot waits for this program.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import stat
import sys

OVERLAID = (
    "/etc",
    "/usr/local",
    "/usr/sbin",
    "/usr/lib/ocf",
    "/var",
    "/opt",
    "/root",
    "/home",
    "/srv",
    "/tmp",
)

_MS_NOSUID, _MS_BIND, _MS_REC = 2, 4096, 16384  # <linux/mount.h>
_libc = ctypes.CDLL(None, use_errno=True)

_DEVICES = (  # name, mode, major, minor; the console swallows what daemons shout at it
    ("null", 0o666, 1, 3),
    ("zero", 0o666, 1, 5),
    ("full", 0o666, 1, 7),
    ("random", 0o666, 1, 8),
    ("urandom", 0o666, 1, 9),
    ("tty", 0o666, 5, 0),
    ("ptmx", 0o666, 5, 2),
    ("console", 0o600, 1, 3),
)
_RUN = ("lock", "lock/subsys", "asterisk", "asha", "sshd", "hwsim", "resource-agents", "crm")
_HEARTBEAT_RUN = ("heartbeat", "heartbeat/ccm", "heartbeat/crm", "heartbeat/dopd")


def mount(source: str, target: str, kind: str | None, flags: int = 0, options: str | None = None) -> None:
    """Call mount(2). Raises OSError naming the target."""
    words = [word.encode() if word is not None else None for word in (source, target, kind)]
    if _libc.mount(*words, ctypes.c_ulong(flags), options.encode() if options else None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def overlay_disk(disk: str, keep: list[str]) -> None:
    """Lay the node's own writable disk over the host's directories."""
    inner = [point for point in mount_points() if any(in_tree(path, point) for path in keep)]
    for directory in OVERLAID:
        if os.path.isdir(directory) and not os.path.islink(directory):
            held = [(point, os.open(point, os.O_PATH)) for point in inner if in_tree(point, directory)]
            overlay(directory, disk + "/" + upper_name(directory))
            for point, handle in held:
                mount(f"/proc/self/fd/{handle}", point, None, _MS_BIND | _MS_REC)
                os.close(handle)


def overlay(directory: str, upper: str) -> None:
    """Mount one overlay; its scratch directory `upper`.work must be on the same tmpfs."""
    for path in (upper, upper + ".work"):
        os.makedirs(path, exist_ok=True)
    seen = os.stat(directory)
    os.chown(upper, seen.st_uid, seen.st_gid)
    os.chmod(upper, stat.S_IMODE(seen.st_mode))
    options = f"lowerdir={directory},upperdir={upper},workdir={upper}.work,index=off"
    mount("overlay", directory, "overlay", 0, options)


def upper_name(directory: str) -> str:
    """Return the name of a directory's upper layer on the disk."""
    return directory.strip("/").replace("/", "-")


def mount_points() -> list[str]:
    """Return every mount point in this namespace."""
    with open("/proc/self/mountinfo") as lines:
        return [line.split()[4].replace("\\040", " ") for line in lines]


def in_tree(path: str, top: str) -> bool:
    """Return True when `path` is `top` or lies below it, and `top` is not the root."""
    return top != "/" and (path == top or path.startswith(top + "/"))


def fresh_run(shared: str) -> None:
    """Mount an empty /run with the directories that the distribution's boot would make."""
    handle = os.open(shared, os.O_PATH)
    mount("tmpfs", "/run", "tmpfs", _MS_NOSUID, "mode=755")
    for name in (*_RUN, *_HEARTBEAT_RUN):
        os.mkdir("/run/" + name)
    os.chmod("/run/lock", 0o1777)
    os.chmod("/run/resource-agents", 0o1755)
    heartbeat = pwd.getpwnam("hacluster")
    for name in ("crm", *_HEARTBEAT_RUN):
        os.chown("/run/" + name, heartbeat.pw_uid, heartbeat.pw_gid)
        os.chmod("/run/" + name, 0o750)
    mount(f"/proc/self/fd/{handle}", "/run/hwsim", None, _MS_BIND | _MS_REC)
    os.close(handle)


def fresh_dev() -> None:
    """Mount a private /dev with the host's pseudo-terminals, so that the rack's serial ports work."""
    terminals = os.open("/dev/pts", os.O_PATH)
    mount("tmpfs", "/dev", "tmpfs", _MS_NOSUID, "mode=755")
    for name, mode, major, minor in _DEVICES:
        os.mknod("/dev/" + name, mode | stat.S_IFCHR, os.makedev(major, minor))
        os.chmod("/dev/" + name, mode)
    for name in ("pts", "shm"):
        os.mkdir("/dev/" + name)
    mount(f"/proc/self/fd/{terminals}", "/dev/pts", None, _MS_BIND)
    os.close(terminals)
    mount("tmpfs", "/dev/shm", "tmpfs", _MS_NOSUID, "mode=1777")
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink("/proc/self/fd" + target, "/dev/" + name)


def guard_host() -> None:
    """Disable sysrq, the kernel's one knob by which a fencing script would reach past this node."""
    if os.path.exists("/proc/sysrq-trigger"):
        mount("/dev/null", "/proc/sysrq-trigger", None, _MS_BIND)


def reap() -> None:
    """Reap every orphan for ever; ended only by SIGKILL from outside or by reboot(2)."""
    while True:
        signal.sigwait([signal.SIGCHLD])
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def main(hostname: str, disk: str, shared: str, *keep: str) -> None:
    """Boot the node."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    os.umask(0o022)
    os.setsid()
    name = hostname.encode()
    _libc.sethostname(name, len(name))
    fresh_run(shared)
    overlay_disk(disk, list(keep))
    fresh_dev()
    guard_host()
    # directories where a simulated USB device is added; a kernel without HID has no hidraw
    for place in ("/sys/class/tty", "/sys/class/hidraw", "/sys/devices/platform"):
        if os.path.isdir(place):
            mount("tmpfs", place, "tmpfs", _MS_NOSUID, "mode=755")
    os.chdir("/")
    os.write(1, b"ready\n")
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    reap()


if __name__ == "__main__":
    main(*sys.argv[1:])
