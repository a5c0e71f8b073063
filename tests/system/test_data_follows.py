"""The standby's data follow by themselves: keys set up by command, real sshd and rsync, agents under Heartbeat."""

from __future__ import annotations

from data_on_nodes import SHOW, SLOW, is_marked
from keys_on_rack import asha, open_ssh
from pair_on_rack import PAIR_SITE, Pair, Status, ready_standby

from hwsim.demo.scenario import OTHER
from hwsim.nodes import Network
from hwsim.nodes.sshd import shell
from hwsim.site import AMI_SECRET, AMI_USER, SYNCHRONISED

SITE = PAIR_SITE.with_conf({**SYNCHRONISED, "SYNCPERIOD": "600", "SYNCSTALE": "1200"})
_FURNISH = """
mkdir -p /opt/sark/db /etc/asterisk /var/lib/asterisk/sounds /var/spool/asterisk/voicemail/default/100/INBOX
sqlite3 /opt/sark/db/sark.db 'create table if not exists t (n)'
echo hello >/var/lib/asterisk/sounds/hello; echo secret >/etc/asterisk/a.conf
ln -sfn /etc/ssh /var/spool/asterisk/voicemail/out
"""
# A name with a newline in it, in a list that the node writes itself: read by lines, it would be two.
_BY_LINES = r"""
mkfifo /tmp/asked; ssh {way} root@{there} asha-source serve </tmp/asked >/tmp/answer & exec 3>/tmp/asked
printf '%s\n' '{{"verb": "list", "paths": ["{mail}/a\n/etc/shadow"]}}' >&3
for n in {{1..500}}; do [ -s /tmp/answer ] && break; sleep 0.02; done
list=$(sed -n 's/.*"list": "\([^"]*\)".*/\1/p' /tmp/answer); [ -n "$list" ] || {{ echo no list >&2; exit 0; }}
rsync -rR --files-from=:$list --no-from0 --rsh='ssh {way}' root@{there}:/ /tmp/got/
"""
_AMI_LOGIN = f"""
exec 3<>/dev/tcp/127.0.0.1/5038
printf 'Action: Login\\r\\nUsername: {AMI_USER}\\r\\nSecret: {AMI_SECRET}\\r\\n\\r\\n' >&3
timeout 5 grep -m1 '^Response: Success' <&3
"""
_CALLERS = """
cd /var/spool/asterisk/voicemail/default/100/INBOX; n=1
while kill -0 $(cat /var/run/asterisk/asterisk.pid); do
    m=$(printf msg%04d $n); echo sound caller-$n >$m.wav
    printf '[message]\\ncallerid=caller-%d\\n' $n >.$m; mv .$m $m.txt
    n=$((n + 1)); sleep 0.1
done
"""
# It appears as a whole, so that one pass is to bring all of it.
_CHANGE_MUCH = """
mkdir /var/lib/much; for n in {1..20}; do echo new >/var/lib/much/small-$n; done
head -c 60000000 /dev/urandom >/var/lib/much/big; mv /var/lib/much /var/lib/asterisk/sounds/much
"""
_STAGES = ("/var/lib/asha/sync/stage", "/var/lib/asterisk/sounds/.asha-stage")
_SOUNDS = "/var/lib/asterisk/sounds"
_MAIL = "/var/spool/asterisk/voicemail/default/100/INBOX"


