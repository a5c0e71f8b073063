"""DAHDI configuration that does not fit is shown where an operator looks; `asha dahdi fit` compares both nodes."""

from __future__ import annotations

from keys_on_rack import asha, open_ssh
from pair_on_rack import PAIR_SITE, Pair

from hwsim.demo.scenario import OTHER
from hwsim.nodes import Network
from hwsim.nodes.sshd import shell

SITE = PAIR_SITE.with_conf(
    {
        "HASYNCH": "LAZY",
        "HAPRIADDR": Network.address("primary", "eth0"),
        "HASECADDR": Network.address("secondary", "eth0"),
        "SYNCPERIOD": "600",
        "SYNCSTALE": "1200",
        "TELEPHONY": "/etc/dahdi",
    }
)
_FURNISH = """
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail/default
sqlite3 /opt/sark/db/sark.db 'create table if not exists t (n)'
"""
CONF = "/etc/dahdi/system.conf"
T1 = "span=1,1,0,esf,b8zs\nbchan=1-23\ndchan=24\n"
E1 = "span=1,1,0,ccs,hdb3,crc4\nbchan=1-15,17-31\ndchan=16\n"
UNFIT = "span 1: the configuration says E1 (ccs), this node's span 1 R1T1/0 is T1"


async def test_what_does_not_fit_is_a_problem_of_the_standby_until_it_is_mended(pair: Pair) -> None:
    await pair.home()
    for side in OTHER:
        pair.server(side).node.write("/dev/dahdi/ctl", "")  # DAHDI is loaded
    await shell(pair.primary.node, _FURNISH)
    pair.primary.node.write(CONF, T1)
    await open_ssh(pair)
    await pair.until(lambda: _has(pair, T1), "the configuration has followed", 30)
    for side in OTHER:
        both = await asha(pair, side, "dahdi", "fit")
        assert both.code == 0, both
        assert both.output.count("R1T1/0") == 2 and "NO" not in both.output, both

    pair.primary.node.write(CONF, E1)
    pair.primary.node.write("/etc/asterisk/after.conf", "x")
    shown = await pair.until_status(
        "secondary", lambda status: any(UNFIT in text for text in status["problems"]), "it is a problem"
    )
    assert not shown["data"]["stale"] and shown["fit"], shown["data"]
    follows = pair.secondary.node.path("/etc/asterisk/after.conf")
    await pair.until(follows.exists, "everything else follows", 20)
    assert _has(pair, T1)
    for words in (("sync", "status"), ("status",)):
        said = await asha(pair, "secondary", *words)
        assert UNFIT in said.output and "'asha dahdi fit'" in said.output, said

    unfit = await asha(pair, "primary", "dahdi", "fit")
    assert unfit.code == 4 and "/etc/dahdi does not fit this node and hastandby." in unfit.error, unfit
    assert UNFIT in unfit.output and UNFIT.replace("this node", "hastandby") in unfit.output, unfit
    kept = await asha(pair, "secondary", "dahdi", "fit", "--json")
    assert kept.code == 0, kept

    pair.primary.node.write(CONF, "# mended\n" + T1)
    await pair.until(lambda: _has(pair, "# mended\n" + T1), "it follows again", 20)
    await pair.until_status(
        "secondary", lambda status: not any(UNFIT in text for text in status["problems"]), "it is gone"
    )


async def test_a_peer_that_refuses_leaves_this_node_alone_on_the_screen(pair: Pair) -> None:
    await pair.home()
    await open_ssh(pair)
    await shell(pair.primary.node, "mv /root/.ssh/authorized_keys /root/.ssh/off")
    await shell(pair.secondary.node, "ssh -O exit -o ControlPath=/run/asha/ssh-peer peer")
    alone = await asha(pair, "secondary", "dahdi", "fit")
    await shell(pair.primary.node, "mv /root/.ssh/off /root/.ssh/authorized_keys")
    assert alone.code == 6 and "Run 'asha ssh-setup'" in alone.error, alone
    assert "/etc/dahdi fits this node." in alone.output, alone
    assert alone.output.count("R1T1/0") == 1, alone


def _has(pair: Pair, text: str) -> bool:
    place = pair.secondary.node.path(CONF)
    return place.exists() and place.read_text() == text
