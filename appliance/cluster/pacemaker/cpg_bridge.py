"""A program of its own: a member of Corosync's closed process group `asha`, between standard input and output.

The *host's* Python runs it, with nothing but its standard library: asha's own Python brings a C library of its own,
into which the host's libcpg cannot be loaded. So nothing here may need more than Python 3.6, or import anything of
asha's.

Each line of the input is sent to the group. Each line of the output is one of:

    nodes ID...       the nodes that Corosync sees, this one included
    agents ID...      the nodes with a member of the group, this one included
    message ID TEXT   a line that the member on node ID has sent, this one included

It ends when its input does, or when Corosync is gone. Source: cpg.h of Corosync 2 and 3.
"""

import ctypes
import os
import select
import signal
import sys

GROUP = b"asha"
_OK = 1
_TRY_AGAIN = 6
_DISPATCH_ALL = 2
_AGREED = 2  # the order of delivery: the same on all nodes
_MODEL_V1 = 1
_INITIAL_NODES = 1  # have the nodes told at once
_PIECE = 1 << 16
_LONGEST = 1 << 16
_TRIES = 20
_PR_SET_PDEATHSIG = 1


class GroupName(ctypes.Structure):
    """struct cpg_name."""

    _fields_ = [("length", ctypes.c_uint32), ("value", ctypes.c_char * 128)]


class Member(ctypes.Structure):
    """struct cpg_address."""

    _fields_ = [("nodeid", ctypes.c_uint32), ("pid", ctypes.c_uint32), ("reason", ctypes.c_uint32)]


class Ring(ctypes.Structure):
    """struct cpg_ring_id."""

    _fields_ = [("nodeid", ctypes.c_uint32), ("seq", ctypes.c_uint64)]


class Piece(ctypes.Structure):
    """struct iovec."""

    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


_Deliver = ctypes.CFUNCTYPE(
    None,
    ctypes.c_uint64,
    ctypes.POINTER(GroupName),
    ctypes.c_uint32,
    ctypes.c_uint32,
    ctypes.c_void_p,
    ctypes.c_size_t,
)
_Changed = ctypes.CFUNCTYPE(
    None,
    ctypes.c_uint64,
    ctypes.POINTER(GroupName),
    *(ctypes.POINTER(Member), ctypes.c_size_t),
    *(ctypes.POINTER(Member), ctypes.c_size_t),
    *(ctypes.POINTER(Member), ctypes.c_size_t),
)
_Nodes = ctypes.CFUNCTYPE(None, ctypes.c_uint64, Ring, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32))


class Model(ctypes.Structure):
    """cpg_model_v1_data_t."""

    _fields_ = [
        ("model", ctypes.c_int),
        ("deliver", _Deliver),
        ("changed", _Changed),
        ("nodes", _Nodes),
        ("flags", ctypes.c_uint),
    ]


def say(*words: str) -> None:
    """Write one line, at once."""
    os.write(1, (" ".join(words) + "\n").encode())


class Membership:
    """This program's place in the process group."""

    def __init__(self) -> None:
        """Join. Raises OSError when Corosync does not let us."""
        self._cpg = ctypes.CDLL("libcpg.so.4")
        self._handle = ctypes.c_uint64()
        # Kept, because the library calls what is in it for as long as the handle lives.
        self._model = Model(
            _MODEL_V1, _Deliver(self._deliver), _Changed(self._changed), _Nodes(self._nodes), _INITIAL_NODES
        )
        self._check(
            "cpg_model_initialize", ctypes.byref(self._handle), _MODEL_V1, ctypes.byref(self._model), None
        )
        name = GroupName(len(GROUP), GROUP)
        self._check("cpg_join", self._handle, ctypes.byref(name))
        number = ctypes.c_int()
        self._check("cpg_fd_get", self._handle, ctypes.byref(number))
        self.descriptor = number.value

    def dispatch(self) -> None:
        """Take in all that Corosync has said. Raises OSError when Corosync is gone."""
        self._check("cpg_dispatch", self._handle, _DISPATCH_ALL)

    def send(self, line: bytes) -> None:
        """Send `line` to the group; one that Corosync does not take for a while is dropped: the next says it anew."""
        piece = Piece(line, len(line))
        for _ in range(_TRIES):
            if self._cpg.cpg_mcast_joined(self._handle, _AGREED, ctypes.byref(piece), 1) != _TRY_AGAIN:
                return
            select.select([], [], [], 0.01)

    def _check(self, function: str, *arguments: object) -> None:
        for _ in range(_TRIES):
            result = getattr(self._cpg, function)(*arguments)
            if result == _OK:
                return
            if result != _TRY_AGAIN:
                break
            select.select([], [], [], 0.05)
        raise OSError(f"{function} of Corosync gives error {result}")

    def _deliver(self, *said: int) -> None:
        _handle, _name, node, _pid, message, length = said
        if length <= _LONGEST:
            text = ctypes.string_at(message, length).decode("ascii", "replace")
            say("message", str(node), text.replace("\n", " "))

    def _changed(self, handle, name, members, count, *others) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001, ANN002
        say("agents", *sorted({str(members[number].nodeid) for number in range(count)}))

    def _nodes(self, handle, ring, count, nodes) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        say("nodes", *(str(nodes[number]) for number in range(count)))


def main() -> None:
    """Be the member until the input ends, or Corosync does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    group = Membership()
    waiting = b""
    while True:
        readable = select.select([group.descriptor, 0], [], [])[0]
        if group.descriptor in readable:
            group.dispatch()
        if 0 in readable:
            piece = os.read(0, _PIECE)
            if not piece:
                return
            lines = (waiting + piece).split(b"\n")
            waiting = lines.pop()
            for line in lines:
                group.send(line)


if __name__ == "__main__":
    try:
        main()
    except OSError as problem:
        sys.exit(f"cpg_bridge: {problem}")
