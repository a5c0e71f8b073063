"""The path of the agent's control socket.

It is apart from `paths`, because the resource script needs no other path, and must not load pathlib for it.
"""

SOCKET = "/run/asha/control"
