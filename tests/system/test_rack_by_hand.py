"""`hwsim rack --pages`: the pages of both nodes at ports of this machine, until the one who plays has had enough."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

HWSIM = Path(sys.executable).with_name("hwsim")


@pytest.fixture
def port() -> int:
    """A port of this machine that is free, as the next one is."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            found: int = first.getsockname()[1]
            try:
                socket.create_server(("127.0.0.1", found + 1)).close()
            except OSError:
                continue
            return found


@pytest.fixture
def rack(port: int) -> Iterator[subprocess.Popen[str]]:
    """The rack, with nothing started on it but the pages."""
    argv = [HWSIM, "rack", "--bare", "--pages", str(port)]
    playing = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield playing
    playing.stdin.close()  # type: ignore[union-attr] # the end of what is typed is the end of the rack
    assert playing.wait(60) == 0


def test_a_browser_reaches_both_pages_and_sees_a_power_cut(rack: subprocess.Popen[str], port: int) -> None:
    said = printed_until(rack, "telephone line")
    assert f"primary    https://localhost:{port}/  code" in said
    assert f"secondary  https://127.0.0.1:{port + 1}/  code" in said
    assert [answer(each) for each in (port, port + 1)] == [(302, "/first")] * 2
    typed(rack, "power-cut primary")
    printed_until(rack, "primary (OFF)")
    with pytest.raises(OSError):
        answer(port)
    assert answer(port + 1) == (302, "/first")
    typed(rack, "boot primary")
    printed_until(rack, "┌─ primary ─")
    again(port)


def answer(port: int) -> tuple[int, str | None]:
    """What a page answers to whoever wants to log in: without a user yet, where the code is asked for."""
    context = ssl._create_unverified_context()
    page = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    try:
        page.request("GET", "/login")
        said = page.getresponse()
        return said.status, said.headers["Location"]
    finally:
        page.close()


def again(port: int) -> None:
    """Ask until the page that has been started again answers."""
    for _ in range(100):
        try:
            assert answer(port) == (302, "/first")
        except OSError:
            time.sleep(0.2)
            continue
        return
    raise AssertionError("the page was not started again after its machine")


def printed_until(rack: subprocess.Popen[str], word: str) -> str:
    said = ""
    while word not in said:
        assert rack.stdout
        line = rack.stdout.readline()
        assert line, said
        said += line
    return said


def typed(rack: subprocess.Popen[str], line: str) -> None:
    assert rack.stdin
    rack.stdin.write(f"{line}\n")
    rack.stdin.flush()
