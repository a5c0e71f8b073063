"""A node that has lost all that says it has served fetches as if for the first time: what only it has is set aside."""

from __future__ import annotations

import asyncio

import pytest
from data_on_nodes import one_pass
from mail_on_nodes import MAIL, apart, callers, deliver, heard

from hwsim.nodes.sshd import shell
from tests.plugins.security_figures import Count

_QUARANTINE = "/var/lib/asha/sync/quarantine"
_LOSSES = {
    "everything": "rm -rf /var/lib/asha/sync /etc/asha/served",
    "the marks only": "rm -f /var/lib/asha/sync/served /etc/asha/served",
    "the marks and the record": "rm -f /var/lib/asha/sync/served /var/lib/asha/sync/store.db* /etc/asha/served",
}


@pytest.mark.parametrize("loss", _LOSSES)
def test_what_only_it_has_is_set_aside(loss: str, count: Count) -> None:
    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            deliver(secondary, range(5), by="later", first=10)
            await shell(
                secondary,
                "echo edited >/etc/asterisk/a.conf; rm /etc/asterisk/b.conf; mkdir /etc/asterisk/own;"
                "echo own >/etc/asterisk/own/o.conf; ln -s a.conf /etc/asterisk/link;"
                "sqlite3 /opt/sark/db/sark.db 'insert into t values (7)'",
            )
            assert (await shell(secondary, f"{_LOSSES[loss]}; rm -f /run/serving")).code == 0
            assert ":" not in (said := await one_pass(secondary, primary)), said
            assert heard(secondary, "INBOX") == callers("before", range(10)), "it is as the other node"
            assert (await shell(secondary, "cat /etc/asterisk/a.conf")).out == "a\n"
            kept = (
                await shell(secondary, f"cd {_QUARANTINE}/*Z-*; find . ! -type d | LC_ALL=C sort")
            ).out.split()
            messages = [
                f".{MAIL}/INBOX/msg{number}.{end}" for number in range(10, 15) for end in ("txt", "wav")
            ]
            wanted = [f"./etc/asterisk/{name}" for name in ("a.conf", "link", "own/o.conf")]
            wanted += ["./opt/sark/db/sark.db", *(name.replace("msg", "msg00") for name in messages)]
            lost = sorted(set(wanted) - set(kept))
            count("lost", len(lost))
            assert lost == [], kept
            said = (
                await shell(
                    secondary, f"cd {_QUARANTINE}/*Z-*; cat etc/asterisk/a.conf etc/asterisk/own/o.conf"
                )
            ).out
            assert said == "edited\nown\n"
            rows = f"sqlite3 {_QUARANTINE}/*Z-*/opt/sark/db/sark.db 'select n from t order by n'"
            assert (await shell(secondary, rows)).out == "1\n7\n"
            state = secondary.path("/var/lib/asha/sync/state.json").read_text()
            assert "is kept, until you remove it" in state
            assert await one_pass(secondary, primary) == "0 0 0"

    asyncio.run(scenario())


def test_after_a_merge_nothing_is_kept_twice(count: Count) -> None:
    """The other node has said that it has everything: what it renumbers makes no heap of old voicemail here."""

    async def scenario() -> None:
        async with apart() as rack:
            primary, secondary = rack.primary, rack.secondary
            deliver(primary, range(2), by="unsent", first=10)
            deliver(secondary, range(5), by="later", first=10)
            secondary.path("/run/serving").unlink()
            assert (await one_pass(primary, secondary)).endswith("settled")
            assert ":" not in await one_pass(secondary, primary)
            assert heard(secondary, "INBOX") == heard(primary, "INBOX")
            assert len(heard(secondary, "INBOX")) == 17
            found = (await shell(secondary, f"find {_QUARANTINE} -type f 2>/dev/null | wc -l")).out
            assert found.strip() == "0"
            # From the whole pass on, what is written here by hand is kept again.
            await shell(secondary, "echo by hand >/etc/asterisk/a.conf")
            assert await one_pass(secondary, primary) == "1 0 0"
            kept = await shell(secondary, f"cat {_QUARANTINE}/*Z-*/etc/asterisk/a.conf")
            assert kept.out == "by hand\n"
            count("lost", 0 if kept.code == 0 else 1)

    asyncio.run(scenario())
