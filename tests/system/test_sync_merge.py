"""The way back between two nodes: what each has got while they were apart is on both afterwards, once."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter

from data_on_nodes import one_pass
from mail_on_nodes import MAIL, apart, callers, deliver, heard, same

from hwsim.nodes.sshd import shell


def test_seven_hundred_messages_are_all_there_and_none_twice() -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            deliver(secondary, range(500), by="later", first=10)
            deliver(primary, range(200), by="unsent", first=10)
            said = (await one_pass(primary, secondary)).split()
            assert said[3:] == ["500", "0", "open"], said
            expected = Counter(callers("before", range(10)) + callers("unsent", range(200)))
            expected.update(callers("later", range(500)))
            assert Counter(heard(primary, "INBOX")) == expected
            assert (await one_pass(primary, secondary)).split()[3:] == ["0", "0", "open"]
            assert Counter(heard(primary, "INBOX")) == expected
            await same(primary, secondary)
            assert Counter(heard(secondary, "INBOX")) == expected

    asyncio.run(scenario())


def test_what_was_done_there_is_done_here() -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            deliver(primary, range(1), by="unsent", first=10)
            # Asterisk on the secondary: 0 to 4 heard and moved to Old, 5 deleted, the rest renumbered; one new.
            await shell(
                secondary,
                f"cd {MAIL}; for n in 0 1 2 3 4; do for e in txt wav; do mv INBOX/msg000$n.$e Old/; done; done;"
                "rm INBOX/msg0005.*; for n in 6 7 8 9; do for e in txt wav; do "
                "mv INBOX/msg000$n.$e INBOX/msg000$((n - 6)).$e; done; done; echo greet >unavail.wav",
            )
            deliver(secondary, range(1), by="later", first=4)
            await shell(
                secondary,
                "cd /etc/asterisk; echo changed there >a.conf; echo both >b.conf; rm d.conf;"
                "mkdir new; echo n >new/n.conf;"
                "chmod 600 c.conf; ln -s a.conf link; sqlite3 /opt/sark/db/sark.db 'insert into t values (2)';"
                "sqlite3 /var/lib/asterisk/astdb.sqlite3 \"insert into astdb values ('cf', '1')\"",
            )
            await shell(
                primary,
                "cd /etc/asterisk; echo differently >b.conf; echo only here >mine.conf;"
                "sqlite3 /var/lib/asterisk/astdb.sqlite3 \"insert into astdb values ('dnd', '1')\"",
            )
            dry = await one_pass(primary, secondary, "dry")
            assert dry.split()[3:] == ["1", "1", "open"], dry
            assert heard(primary, "Old") == [], "a dry run changes nothing"

            said = await one_pass(primary, secondary)
            assert said.split()[3:] == ["1", "1", "open"], said
            assert heard(primary, "Old") == callers("before", range(5))
            assert heard(primary, "INBOX") == [*callers("before", range(6, 10)), "unsent 0", "later 0"]
            etc = primary.path("/etc/asterisk")
            assert (etc / "a.conf").read_text() == "changed there\n"
            assert (etc / "b.conf").read_text() == "differently\n"
            assert (etc / "mine.conf").read_text() == "only here\n"
            assert (etc / "new/n.conf").read_text() == "n\n"
            assert (etc / "link").readlink().name == "a.conf"
            assert not (etc / "d.conf").exists()
            assert (etc / "c.conf").stat().st_mode & 0o777 == 0o600
            digest = hashlib.sha256(b"both\n").hexdigest()[:16]
            kept = primary.path(f"/var/lib/asha/sync/quarantine/{digest}/etc/asterisk/b.conf")
            assert kept.read_text() == "both\n"
            rows = await shell(primary, "sqlite3 /opt/sark/db/sark.db 'select n from t'")
            assert rows.out == "1\n2\n"
            rows = await shell(primary, "sqlite3 /var/lib/asterisk/astdb.sqlite3 'select key from astdb'")
            assert rows.out == "cf\n", "who served last is right about astdb"

            again = await one_pass(primary, secondary)
            assert again.split()[1:] == ["0", "0", "0", "0", "open"], again
            await shell(secondary, "echo still more >/etc/asterisk/a.conf")
            await one_pass(primary, secondary)
            assert (etc / "a.conf").read_text() == "still more\n", "no conflict: it was merged before"
            await same(primary, secondary)

    asyncio.run(scenario())


def test_a_database_changed_on_both_is_left_to_the_operator() -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            for node, number in ((primary, 3), (secondary, 4)):
                await shell(node, f"sqlite3 /opt/sark/db/sark.db 'insert into t values ({number})'")
            said = await one_pass(primary, secondary)
            assert said.split()[3:] == ["0", "1", "open"], said
            rows = await shell(primary, "sqlite3 /opt/sark/db/sark.db 'select n from t'")
            assert rows.out == "1\n3\n"
            rows = await shell(
                primary,
                "sqlite3 /var/lib/asha/sync/quarantine/*/opt/sark/db/sark.db 'select n from t'",
            )
            assert rows.out == "1\n4\n"
            assert (await one_pass(primary, secondary)).split()[4] == "0", "it is a conflict once"
            await same(primary, secondary)

    asyncio.run(scenario())


def test_a_primary_with_a_new_disk_gets_everything_back() -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            deliver(secondary, range(5), by="later", first=10)
            await shell(
                primary,
                "rm -r /etc/asterisk /opt/sark/db/* /var/spool/asterisk/voicemail/* /var/lib/asterisk/astdb*",
            )
            assert not (await one_pass(primary, secondary)).startswith("sick")
            assert heard(primary, "INBOX") == [*callers("before", range(10)), *callers("later", range(5))]
            assert (primary.path("/etc/asterisk") / "a.conf").read_text() == "a\n"
            await same(primary, secondary)

    asyncio.run(scenario())


def test_while_the_primary_serves_messages_are_only_added() -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            secondary.path("/run/serving").unlink()
            deliver(primary, range(2), by="here", first=10)
            deliver(secondary, range(2), by="later", first=10)
            await shell(
                secondary,
                f"cd {MAIL}; mv INBOX/msg0000.txt INBOX/msg0000.wav Old; rm INBOX/msg0009.*;"
                "sqlite3 /opt/sark/db/sark.db 'insert into t values (2)'",
            )
            said = await one_pass(primary, secondary, "live")
            assert said.split()[3:] == ["2", "1", "settled"], said
            assert heard(primary, "INBOX") == [
                *callers("before", range(10)),
                *callers("here", range(2)),
                *callers("later", range(2)),
            ]
            rows = await shell(primary, "sqlite3 /opt/sark/db/sark.db 'select n from t'")
            assert rows.out == "1\n", "a database in use is left to the operator"
            assert ":" not in await one_pass(secondary, primary)
            assert heard(secondary, "INBOX") == heard(primary, "INBOX")

    asyncio.run(scenario())
