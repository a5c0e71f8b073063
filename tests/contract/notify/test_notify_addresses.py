"""Addresses of mail and web servers from a real name server that fails in every way such servers do."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alert_servers import NEVER_ENDS, Hooked, MailServer, listening

from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.notify.addresses import Names, NoAddress
from appliance.notify.mail import Smtp
from appliance.notify.notice import Notice
from appliance.notify.snmp import Trap
from appliance.notify.transport import Undelivered, send
from appliance.notify.webhook import Webhook
from tests.plugins.name_server import (
    FORMERR,
    GARBAGE,
    NOTIMP,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    SILENT,
    NameServer,
    Reply,
    Zone,
    failed,
    found,
    too_long,
)

ALERT = Alert("card", AlertKind.CARD_LOST, Severity.CRITICAL, "the card is gone", "The card is gone.")
NOTICE = Notice("00000000000000ab", ALERT, "primary", "pbx1", 1_700_000_000.0)
MAIL = "mail.example.lan"
HERE = found("127.0.0.1")
PATIENCE = 0.2
# What a name server does with a question that it does not like.
FAILURES = {
    "says SERVFAIL": failed(SERVFAIL),
    "says NOTIMP": failed(NOTIMP),
    "says REFUSED": failed(REFUSED),
    "says FORMERR": failed(FORMERR),
    "says NXDOMAIN": failed(NXDOMAIN),
    "has nothing": found(),
    "is silent": SILENT,
    "answers with garbage": GARBAGE,
}
failures = pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())


class Lan:
    """Machines that know names by `server`, and what is in their /etc."""

    def __init__(self, etc: Path, server: NameServer, port: int) -> None:
        self.etc = etc
        self.server = server
        self.names = Names(etc / "resolv.conf", etc / "hosts", port, PATIENCE)
        self.resolver("nameserver 127.0.0.1")

    def resolver(self, *lines: str) -> None:
        (self.etc / "resolv.conf").write_text("".join(f"{line}\n" for line in lines))

    def hosts(self, text: str) -> None:
        (self.etc / "hosts").write_text(text)

    def addresses(self, host: str) -> list[str]:
        return list(self.names.addresses(host))

    def questions(self) -> list[str]:
        """The names that were asked for, each once."""
        return list(dict.fromkeys(name for name, _ in self.server.asked))


@contextlib.contextmanager
def lan(etc: Path, zone: Zone, *, tcp: bool = True) -> Iterator[Lan]:
    server = NameServer(zone, tcp=tcp)
    with server.up() as port:
        yield Lan(etc, server, port)


# -- one of the two kinds of address fails ------------------------------------------------------------------


@failures
def test_an_alert_goes_out_past_a_server_that_fails_for_ipv6(tmp_path: Path, failure: Reply) -> None:
    mail, hook = MailServer(), Hooked()
    zone = {(MAIL, "A"): HERE, (MAIL, "AAAA"): failure}
    with lan(tmp_path, zone) as net, listening(mail.serve) as place, hook.up() as url:
        port = place.partition(":")[2]
        send(Smtp(f"{MAIL}:{port}", "asha@pbx1", ("root",), names=net.names), NOTICE)
        send(Webhook(url.replace("127.0.0.1", MAIL), names=net.names), NOTICE)
    assert len(mail.mails) == 1 and len(hook.bodies) == 1
    assert (MAIL, "AAAA") not in net.server.asked, "nobody needed it"


@failures
def test_ipv6_that_fails_takes_no_ipv4_address_away(tmp_path: Path, failure: Reply) -> None:
    zone = {(MAIL, "A"): found("192.0.2.1", "192.0.2.2"), (MAIL, "AAAA"): failure}
    with lan(tmp_path, zone) as net:
        assert net.addresses(MAIL) == ["192.0.2.1", "192.0.2.2"]
        assert (MAIL, "AAAA") in net.server.asked


@failures
def test_ipv4_that_fails_takes_no_ipv6_address_away(tmp_path: Path, failure: Reply) -> None:
    if failure == FAILURES["says NXDOMAIN"]:
        failure = found()  # a name that does not exist has no address of any kind
    zone = {(MAIL, "A"): failure, (MAIL, "AAAA"): found("2001:db8::1")}
    with lan(tmp_path, zone) as net:
        assert net.addresses(MAIL) == ["2001:db8::1"]


@failures
def test_both_failing_is_said_by_name_and_in_time(tmp_path: Path, failure: Reply) -> None:
    began = time.monotonic()
    zone = {(MAIL, "A"): failure, (MAIL, "AAAA"): failure}
    with lan(tmp_path, zone) as net, pytest.raises(Undelivered) as problem:
        send(Smtp(MAIL, "asha@pbx1", ("root",), names=net.names), NOTICE)
    assert f"{MAIL} has no address ({MAIL}: " in str(problem.value)
    assert time.monotonic() - began < NEVER_ENDS


def test_the_two_kinds_of_address_are_told_apart_when_they_fail_differently(tmp_path: Path) -> None:
    zone = {(MAIL, "A"): found(), (MAIL, "AAAA"): failed(SERVFAIL)}
    with (
        lan(tmp_path, zone) as net,
        pytest.raises(NoAddress, match=r"IPv4: it has no address, IPv6: .*SERVFAIL"),
    ):
        net.addresses(MAIL)


def test_ipv6_is_tried_when_no_ipv4_address_takes_the_connection(tmp_path: Path) -> None:
    zone = {(MAIL, "A"): found("127.0.0.2"), (MAIL, "AAAA"): found("::ffff:127.0.0.1")}
    mail = MailServer()
    with lan(tmp_path, zone) as net, listening(mail.serve) as place:
        send(Smtp(f"{MAIL}:{place.partition(':')[2]}", "asha@pbx1", ("root",), names=net.names), NOTICE)
    assert len(mail.mails) == 1


def test_what_is_said_of_a_server_that_takes_no_connection_is_that(tmp_path: Path) -> None:
    zone = {(MAIL, "A"): HERE, (MAIL, "AAAA"): SILENT}
    with lan(tmp_path, zone) as net, pytest.raises(Undelivered, match="refused"):
        send(Smtp(f"{MAIL}:1", "asha@pbx1", ("root",), names=net.names), NOTICE)


def test_an_address_that_swallows_connections_leaves_time_for_the_next(tmp_path: Path) -> None:
    zone = {(MAIL, "A"): found("127.0.0.2", "127.0.0.1")}
    mail = MailServer()
    with lan(tmp_path, zone) as net, listening(mail.serve) as place:
        port = int(place.partition(":")[2])
        with full(port):
            send(Smtp(f"{MAIL}:{port}", "asha@pbx1", ("root",), names=net.names, deadline=6.0), NOTICE)
    assert len(mail.mails) == 1


@contextlib.contextmanager
def full(port: int) -> Iterator[None]:
    """A server on 127.0.0.2 that takes no more connections: the kernel drops every further one."""
    with socket.socket() as server, contextlib.ExitStack() as clients:
        server.bind(("127.0.0.2", port))
        server.listen(0)
        for _ in range(3):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.2", port))
        yield


def test_name_servers_that_are_silent_cost_the_deadline_and_no_more(tmp_path: Path) -> None:
    began = time.monotonic()
    with lan(tmp_path, {(MAIL, "A"): SILENT, (MAIL, "AAAA"): SILENT}) as net:
        names = replace(net.names, patience=60.0)
        with pytest.raises(Undelivered, match="no end within"):
            send(Smtp(MAIL, "asha@pbx1", ("root",), names=names, deadline=0.3), NOTICE)
    assert time.monotonic() - began < NEVER_ENDS


# -- the search list ----------------------------------------------------------------------------------------


@failures
def test_a_domain_of_the_search_list_that_fails_for_ipv6_ends_nothing(tmp_path: Path, failure: Reply) -> None:
    zone = {
        ("mail.a.lan", "A"): found(),
        ("mail.a.lan", "AAAA"): failure,
        ("mail.b.lan", "A"): HERE,
        ("mail.b.lan", "AAAA"): failure,
    }
    with lan(tmp_path, zone) as net:
        net.resolver("nameserver 127.0.0.1", "search a.lan b.lan")
        assert net.addresses("mail") == ["127.0.0.1"]
        assert net.questions() == ["mail.a.lan", "mail.b.lan"]


def test_a_name_with_a_dot_is_looked_for_in_the_list_too(tmp_path: Path) -> None:
    with lan(tmp_path, {("mail.sub.a.lan", "A"): HERE}) as net:
        net.resolver("nameserver 127.0.0.1", "search a.lan")
        assert net.addresses("mail.sub") == ["127.0.0.1"]
        assert net.questions() == ["mail.sub", "mail.sub.a.lan"]


def test_a_name_with_a_dot_at_its_end_is_not(tmp_path: Path) -> None:
    with lan(tmp_path, {("mail.sub.a.lan", "A"): HERE}) as net:
        net.resolver("nameserver 127.0.0.1", "search a.lan")
        with pytest.raises(NoAddress):
            net.addresses("mail.sub.")
        assert net.questions() == ["mail.sub"]


def test_after_silence_no_other_domain_is_mistaken_for_the_one_that_was_meant(tmp_path: Path) -> None:
    zone = {("mail.a.lan", "A"): SILENT, ("mail.a.lan", "AAAA"): SILENT, ("mail.b.lan", "A"): HERE}
    with lan(tmp_path, zone) as net:
        net.resolver("nameserver 127.0.0.1", "search a.lan b.lan")
        with pytest.raises(
            NoAddress, match=r"mail.a.lan: no name server answers; mail: there is no such name"
        ):
            net.addresses("mail")


@pytest.mark.parametrize("host", ["a..b", "x" * 64, ".", "a." * 130])
def test_what_can_be_no_name_in_the_dns_is_said(tmp_path: Path, host: str) -> None:
    with lan(tmp_path, {}) as net, pytest.raises(NoAddress, match="no such name"):
        net.addresses(host)


# -- name servers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [SILENT, GARBAGE, failed(SERVFAIL), failed(REFUSED), failed(NOTIMP)])
def test_another_name_server_is_asked_when_the_first_is_of_no_use(tmp_path: Path, failure: Reply) -> None:
    bad = NameServer({(MAIL, "A"): failure, (MAIL, "AAAA"): failure})
    with lan(tmp_path, {(MAIL, "A"): HERE}) as net, bad.up("127.0.0.2", net.names.port):
        net.resolver("nameserver 127.0.0.2", "nameserver 127.0.0.1")
        assert net.addresses(MAIL) == ["127.0.0.1"]
    assert (MAIL, "A") in bad.asked


def test_one_that_stayed_silent_is_waited_for_once(tmp_path: Path) -> None:
    zone: Zone = {(f"mail.{domain}.lan", "A"): found() for domain in "abc"} | {("mail", "A"): HERE}
    mute = NameServer(dict.fromkeys([*zone, *((name, "AAAA") for name, _ in zone)], SILENT))
    with lan(tmp_path, zone) as net, mute.up("127.0.0.2", net.names.port):
        net.resolver("nameserver 127.0.0.2", "nameserver 127.0.0.1", "search a.lan b.lan c.lan")
        assert net.addresses("mail") == ["127.0.0.1"]
    assert len(mute.asked) == 1


def test_the_first_that_answers_counts_even_if_it_knows_no_such_name(tmp_path: Path) -> None:
    other = NameServer({(MAIL, "A"): found("192.0.2.9")})
    with lan(tmp_path, {}) as net, other.up("127.0.0.2", net.names.port):
        net.resolver("nameserver 127.0.0.1", "nameserver 127.0.0.2")
        with pytest.raises(NoAddress):
            net.addresses(MAIL)
    assert other.asked == []


def test_an_answer_that_is_too_long_for_a_datagram_comes_by_tcp(tmp_path: Path) -> None:
    many = [f"192.0.2.{number}" for number in range(1, 60)]
    with lan(tmp_path, {(MAIL, "A"): too_long(*many)}) as net:
        assert sorted(net.addresses(MAIL)) == sorted(many)


def test_ipv6_that_is_cut_off_and_has_no_tcp_takes_nothing_away(tmp_path: Path) -> None:
    zone = {(MAIL, "A"): HERE, (MAIL, "AAAA"): too_long("2001:db8::1")}
    with lan(tmp_path, zone, tcp=False) as net:
        assert net.addresses(MAIL) == ["127.0.0.1"]


def test_an_alias_is_followed(tmp_path: Path) -> None:
    with lan(tmp_path, {(MAIL, "A"): Reply(("127.0.0.1",), alias="real.example.lan")}) as net:
        assert net.addresses(MAIL) == ["127.0.0.1"]


def test_without_resolv_conf_this_machine_is_asked(tmp_path: Path) -> None:
    with lan(tmp_path, {(MAIL, "A"): HERE}) as net:
        (tmp_path / "resolv.conf").unlink()
        assert net.addresses(MAIL) == ["127.0.0.1"]


# -- no name server is needed -------------------------------------------------------------------------------


def test_the_hosts_file_comes_first(tmp_path: Path) -> None:
    with lan(tmp_path, {(MAIL, "A"): found("192.0.2.9")}) as net:
        net.hosts(
            f"2001:db8::1 {MAIL}\n127.0.0.1 localhost Mail.Example.LAN # ours\n# 192.0.2.8 {MAIL}\nx {MAIL}\n"
        )
        assert net.addresses(MAIL) == ["127.0.0.1", "2001:db8::1"]
        assert net.addresses(MAIL.upper()) == ["127.0.0.1", "2001:db8::1"]
        assert net.server.asked == []


@pytest.mark.parametrize(("host", "address"), [("192.0.2.1", "192.0.2.1"), ("127.1", "127.0.0.1")])
def test_an_address_is_no_name(tmp_path: Path, host: str, address: str) -> None:
    with lan(tmp_path, {}) as net:
        assert net.addresses(host) == [address]
        assert net.server.asked == []


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\0\0", b"nameserver\n", b"search \xff\xff\nnameserver 127.0.0.1\n"]
)
def test_spoilt_files_do_not_end_the_delivery(tmp_path: Path, content: bytes) -> None:
    with lan(tmp_path, {(MAIL, "A"): HERE}) as net:
        for name in ("resolv.conf", "hosts"):
            (tmp_path / name).write_bytes(content)
        assert net.addresses(MAIL) == ["127.0.0.1"]
        with pytest.raises(NoAddress):
            net.addresses("mail")


def test_a_trap_finds_its_manager_by_name(tmp_path: Path) -> None:
    zone = {("nms", "A"): HERE, ("nms", "AAAA"): failed(SERVFAIL)}
    with lan(tmp_path, zone) as net, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
        manager.bind(("127.0.0.1", 0))
        manager.settimeout(60)
        send(Trap(f"nms:{manager.getsockname()[1]}", lambda: 12.5, names=net.names), NOTICE)
        assert b"the card is gone" in manager.recv(2048)
