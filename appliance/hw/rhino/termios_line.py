"""Conversion of a tty's settings between termios and a profile's [line]."""

from __future__ import annotations

import termios

from appliance.hw.rhino.profile import Flow, LineSettings, Parity

_CFLAG, _OSPEED = 2, 5  # positions in the list of tcgetattr
_BITS = {termios.CS5: 5, termios.CS6: 6, termios.CS7: 7, termios.CS8: 8}
_BAUDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}
# A pseudo-terminal forces eight bits and no parity (Linux, pty_set_termios), so it cannot show these flags.
_PTY_BLIND = termios.CSIZE | termios.PARENB | termios.PARODD


def line_settings(handle: int) -> LineSettings:
    """Return the current settings of the tty. Raises termios.error.

    A speed that is not in the usual table counts as 9600.
    """
    iflag, _, cflag, _, _, speed, _ = termios.tcgetattr(handle)
    return LineSettings(
        baud=_BAUDS.get(speed, 9600),
        bits=_BITS[cflag & termios.CSIZE],
        parity=_parity(cflag),
        stop=2 if cflag & termios.CSTOPB else 1,
        flow=_flow(iflag, cflag),
    )


def copy_settings(source: int, target: int) -> None:
    """Give the tty `target` the settings of `source`. Raises termios.error."""
    termios.tcsetattr(target, termios.TCSANOW, termios.tcgetattr(source))


def carry_settings(pty: int, real: int) -> None:
    """Give the tty `real` the settings that the tool made on `pty`, in raw mode; keep its bits and parity."""
    wanted = termios.tcgetattr(pty)
    now = termios.tcgetattr(real)
    cflag = (wanted[_CFLAG] & ~_PTY_BLIND) | (now[_CFLAG] & _PTY_BLIND) | termios.CLOCAL | termios.CREAD
    iflag = wanted[0] & (termios.IXON | termios.IXOFF)
    raw = [iflag, 0, cflag, 0, *wanted[4:6], now[6]]
    if raw[: _OSPEED + 1] != now[: _OSPEED + 1]:
        termios.tcsetattr(real, termios.TCSANOW, raw)


def _parity(cflag: int) -> Parity:
    if not cflag & termios.PARENB:
        return "N"
    return "O" if cflag & termios.PARODD else "E"


def _flow(iflag: int, cflag: int) -> Flow:
    if cflag & termios.CRTSCTS:
        return "rtscts"
    return "xonxoff" if iflag & (termios.IXON | termios.IXOFF) == termios.IXON | termios.IXOFF else "none"
