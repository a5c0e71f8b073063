"""For any conf and any text."""

from __future__ import annotations

import re
import shlex
from ipaddress import IPv6Address, ip_interface
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.config import Conf, ConfError, Medium, Problem, parse
from appliance.config.edit import with_value
from appliance.config.parse import assignment_in, lines_of
from appliance.config.reference import conf_file
from appliance.config.schema import KEY_BY_NAME, KEYS
from appliance.config.value_types import TEXT

names = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,20}", fullmatch=True)
words = st.from_regex(r"[a-z0-9_][A-Za-z0-9._+-]{0,12}", fullmatch=True)
parts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="/*?"), min_size=1
)
paths = (
    st.lists(
        parts.filter(lambda part: part == part.strip() and part not in (".", "..")), min_size=1, max_size=4
    )
    .map(lambda found: Path("/", *found))
    .filter(lambda path: not re.search(r"[\s,]/|\s--?[A-Za-z]", str(path)))
)
addresses = st.tuples(st.integers(1, 126), st.integers(0, 255), st.integers(0, 255), st.integers(1, 254)).map(
    lambda octets: ".".join(map(str, octets))
)
ipv6s = st.integers(0, 2**32 - 1).flatmap(
    lambda network: st.integers(1, 2**64 - 1).map(
        lambda host: IPv6Address((0x2001 << 112) + (network << 64) + host)
    )
)
ttys = st.from_regex(r"/dev/[a-zA-Z0-9_/-]{0,10}[a-zA-Z0-9]", fullmatch=True).map(
    lambda path: re.sub("//+", "/", path)
)
devices = st.from_regex(r"[a-z0-9_][a-z0-9_.:-]{0,14}", fullmatch=True)
ports = st.integers(1, 65535)


def seconds(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(low * 1000), round(high * 1000)).map(lambda milliseconds: milliseconds / 1000)


PEER = "172.16.0.9"
media = st.lists(
    st.one_of(
        st.builds(Medium, st.just("bcast"), devices),
        st.builds(Medium, st.just("ucast"), devices, st.just(PEER)),
        st.builds(Medium, st.just("serial"), ttys, st.sampled_from(["9600"])),
    ),
    min_size=1,
    max_size=4,
    unique=True,
).map(tuple)

confs = st.builds(
    Conf,
    cluster_ip=st.just("") | addresses.filter(lambda address: address != PEER),
    cluster_ipv6=st.just("") | ipv6s.map(lambda ip: f"{ip}/64"),
    primary_name=names.map(lambda name: "a" + name),
    secondary_name=names.map(lambda name: "b" + name),
    synch=st.sampled_from(["LAZY", "LOOSE"]),
    ssh_port=ports,
    asterisk_dir=paths,
    db=paths,
    others=st.lists(paths, max_size=3).map(tuple),
    postsync=st.just("") | paths.map(lambda path: shlex.quote(str(path)) + " --all 'two words'"),
    restart=st.booleans(),
    telephony=st.just("") | paths.map(str),
    card_installed=st.booleans(),
    card_tty=paths,
    card_driver=st.sampled_from(["tool", "serial"]),
    card_profile=words | paths.map(str),
    card_relay=st.integers(0, 15),
    card_spans=st.lists(st.integers(1, 1023), unique=True, max_size=5).map(tuple),
    card_deadline=seconds(0.001, 3),
    device=devices,
    media=media,
    udp_port=ports,
    keepalive=seconds(0.001, 0.5),
    warntime=seconds(0.6, 1.4),
    deadtime=seconds(1.6, 30),
    initdead=seconds(60, 86400),
    auto_failback=st.booleans(),
    failback_wait=seconds(1000, 86400),
    witness=st.sampled_from(["OFF", "PREFER", "REQUIRE"]),
    witness_wait=seconds(0, 100),
    rise=st.integers(1, 100),
    fall=st.integers(1, 100),
    line_dwell=seconds(0, 5),
    move_dwell=seconds(10, 1000),
    pbx_program=words | paths.map(str),
    ami_user=st.just("") | words,
    ami_secret=st.just("") | parts,
    sip_port=st.integers(0, 65535),
    mail_to=st.lists(words.map(lambda word: f"{word}@example.com"), max_size=3).map(", ".join),
    notify_from=st.just("") | words.map(lambda word: f"{word}@example.com"),
    notify_smtp=st.just("") | names | st.builds("{}:{}".format, names, ports),
    notify_tls=st.booleans(),
    notify_syslog=st.booleans(),
    notify_webhook=st.just("") | st.builds("https://{}:{}/{}?x".format, names, ports, words),
    notify_trap=st.just("") | names | st.builds("{}:{}".format, names, ports),
    notify_community=st.just("") | words,
    dahdi_root=st.just(Path("/")) | paths,
)

