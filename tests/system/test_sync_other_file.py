"""OTHERn that names a file: it is kept in step as a file, both ways, and nothing beside it is touched or given."""

from __future__ import annotations

import asyncio

from data_on_nodes import CONF, following, hang_up, introduce, mark_served, one_pass, places_of

from appliance.sync.state import read_state
from hwsim.nodes import Node
from hwsim.nodes.pair import Pair, pair
from hwsim.nodes.sshd import shell

_CONF = f"{CONF}\nOTHER1=/srv/apart/odd.conf\nOTHER2=/srv/tftp\n"
_FURNISH = r"""
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail /srv/apart /srv/tftp
sqlite3 /opt/sark/db/sark.db 'create table t (n)'
echo a >/etc/asterisk/a.conf; echo s >/var/lib/asterisk/sounds/s.gsm; echo v >/var/spool/asterisk/voicemail/v
echo phone >/srv/tftp/phone.cfg
echo odd >/srv/apart/odd.conf; chmod 640 /srv/apart/odd.conf; chown 65534:65534 /srv/apart/odd.conf
echo secret >/srv/apart/odd.conf.secret
"""
_SHOW = (
    "cd /srv; find . -type f -printf '%p %m %U:%G %s %T@\\n' | LC_ALL=C sort;"
    "find tftp -type d -printf '%p %m\\n'; cat apart/odd.conf"
)


async def _furnished(rack: Pair) -> None:
    for node in (rack.primary, rack.secondary):
        node.prepare(files={"/etc/asha.conf": _CONF})
    await rack.boot()
    await introduce(giving=rack.primary, asking=rack.secondary)
    assert (await shell(rack.primary, _FURNISH)).code == 0


async def _shown(node: Node) -> str:
    """What is in /srv, without what lies beside the file and is nobody's business."""
    lines = (await shell(node, _SHOW)).out.splitlines()
    return "\n".join(
        line for line in lines if not line.startswith(("./apart/odd.conf.secret", "./apart/gone"))
    )


def _held(node: Node) -> list[str]:
    return [str(one) for one in read_state(places_of(node).state).held]


def test_a_file_is_a_file_there_too_whatever_happens_to_it() -> None:
    changes = (
        ("echo more >>/srv/apart/odd.conf", "1 0 0"),
        ("chmod 600 /srv/apart/odd.conf", "1 0 0"),
        ("cd /srv/apart; cp -p odd.conf new; echo anew >new; mv new odd.conf", "1 0 0"),
        ("true", "0 0 0"),
    )

    async def scenario() -> None:
        async with pair() as rack:
            await _furnished(rack)
            primary, secondary = rack.primary, rack.secondary
            assert await one_pass(secondary, primary) == "10 0 0"
            assert await _shown(secondary) == await _shown(primary)
            assert not secondary.path("/srv/apart/odd.conf.secret").exists()
            for change, found in changes:
                assert (await shell(primary, change)).code == 0
                assert await one_pass(secondary, primary) == found, change
                assert await _shown(secondary) == await _shown(primary), change
            before = await _shown(secondary)
            await shell(primary, "mv /srv/apart/odd.conf /srv/apart/gone; mv /srv/tftp /srv/away")
            assert "is missing there" in await one_pass(secondary, primary)
            await shell(primary, "mv /srv/away /srv/tftp")
            for strange in ("true", "ln -s gone /srv/apart/odd.conf", "mkfifo /srv/apart/odd.conf"):
                await shell(primary, f"rm -f /srv/apart/odd.conf; {strange}")
                assert await one_pass(secondary, primary) == "0 0 0", strange
                assert await _shown(secondary) == before, "what is here stays"
                (told,) = _held(secondary)
                assert "/srv/apart/odd.conf" in told and "take it out of OTHERn on both nodes" in told
            await shell(primary, "rm -f /srv/apart/odd.conf; mv /srv/apart/gone /srv/apart/odd.conf")
            assert await one_pass(secondary, primary) == "0 0 0"
            assert _held(secondary) == []

            await shell(primary, "cd /srv/apart; rm odd.conf; mkdir odd.conf; echo in >odd.conf/in.conf")
            assert await one_pass(secondary, primary) == "2 0 0"
            assert secondary.path("/srv/apart/odd.conf/in.conf").read_text() == "in\n"
            await hang_up(secondary)

    asyncio.run(scenario())


def test_a_change_of_the_file_is_fetched_when_it_happens() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            await _furnished(rack)
            async with following(rack.secondary) as passes:
                assert await passes(1) == ["10 0 0"]
                for number, change in enumerate(("echo x >>odd.conf", "echo y >new; mv new odd.conf"), 2):
                    await shell(rack.primary, f"cd /srv/apart; {change}")
                    assert (await passes(number))[-1] == "1 0 0", change
                    assert await _shown(rack.secondary) == await _shown(rack.primary)
            await hang_up(rack.secondary)

    asyncio.run(scenario())


def test_on_the_way_back_a_file_is_merged_as_any_other() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            await _furnished(rack)
            primary, secondary = rack.primary, rack.secondary
            assert await one_pass(secondary, primary) == "10 0 0"
            await hang_up(secondary)
            await introduce(giving=secondary, asking=primary)
            mark_served(secondary, 1000.0)
            secondary.write("/run/serving", "")
            await shell(secondary, "echo served >>/srv/apart/odd.conf")
            assert (await one_pass(primary, secondary)).split()[:3] == ["1", "0", "0"]
            assert primary.path("/srv/apart/odd.conf").read_text() == "odd\nserved\n"
            await shell(secondary, "echo there >/srv/apart/odd.conf")
            await shell(primary, "echo here >/srv/apart/odd.conf")
            assert (await one_pass(primary, secondary)).split()[4] == "1", "both have changed it: a conflict"
            assert primary.path("/srv/apart/odd.conf").read_text() == "here\n"
            kept = list(primary.path("/var/lib/asha/sync/quarantine").rglob("odd.conf"))
            assert [path.read_text() for path in kept] == ["there\n"]
            await hang_up(primary)

    asyncio.run(scenario())
