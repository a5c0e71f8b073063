"""What gives power over there gives none here: set-user-ID, set-group-ID, capabilities, privileged attributes."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from data_on_nodes import CONF, hang_up, introduce, one_pass

from appliance.sync.file_moves import tame
from appliance.sync.open_directories import Below
from hwsim.nodes import Node
from hwsim.nodes.pair import Pair, pair
from hwsim.nodes.sshd import shell
from tests.plugins.security_figures import Count

TREE = "/var/lib/asterisk/sounds"
_CAPABILITY = bytes.fromhex(
    "0100000200200000000000000000000000000000"
)  # VFS_CAP_REVISION_2: cap_net_raw, effective
_POWERS = {"security.capability": _CAPABILITY, "trusted.asha.test": b"t"}
_PLAIN = {"user.asha.test": b"u"}
MODES = {
    "setuid": 0o4755,
    "setgid": 0o2755,
    "both": 0o6711,
    "sticky": 0o1755,
    "dir": 0o2775,
    "dir/deep": 0o6770,
}
_FURNISH = f"""
mkdir -p /opt/sark/db {TREE}/dir/deep; sqlite3 /opt/sark/db/sark.db 'create table t (n)'
cd {TREE}; for name in setuid setgid both sticky; do echo $name >$name; done; echo in >dir/deep/file
"""


@asynccontextmanager
async def furnished(conf: str) -> AsyncIterator[Pair]:
    async with pair() as rack:
        for node in (rack.primary, rack.secondary):
            node.prepare(files={"/etc/asha.conf": CONF + conf})
        await rack.boot()
        await introduce(giving=rack.primary, asking=rack.secondary)
        assert (await shell(rack.primary, _FURNISH)).code == 0
        give(rack.primary)
        yield rack
        await hang_up(rack.secondary)


def give(node: Node) -> None:
    """Every mode, and attributes of every kind on one file."""
    for name, mode in MODES.items():
        (node.path(TREE) / name).chmod(mode)
    for attribute, value in {**_POWERS, **_PLAIN}.items():
        os.setxattr(node.path(TREE) / "setuid", attribute, value)


def modes(node: Node) -> dict[str, int]:
    return {name: stat.S_IMODE((node.path(TREE) / name).stat().st_mode) for name in MODES}


def attributes(node: Node) -> dict[str, bytes]:
    place = node.path(TREE) / "setuid"
    names = [name for name in os.listxattr(place) if "overlay" not in name]
    return {name: os.getxattr(place, name) for name in names}


def test_powers_stay_where_they_are(count: Count) -> None:
    async def scenario() -> None:
        async with furnished("") as rack:
            primary, secondary = rack.primary, rack.secondary
            wanted = {name: mode & ~0o6000 for name, mode in MODES.items()}
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            assert modes(secondary) == wanted
            assert attributes(secondary) == _PLAIN
            for words in ((), ("deep",)):
                assert await one_pass(secondary, primary, *words) == "0 0 0", (
                    "and they differ in nothing by that"
                )
            await shell(
                primary,
                f"cd {TREE}; echo >>setuid; echo >>both; echo new >dir/new; chmod 4711 dir/new",
            )
            give(primary)
            assert await one_pass(secondary, primary, "deep") == "3 0 0"
            assert modes(secondary) == wanted
            assert stat.S_IMODE((secondary.path(TREE) / "dir/new").stat().st_mode) == 0o711
            assert attributes(secondary) == _PLAIN
            assert await one_pass(secondary, primary, "deep") == "0 0 0"
            count("powers offered by the other node", 2 * (len(MODES) + len(_POWERS)) + 1)
            count("powers carried", len(attributes(secondary).keys() & _POWERS.keys()))

    asyncio.run(scenario())


def test_the_conf_file_may_have_them_carried() -> None:
    async def scenario() -> None:
        async with furnished("SYNCSPECIALBITS=on\n") as rack:
            primary, secondary = rack.primary, rack.secondary
            assert (await one_pass(secondary, primary)).endswith(" 0 0")
            assert modes(secondary) == MODES
            assert attributes(secondary) == {**_POWERS, **_PLAIN}
            assert await one_pass(secondary, primary, "deep") == "0 0 0"

    asyncio.run(scenario())


def test_what_an_old_rsync_brings_is_tamed(tmp_path: Path) -> None:
    """One that knows no rules about attributes, nor perhaps about modes."""
    below = Below([bytes(tmp_path)], [], lambda path: True)
    (tmp_path / "file").write_text("content")
    (tmp_path / "dir").mkdir()
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    for name in ("file", "dir"):
        for attribute, value in {**_POWERS, **_PLAIN}.items():
            if attribute != "security.capability" or name == "file":
                os.setxattr(tmp_path / name, attribute, value)
        (tmp_path / name).chmod(0o7755)
    for name in ("file", "dir", "link", "pipe", "gone"):
        tame(below.at(bytes(tmp_path / name)))
    for name in ("file", "dir"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o1755
        assert os.listxattr(tmp_path / name) == ["user.asha.test"]
    assert (tmp_path / "link").readlink() == Path("file")
