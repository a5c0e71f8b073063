"""The grant on file: shared, locked, safe when unreadable."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from appliance.agent.grantbook import GrantBook
from appliance.core.grant import Grant, Verb, Verdict


def test_a_grant_is_kept_over_a_restart_of_the_agent(tmp_path: Path) -> None:
    GrantBook(tmp_path / "grant").ask(Verb.START, 10.0, "7:99")
    assert GrantBook(tmp_path / "grant").read() == Grant(True, 1, 10.0, "7:99")


def test_a_late_start_after_a_stop_changes_nothing(tmp_path: Path) -> None:
    book = GrantBook(tmp_path / "grant")
    book.ask(Verb.START, 10.0, "7:99")
    book.ask(Verb.STOP, 12.0, "7:99")
    grant, verdict = book.ask(Verb.START, 11.0, "7:99")
    assert verdict is Verdict.STALE
    assert not grant.held
    assert not book.read().held


def test_generations_do_not_fall_when_a_reboot_empties_the_book(tmp_path: Path) -> None:
    book = GrantBook(tmp_path / "grant", least_generation=41)
    grant, _ = book.ask(Verb.START, 1.0, "7:99")
    assert grant.generation == 42


@pytest.mark.parametrize("rubbish", [b"", b"\0" * 300, b"{", b'{"held": true, "who": 1}', b"[]", b"null"])
def test_an_unreadable_book_is_no_grant(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "grant").write_bytes(rubbish)
    book = GrantBook(tmp_path / "grant")
    assert not book.read().held
    book.ask(Verb.START, 1.0, "7:99")
    assert book.read().held


def _start(path: Path, ticket: float) -> None:
    GrantBook(path).ask(Verb.START, ticket, "7:99")


def test_two_scripts_at_once_make_one_generation(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    scripts = [context.Process(target=_start, args=(tmp_path / "grant", 10.0)) for _ in range(8)]
    for script in scripts:
        script.start()
    for script in scripts:
        script.join(20)
    assert GrantBook(tmp_path / "grant").read() == Grant(True, 1, 10.0, "7:99")


def test_voiding_ends_the_grant_once(tmp_path: Path) -> None:
    book = GrantBook(tmp_path / "grant")
    book.ask(Verb.START, 10.0, "7:99")
    assert book.void().generation == 2
    assert book.void().generation == 2
    assert not book.read().held
