"""The grant on file: shared, locked, safe when unreadable."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from test_agent_cycle import ENGINE, Bench

from appliance.agent.grant_file import GrantFile
from appliance.core.grant import Grant, Verb, Verdict
from appliance.core.roles import Role
from appliance.core.transfer import Order


def test_a_grant_is_kept_over_a_restart_of_the_agent(tmp_path: Path) -> None:
    GrantFile(tmp_path / "grant").ask(Verb.START, 10.0, "7:99")
    assert GrantFile(tmp_path / "grant").read() == Grant(True, 1, 10.0, "7:99")


def test_a_late_start_after_a_stop_changes_nothing(tmp_path: Path) -> None:
    book = GrantFile(tmp_path / "grant")
    book.ask(Verb.START, 10.0, "7:99")
    book.ask(Verb.STOP, 12.0, "7:99")
    grant, verdict = book.ask(Verb.START, 11.0, "7:99")
    assert verdict is Verdict.STALE
    assert not grant.held
    assert not book.read().held


def test_generations_do_not_fall_when_a_reboot_empties_the_book(tmp_path: Path) -> None:
    book = GrantFile(tmp_path / "grant", least_generation=41)
    grant, _ = book.ask(Verb.START, 1.0, "7:99")
    assert grant.generation == 42


@pytest.mark.parametrize("rubbish", [b"", b"\0" * 300, b"{", b'{"held": true, "who": 1}', b"[]", b"null"])
def test_an_unreadable_book_is_no_grant(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "grant").write_bytes(rubbish)
    book = GrantFile(tmp_path / "grant")
    assert not book.read().held
    book.ask(Verb.START, 1.0, "7:99")
    assert book.read().held


def _start(path: Path, ticket: float) -> None:
    GrantFile(path).ask(Verb.START, ticket, "7:99")


def test_two_scripts_at_once_make_one_generation(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    scripts = [context.Process(target=_start, args=(tmp_path / "grant", 10.0)) for _ in range(8)]
    for script in scripts:
        script.start()
    for script in scripts:
        script.join(20)
    assert GrantFile(tmp_path / "grant").read() == Grant(True, 1, 10.0, "7:99")


def test_voiding_ends_the_grant_once(tmp_path: Path) -> None:
    book = GrantFile(tmp_path / "grant")
    book.ask(Verb.START, 10.0, "7:99")
    assert book.void().generation == 2
    assert book.void().generation == 2
    assert not book.read().held


@pytest.mark.parametrize(
    "rubbish", [b"", b"\0" * 300, b'{"held": true, "generation": "9"}', b"[]", b'{"held": 1}', b"\xff"]
)
def test_a_look_at_an_unreadable_book_changes_nothing(tmp_path: Path, rubbish: bytes) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "grant").write_bytes(rubbish)
    bench.turn()
    assert (bench.cycle.state.grant, bench.role()) == (Grant(), Role.STANDBY)
    (tmp_path / "grant").unlink()
    bench.turn()
    assert bench.cycle.state.grant == Grant()


def test_a_look_does_not_wait_for_a_script_that_stopped_with_the_lock(tmp_path: Path) -> None:
    book = GrantFile(tmp_path / "grant")
    book.ask(Verb.START, 10.0, "7:99")
    with book._locked():
        assert GrantFile(tmp_path / "grant").peek() == Grant(True, 1, 10.0, "7:99")


def test_what_a_script_did_alone_while_the_agent_started_is_taken_over(tmp_path: Path) -> None:
    """Heartbeat has its answer from the script, and asks nobody again: the agent must see what it was."""
    bench = Bench(tmp_path)
    script = GrantFile(tmp_path / "grant")
    script.ask(Verb.START, 10.0, ENGINE)
    bench.turn()
    assert (bench.role(), bench.cycle.state.grant.generation) == (Role.ACQUIRING, 1)
    assert Order.START_PBX in bench.executor.orders
    script.ask(Verb.STOP, 11.0, ENGINE)
    bench.turn()
    assert (bench.cycle.state.grant.held, bench.cycle.state.grant.generation) == (False, 2)
    assert (bench.role(), bench.executor.orders[-1]) == (Role.RELEASING, Order.RELEASE)
    assert bench.audit() == []


def test_a_grant_of_an_engine_that_is_gone_is_not_taken_over(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    GrantFile(tmp_path / "grant").ask(Verb.START, 10.0, "1:1")
    for _ in range(3):
        bench.turn()
    assert not bench.cycle.state.grant.held and not bench.role().holds
    assert Order.ENERGISE not in bench.executor.orders