async def test_the_keys_open_what_is_needed_and_nothing_else(pair: Pair) -> None:
    await pair.home()
    await shell(pair.primary.node, _FURNISH)
    await open_ssh(pair)
    for _ in range(2):
        again = await asha(pair, "secondary", "ssh-setup")
        assert again.code == 0 and "allows this key nothing else" in again.output, again
    node, there = pair.secondary.node, Network.address("primary", "eth0")
    way = (
        "-i/var/lib/asha/ssh/id -oBatchMode=yes -oHostKeyAlias=asha-peer -oControlPath=none "
        "-oUserKnownHostsFile=/var/lib/asha/ssh/known_hosts"
    )
    mail = "/var/spool/asterisk/voicemail"
    control = await shell(node, f"rsync -r --rsh='ssh {way}' root@{there}:{mail}/default/ /tmp/control/")
    assert control.code == 0, control  # this way leads there: what fails below fails at the gate
    for attempt in (
        f"ssh {way} root@{there} id",
        f"ssh {way} root@{there}",
        f"ssh -tt {way} root@{there} bash",
        f"ssh -n {way} root@{there} 'asha-source serve; touch /etc/pwned'",
        f"scp -O {way} root@{there}:/etc/shadow /tmp/got",
        f"sftp {way} root@{there}:/etc/shadow /tmp/got",
        f"rsync -r --rsh='ssh {way}' root@{there}:/etc/ssh/ /tmp/got/",
        f"rsync -rL --rsh='ssh {way}' root@{there}:{mail}/ /tmp/got/",
        f"rsync -r --rsh='ssh {way}' root@{there}:{mail}/out/ /tmp/got/",
        f"rsync -r --rsh='ssh {way}' /etc/ssh/ root@{there}:{mail}/",
        f"rsync -r --remove-source-files --rsh='ssh {way}' root@{there}:{mail}/ /tmp/got/",
        f"ssh -N -oExitOnForwardFailure=yes -R 2222:127.0.0.1:22 {way} root@{there}",
    ):
        tried = await shell(node, f"timeout 20 {attempt} </dev/null")
        assert tried.code != 0, (attempt, tried)
        assert (await shell(node, "test -e /tmp/got")).code != 0, attempt
    assert (await shell(pair.primary.node, "test -e /etc/pwned")).code != 0
    by_lines = await shell(node, _BY_LINES.format(way=way, there=there, mail=mail))
    assert by_lines.code != 0 and "--from0 only" in by_lines.err, by_lines
    assert (await shell(node, "test -e /tmp/got/etc/shadow")).code != 0


async def test_changes_follow_and_stop_with_service(pair: Pair) -> None:
    await pair.home()
    await shell(pair.primary.node, _FURNISH)
    await open_ssh(pair)
    await pair.until_status("secondary", _in_step, "in step")
    pair.primary.node.write(f"{_MAIL}/msg0000.txt", "[message]\n")
    await pair.until(lambda: _has(pair, "secondary", "msg0000.txt"), "the message has followed", 20)
    shown = await asha(pair, "secondary", "sync", "history")
    assert shown.code == 0 and "changed" in shown.output, shown
    manual = await asha(pair, "secondary", "sync", "--now", "--dry-run")
    assert (manual.code, manual.output) == (0, "Nothing differs.\n"), manual
    told = await pair.until_status(
        "primary", lambda status: status["peer"]["data_age"] is not None, "it is told"
    )
    assert told["peer"]["data_age"] < 60
    refused = await asha(pair, "primary", "sync")
    assert refused.code == 6 and "Not now" in refused.error, refused
    refused = await asha(pair, "secondary", "sync", "--discard")
    assert refused.code == 6 and "nothing to give up" in refused.error, refused

    await pair.away()
    served = await pair.until_status(
        "secondary", lambda status: status["data"]["served"], "it has data of its own"
    )
    assert served["data"]["duty"] == "none"
    for side in OTHER:
        node = pair.server(side).node
        if pair.rack.asterisk_runs(side):  # with the configuration that has followed
            assert (await shell(node, _AMI_LOGIN)).code == 0
    home = await asha(pair, "primary", "failback", "--dry-run")
    assert home.code == 0, home

    # Somebody leaves messages until the very moment Asterisk ends there.
    voicemail = await pair.secondary.node.spawn(["bash", "-c", _CALLERS], pair.secondary.node.boot_log)
    await pair.until(lambda: _has(pair, "primary", "msg0009.txt"), "messages come to the primary", 30)
    began = pair.rack.now()
    gone_home = await asha(pair, "primary", "failback")
    assert gone_home.code == 0 and gone_home.output.endswith("Done: all the secondary's data are here.\n"), (
        gone_home
    )
    await pair.served(began, "primary")
    await voicemail.wait()
    left = _messages(pair, "secondary")
    assert len(left) >= 10
    assert _messages(pair, "primary") == left, "every message, once"
    again = await asha(pair, "primary", "failback")
    assert (again.code, again.output[:13]) == (0, "Nothing to do"), again
    await pair.until_status("secondary", lambda status: status["data"]["duty"] == "pull", "it follows again")