keys = st.sampled_from([key.name for key in KEYS])
ends = st.sampled_from(["\n", "\r\n"])
_ODD = [
    "\udce4",
    "\0",
    "\r",
    "\ufeff",
    "'",
    '"',
    "\\",
    "$X",
    "${X}",
    "`",
    "*",
    "~",
    " # ",
    " ",
    "&&",
    "=",
    "export ",
    "/srv",
    "x",
]
odd_texts = st.lists(st.sampled_from(_ODD), max_size=6).map("".join)
lines = st.one_of(
    st.builds("{}={}".format, keys, odd_texts),
    st.builds("{0}={1}{2}{1}".format, keys, st.sampled_from("'\""), odd_texts),
    odd_texts.map("# {}".format),
    odd_texts,
    st.builds("{}={}".format, keys, st.text(max_size=12)),
    st.builds("# {}={}".format, keys, words),
    st.text(max_size=20),
)
texts = st.lists(st.tuples(lines, ends).map("".join), max_size=8).map("".join) | st.text()


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(confs)
def test_what_is_written_reads_back_the_same(conf: Conf) -> None:
    assert parse(conf_file(conf)) == conf


@given(texts)
def test_any_text_is_a_conf_or_a_list_of_problems(text: str) -> None:
    verdict = parse(text)
    if not isinstance(verdict, Conf):
        assert verdict
        last = len(lines_of(text))
        assert all(
            isinstance(problem, Problem) and problem.want and 0 <= problem.line <= last for problem in verdict
        )
        # Line 0 is for what is wrong with a default beside a value of the file.
        assert all(problem.line or problem.key in KEY_BY_NAME for problem in verdict)
        assert all(line.isprintable() for line in str(ConfError(verdict)).splitlines())


@given(st.binary())
def test_any_bytes_are_a_conf_or_a_list_of_problems(data: bytes) -> None:
    verdict = parse(data.decode("utf-8", "surrogateescape"))
    assert isinstance(verdict, Conf) or verdict


@given(texts, keys, words)
def test_an_edit_leaves_every_other_line_as_it_is(text: str, key: str, value: str) -> None:
    before, after = lines_of(text), lines_of(with_value(text, key, value))
    if len(before) == len(after):
        changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert len(changed) <= 1
        return
    at = next((at for at, old in enumerate(before) if old != after[at]), len(before))
    if at < len(before) and after[at].startswith(before[at]):  # the last line had no end and got one
        assert not before[at].endswith("\n")
        at += 1
    added = len(after) - len(before)
    assert after[at + added :] == before[at:]


@given(texts, st.sampled_from(["AMISECRET", "NOTIFYUSER", "OTHER1", "POSTSYNC", "HAPRINODE"]), odd_texts)
def test_what_was_set_is_what_is_read(text: str, key: str, value: str) -> None:
    try:
        after = with_value(text, key, value)
    except ConfError:
        return
    wanted = value if KEY_BY_NAME[key].kind is TEXT else value.strip()
    assert wanted in [
        item.value for item in map(assignment_in, lines_of(after)) if getattr(item, "key", "") == key
    ]


@given(texts, keys, words)
def test_an_edit_done_twice_is_an_edit_done_once(text: str, key: str, value: str) -> None:
    once = with_value(text, key, value)
    assert with_value(once, key, value) == once


@given(st.ip_addresses(v=6), st.integers(-1, 130))
def test_an_ipv6_address_is_taken_as_it_is_spelt_or_refused(address: IPv6Address, prefix: int) -> None:
    text = f"{address}/{prefix}"
    verdict = parse(f"HACLUSTERIP6={text}\n")
    if isinstance(verdict, Conf):
        assert verdict.cluster_ipv6 == text
        (found,) = verdict.addresses
        assert ip_interface(f"{found.ip}/{found.prefix}") == ip_interface(text)
        assert 1 <= prefix <= 127 and not (
            address.is_link_local or address.is_multicast or address.ipv4_mapped
        )
    else:
        assert [problem.key for problem in verdict] == ["HACLUSTERIP6"]


@given(ipv6s)
def test_no_other_spelling_of_an_ipv6_address_is_taken(address: IPv6Address) -> None:
    for other in {address.exploded, str(address).upper()} - {str(address)}:
        verdict = parse(f"HACLUSTERIP6={other}/64\n")
        assert not isinstance(verdict, Conf) and f"spelt '{address}'" in verdict[0].want


@given(odd_texts | st.text("0123456789abcdef:./%", max_size=24))
def test_any_text_for_it_is_an_address_or_a_problem_of_that_key(text: str) -> None:
    verdict = parse(f"HACLUSTERIP6={text}\n")
    assert isinstance(verdict, Conf) or {problem.key for problem in verdict} <= {"HACLUSTERIP6", ""}
