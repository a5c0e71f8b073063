"""Asterisk tied to one address is found, with its line; every other way of writing the files is no trouble."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.pbx.bindings import narrow_bindings


def found(folder: Path) -> list[tuple[str, int, str, str]]:
    return [(one.file.name, one.line, one.key, one.address) for one in narrow_bindings(folder)]


def test_no_files_is_no_trouble(tmp_path: Path) -> None:
    assert found(tmp_path) == found(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("name", "line", "key", "address"),
    [
        ("sip.conf", "bindaddr=192.168.1.1", "bindaddr", "192.168.1.1"),
        ("sip.conf", "  udpbindaddr = 192.168.1.1:5060 ; ours", "udpbindaddr", "192.168.1.1"),
        ("sip.conf", "BindAddr => 127.0.0.1", "bindaddr", "127.0.0.1"),
        ("sip.conf", "tlsbindaddr=[2001:db8::1]:5061", "tlsbindaddr", "[2001:db8::1]"),
        ("pjsip.conf", "bind=192.168.1.5", "bind", "192.168.1.5"),
        ("iax.conf", "bindaddr=pbx1.example.com", "bindaddr", "pbx1.example.com"),
    ],
)
def test_one_address_is_found(tmp_path: Path, name: str, line: str, key: str, address: str) -> None:
    (tmp_path / name).write_text(f"; Asterisk\n[general]\n{line}\nallow=all\n")
    assert found(tmp_path) == [(name, 3, key, address)]


@pytest.mark.parametrize(
    "line",
    [
        "bindaddr=0.0.0.0",
        "udpbindaddr = 0.0.0.0:5060",
        "bind=[::]:5060",
        "bind=::",
        "bindaddr=",
        ";bindaddr=10.0.0.1",
        "bindport=5060",
        "externip=10.0.0.1",
        "[bind](!)",
        "bindaddr",
        "context=bindaddr=10.0.0.1",
    ],
)
def test_every_address_and_other_lines_are_no_trouble(tmp_path: Path, line: str) -> None:
    for name in ("sip.conf", "pjsip.conf", "iax.conf"):
        (tmp_path / name).write_text(f"[general]\n{line}\n")
    assert found(tmp_path) == []


def test_included_files_are_read_and_named(tmp_path: Path) -> None:
    (tmp_path / "sip.conf").write_text(
        '[general]\n#include "sark_sip_*.conf"\n#tryinclude gone.conf\n#include\n'
    )
    (tmp_path / "sark_sip_main.conf").write_text("bindaddr=192.168.1.5\n#include sip.conf\n")
    assert found(tmp_path) == [("sark_sip_main.conf", 1, "bindaddr", "192.168.1.5")]


def test_what_is_no_text_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "sip.conf").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "iax.conf").mkdir()
    (tmp_path / "pjsip.conf").symlink_to("/dev/zero")
    assert found(tmp_path) == []