async def test_a_failover_waits_for_no_pass_under_way(pair: Pair) -> None:
    """It is ended wherever it is, and what it has fetched so far is as if it had never been."""
    await pair.home()
    await shell(pair.primary.node, _FURNISH)
    await open_ssh(pair)
    primary, secondary = pair.primary.node, pair.secondary.node
    before = await _shown_on_both(pair)
    await shell(primary, f"{SLOW.format(rate='8mbit')}; {_CHANGE_MUCH}")
    await pair.until(lambda: _is_fetched(pair), "the big file is being fetched")

    pid = pair.primary.asterisk_pid()
    assert pid is not None
    killed = primary.kill(pid)
    await pair.until(lambda: pair.rack.asterisk_runs("secondary"), "the secondary takes over")
    assert secondary.pids(r"sync_worker|^rsync |^/usr/bin/rsync ") == [], "nothing of the pass is left"
    assert not secondary.path(f"{_SOUNDS}/much/big").exists(), "it served before the change had come"
    assert (await shell(secondary, SHOW)).out == before, "one whole state: that before the change"
    await pair.served(killed, "secondary")

    await shell(primary, "tc qdisc del dev eth0 root")
    secondary.write(f"{_MAIL}/../unavail.wav", "recorded meanwhile")
    await pair.until_status("primary", ready_standby, "it is ready")
    gone_home = await asha(pair, "primary", "failback")
    assert gone_home.code == 0, gone_home
    assert _has(pair, "primary", "../unavail.wav")
    await pair.until(
        lambda: secondary.path(f"{_SOUNDS}/much/big").exists(), "what had not come follows at last"
    )
    await _shown_on_both(pair)


async def test_what_cannot_be_brought_home_stays_until_it_is_given_up(pair: Pair) -> None:
    await pair.away()
    await pair.until_status("secondary", lambda status: status["data"]["served"], "it has data of its own")
    # The primary may not ask any more.
    await shell(pair.secondary.node, "mv /root/.ssh/authorized_keys /root/.ssh/off")
    await shell(pair.primary.node, "ssh -O exit -o ControlPath=/run/asha/ssh-peer peer")
    pair.secondary.node.write(f"{_MAIL}/unfetched.txt", "[message]\n")
    failed = await asha(pair, "primary", "failback")
    assert failed.code == 6 and "ssh-setup" in failed.error, failed
    began = pair.rack.now()
    await pair.stage.ask(pair.primary, "takeover", "--leave-data")
    await pair.served(began, "primary")
    back = await pair.until_status(
        "secondary", lambda status: status["role"] == "standby", "it stands by again"
    )
    assert back["data"]["duty"] == "none" and "newer data" in back["data"]["why"]
    refused = await asha(pair, "secondary", "sync")
    assert refused.code == 6 and "newer data" in refused.error, refused
    assert _has(pair, "secondary", "unfetched.txt"), "nothing was fetched over it"
    for words in (("--dry-run",), ()):  # neither a look nor a missing yes gives it up
        kept = await asha(pair, "secondary", "sync", "--discard", *words)
        assert kept.code != 0, kept
        assert is_marked(pair.secondary.node)
    given_up = await asha(pair, "secondary", "sync", "--discard", "--yes")
    assert given_up.code == 0, given_up
    assert not _has(pair, "secondary", "unfetched.txt")
    await shell(pair.secondary.node, "mv /root/.ssh/off /root/.ssh/authorized_keys")


async def _shown_on_both(pair: Pair) -> str:
    """Wait until both nodes have the same data; what they look like."""
    give_up = pair.rack.now() + 30
    while True:
        shown = [(await shell(pair.server(side).node, SHOW)).out for side in OTHER]
        if shown[0] == shown[1]:
            return shown[0]
        assert pair.rack.now() < give_up, shown
        await pair.rack.pause(0.1)


def _in_step(status: Status) -> bool:
    return bool(status["data"]["generation"] > 0 and not status["data"]["stale"])


def _is_fetched(pair: Pair) -> bool:
    """rsync writes the big file to the secondary's stage."""
    places = [pair.secondary.node.path(f"{stage}{_SOUNDS}/much") for stage in _STAGES]
    return any(next(place.glob(".big.*"), None) for place in places)


def _has(pair: Pair, side: str, name: str) -> bool:
    return pair.server(side).node.path(f"{_MAIL}/{name}").exists()


def _messages(pair: Pair, side: str) -> list[str]:
    """The callers whose messages are there, each with its sound."""
    place = pair.server(side).node.path(_MAIL)
    found = []
    for text in place.glob("msg*.txt"):
        caller = text.read_text().partition("callerid=")[2].strip()
        if caller:
            assert text.with_suffix(".wav").read_text() == f"sound {caller}\n"
            found.append(caller)
    return sorted(found)
