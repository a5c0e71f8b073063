"""The script shared by both peers, which moves the relay and starts and stops Asterisk."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hwsim.nodes import CLUSTER_ADDRESS, Node

_ASTERISK_CONF, _BOUND = "/etc/hwsim-asterisk.conf", "answers_from = asked\n"
_PJSIP, _ANYWHERE = "/etc/asterisk/pjsip.conf", "bind=0.0.0.0:"
_ON_NODE = Path(__file__).with_name("on_node")


def install_script(node: Node, source: str, path: str) -> None:
    """Put `on_node/SOURCE` on the node as an executable; a Python program names this interpreter."""
    text = (_ON_NODE / source).read_text()
    if source.endswith(".py"):
        text = f"#!{os.path.realpath(sys.executable)} -IS\n{text}"
    node.write(path, text, 0o755)


def install(node: Node) -> None:
    """Put pbxline where a peer's scripts call it, and bind Asterisk to the cluster address, as they must."""
    install_script(node, "pbxline.sh", "/usr/local/sbin/pbxline")
    pjsip = node.path(_PJSIP)
    if pjsip.exists():  # a real Asterisk
        pjsip.write_text(pjsip.read_text().replace(_ANYWHERE, f"bind={CLUSTER_ADDRESS}:"))
        return
    conf = node.path(_ASTERISK_CONF)
    if _BOUND not in (text := conf.read_text()):
        conf.write_text(text + _BOUND)
