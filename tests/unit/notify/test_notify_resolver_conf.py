"""What /etc/resolv.conf says and the order in which a name is asked for: resolv.conf(5), as glibc has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.notify.resolver_conf import ResolverConf, parse_resolver_conf

OWN = "pbx1"


def parsed(text: str, own_name: str = OWN) -> ResolverConf:
    return parse_resolver_conf(text, own_name)


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("", ("127.0.0.1",)),
        ("nameserver 192.0.2.1\n", ("192.0.2.1",)),
        ("nameserver\t192.0.2.1  # the router\nnameserver 2001:db8::1\n", ("192.0.2.1", "2001:db8::1")),
        ("nameserver fe80::1%eth0\n", ("fe80::1%eth0",)),
        ("nameserver router.lan\nnameserver\nnameserver 192.0.2.1\n", ("192.0.2.1",)),
        ("#nameserver 192.0.2.9\n;nameserver 192.0.2.8\n", ("127.0.0.1",)),
        ("".join(f"nameserver 192.0.2.{n}\n" for n in range(1, 6)), ("192.0.2.1", "192.0.2.2", "192.0.2.3")),
    ],
)
def test_the_first_three_servers_count(text: str, servers: tuple[str, ...]) -> None:
    assert parsed(text).servers == servers


@pytest.mark.parametrize(
    ("text", "own_name", "search"),
    [
        ("", "pbx1", ()),
        ("", "pbx1.example.lan", ("example.lan",)),
        ("domain a.lan\n", "pbx1.example.lan", ("a.lan",)),
        ("search a.lan b.lan.\n", "pbx1.example.lan", ("a.lan", "b.lan")),
        ("search a.lan\ndomain b.lan\n", OWN, ("b.lan",)),
        ("domain b.lan\nsearch a.lan c.lan\n", OWN, ("a.lan", "c.lan")),
        ("search a.lan\nsearch b.lan\n", OWN, ("b.lan",)),
        ("search .\n", OWN, (".",)),
        ("search\n", "pbx1.example.lan", ("example.lan",)),
    ],
)
def test_the_last_search_list_counts(text: str, own_name: str, search: tuple[str, ...]) -> None:
    assert parsed(text, own_name).search == search


@pytest.mark.parametrize(
    ("options", "ndots"),
    [("", 1), ("options ndots:2", 2), ("options rotate ndots:0 timeout:1", 0), ("options ndots:99", 15)]
    + [(f"options {word}", 1) for word in ("ndots", "ndots:", "ndots:x", "ndots:-1", "ndots:²")],
)
def test_dots(options: str, ndots: int) -> None:
    assert parsed(f"{options}\n").ndots == ndots


@pytest.mark.parametrize(
    ("name", "ndots", "asked"),
    [
        ("mail", 1, ["mail.a.lan", "mail.b.lan", "mail"]),
        ("mail.", 1, ["mail"]),
        ("mail.sub", 1, ["mail.sub", "mail.sub.a.lan", "mail.sub.b.lan"]),
        ("mail.sub", 2, ["mail.sub.a.lan", "mail.sub.b.lan", "mail.sub"]),
        ("mail.sub.", 2, ["mail.sub"]),
        ("mail", 0, ["mail", "mail.a.lan", "mail.b.lan"]),
    ],
)
def test_the_order_in_which_a_name_is_asked_for(name: str, ndots: int, asked: list[str]) -> None:
    conf = ResolverConf(search=("a.lan", "b.lan"), ndots=ndots)
    assert [candidate.name for candidate in conf.candidates(name)] == asked


def test_the_root_in_the_search_list_is_the_name_as_it_is() -> None:
    conf = ResolverConf(search=("a.lan", "."))
    assert [tuple(candidate) for candidate in conf.candidates("mail")] == [
        ("mail.a.lan", True),
        ("mail", True),
        ("mail", False),
    ]


@given(st.text(), st.text())
def test_whatever_is_in_the_file_there_is_a_server_to_ask(text: str, own_name: str) -> None:
    conf = parsed(text, own_name)
    assert 1 <= len(conf.servers) <= 3
    assert 0 <= conf.ndots <= 15
