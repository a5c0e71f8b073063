"""A pass over real rsync and real ssh, between two machines."""

from __future__ import annotations

import asyncio

from data_on_nodes import CONF, SHOW, following, hang_up, introduce, one_pass

from hwsim.nodes import Network
from hwsim.nodes.pair import pair
from hwsim.nodes.sshd import shell

_FURNISH = r"""
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds/empty /var/spool/asterisk/voicemail/default/100/INBOX
sqlite3 /opt/sark/db/sark.db 'create table t (n); insert into t values (1)'
cd /var/spool/asterisk/voicemail/default/100/INBOX
echo '[message]' >msg0000.txt
head -c 30000 /dev/urandom >msg0000.wav
echo x >$'new\nline'; echo y >$'\xff\xfe'; echo z >'a space'
truncate -s 1M sparse; echo end >>sparse
ln -s /etc/passwd out
echo a >/etc/asterisk/a.conf
chmod 640 /etc/asterisk/a.conf; chown 65534:65534 /etc/asterisk/a.conf
"""


def test_the_standby_becomes_what_the_source_is_and_a_sick_source_is_refused() -> None:
    async def scenario() -> None:
        async with pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            for node in (primary, secondary):
                node.prepare(files={"/etc/asha.conf": CONF})
            await rack.boot()
            await introduce(giving=primary, asking=secondary)
            assert (await shell(primary, _FURNISH)).code == 0

            assert await one_pass(secondary, primary) == "16 0 0"
            assert (await shell(secondary, SHOW)).out == (await shell(primary, SHOW)).out
            assert await one_pass(secondary, primary) == "0 0 0"

            await hang_up(secondary)
            for node in (primary, secondary):
                own = Network.address6(node.name)
                assert (await shell(node, f"ip -6 addr add {own}/64 dev eth0 nodad")).code == 0
            await shell(primary, "echo by IPv6 >>/etc/asterisk/a.conf")
            assert await one_pass(secondary, primary, by_ipv6=True) == "1 0 0"
            await hang_up(secondary)

            await shell(
                primary,
                "echo more >>/etc/asterisk/a.conf; rmdir /var/lib/asterisk/sounds/empty;"
                "cd /var/spool/asterisk/voicemail/default/100/INBOX; rm out; chmod 600 msg0000.txt;"
                "sqlite3 /opt/sark/db/sark.db 'insert into t values (2)'",
            )
            assert await one_pass(secondary, primary) == "3 2 0"
            assert (await shell(secondary, SHOW)).out == (await shell(primary, SHOW)).out
            before = (await shell(secondary, SHOW)).out

            await shell(primary, "rm /etc/asterisk/a.conf")
            assert "/etc/asterisk (ASTERISK) is empty there" in await one_pass(secondary, primary)
            primary.write("/run/health", "its Asterisk hangs")
            await hang_up(secondary)
            assert "its Asterisk hangs" in await one_pass(secondary, primary)
            secondary.write("/var/lib/asha/ssh/known_hosts", "")
            await hang_up(secondary)
            assert (await one_pass(secondary, primary)).startswith("host key not pinned")
            assert (await shell(secondary, SHOW)).out == before
            await hang_up(secondary)

    asyncio.run(scenario())


def test_a_change_is_fetched_when_it_happens_and_not_by_the_clock() -> None:
    changes = (
        ("echo new >/etc/asterisk/new.conf", "1 0 0"),
        ("mkdir -p /var/spool/asterisk/voicemail/default/200/INBOX", "2 0 0"),
        ("echo hi >/var/spool/asterisk/voicemail/default/200/INBOX/msg0000.txt", "1 0 0"),
        ("rm -r /var/spool/asterisk/voicemail/default/200", "0 3 0"),
        ("sqlite3 /opt/sark/db/sark.db 'insert into t values (3)'", "1 0 0"),
    )

    async def scenario() -> None:
        async with pair() as rack:
            primary, secondary = rack.primary, rack.secondary
            for node in (primary, secondary):
                node.prepare(files={"/etc/asha.conf": CONF})
            await rack.boot()
            await introduce(giving=primary, asking=secondary)
            assert (await shell(primary, _FURNISH)).code == 0
            async with following(secondary) as passes:
                assert await passes(1) == ["16 0 0"]
                for number, (change, found) in enumerate(changes, 2):
                    await shell(primary, change)
                    assert (await passes(number))[-1] == found, change
                    assert (await shell(secondary, SHOW)).out == (await shell(primary, SHOW)).out
            await hang_up(secondary)

    asyncio.run(scenario())
