"""What is read from others is bounded while it is read, and what exceeds the bound is no answer."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.document import parse_json
from appliance.host.bounded import Lines, Tail, TooMuch, pid_in, read_all, read_file, read_line
from appliance.host.process import run
from appliance.host.stream import Stream

_PYTHON = sys.executable


@given(st.lists(st.binary(max_size=8)), st.integers(1, 9))
def test_lines_are_those_of_the_whole_whatever_the_pieces(pieces: list[bytes], limit: int) -> None:
    whole = b"".join(pieces).split(b"\n")
    first_too_long = next((number for number, line in enumerate(whole) if len(line) > limit), len(whole))
    one_by_one, at_once = Lines(limit, "it"), Lines(limit, "it")
    taken: list[bytes] = []
    fed: list[bytes] = []
    try:
        for piece in pieces:
            one_by_one.feed(piece)
            while (line := one_by_one.take()) is not None:
                taken.append(line)
    except TooMuch:
        assert taken == whole[:first_too_long] and first_too_long < len(whole)
    else:
        assert taken == whole[:-1] and first_too_long == len(whole)
    try:
        for piece in pieces:
            at_once.feed(piece)
            fed += at_once.take_all()
    except TooMuch:
        assert fed == whole[: len(fed)] and len(fed) <= first_too_long < len(whole)
    else:
        assert fed == taken


@given(st.lists(st.binary(max_size=20)), st.integers(1, 30))
def test_the_end_is_kept_and_the_rest_is_counted(pieces: list[bytes], limit: int) -> None:
    tail, whole = Tail(limit), b"".join(pieces)
    for piece in pieces:
        tail.feed(piece)
    assert tail.lost == max(0, len(whole) - limit)
    assert tail.text() == whole[-limit:].decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def test_the_bounds_are_exact_and_the_error_names_who() -> None:
    assert read_line(io.BytesIO(b"1234\nmore"), 5, "The other node") == b"1234\n"
    assert read_all(io.BytesIO(b"12345"), 5, "The other node") == b"12345"
    for read in (read_line, read_all):
        with pytest.raises(TooMuch, match="The other node said more than the 5 bytes"):
            read(io.BytesIO(b"123456"), 5, "The other node")


def test_a_file_of_others_is_read_when_it_is_a_small_plain_one(tmp_path: Path) -> None:
    (tmp_path / "pid").write_bytes(b"4711\n")
    (tmp_path / "link").symlink_to("pid")
    assert read_file(tmp_path / "link", 5) == b"4711\n"
    with pytest.raises(TooMuch, match="pid said more than the 4 bytes"):
        read_file(tmp_path / "pid", 4)
    os.mkfifo(tmp_path / "pipe")
    for odd in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="not a plain file"):
            read_file(odd, 5)


@pytest.mark.parametrize(
    ("content", "pid"),
    [
        (b"4711\n", 4711),
        (b"", None),
        (b"-1", None),
        (b"9" * 5000, None),
        ("٣".encode(), None),
        (b"1 2", None),
    ],
)
def test_the_number_in_a_pid_file(content: bytes, pid: int | None) -> None:
    assert pid_in(content) == pid


def test_a_program_that_says_too_much_has_done_its_work_and_given_no_answer() -> None:
    code = "import sys; sys.stdout.write('x' * 70000 + 'end'); sys.stderr.write('y' * 70000 + 'last'); sys.exit(3)"
    finished = run([_PYTHON, "-c", code], deadline=60.0)
    assert finished.code == 3 and finished.kept.endswith("xend") and len(finished.kept) == 1 << 16
    assert finished.error.endswith("ylast") and len(finished.explain()) < 600
    with pytest.raises(TooMuch, match="said more than the 65536 bytes"):
        _ = finished.output


def test_what_is_given_to_a_program_comes_back_whole() -> None:
    given_text = "é\r\n" * 8000
    finished = run(
        [_PYTHON, "-c", "import sys; sys.stdout.write(sys.stdin.read())"], deadline=60.0, stdin=given_text
    )
    assert finished.ok and finished.output == given_text.replace("\r\n", "\n")


def test_a_program_that_does_not_listen_is_no_trouble() -> None:
    assert run([_PYTHON, "-c", "import os; os.close(0)"], deadline=60.0, stdin="x" * 1_000_000).ok


def test_the_deadline_ends_one_that_talks_without_end() -> None:
    finished = run(["sh", "-c", "yes; sleep 60"], deadline=0.3)
    assert finished.code is None and finished.lost and finished.kept.endswith("y\n")


def test_a_line_too_long_ends_the_conversation_and_is_named() -> None:
    for ask in (lambda stream: stream.line(60.0), lambda stream: next(stream.lines(), b"")):
        with Stream(["sh", "-c", "head -c 3000000 /dev/zero; echo; echo whole; sleep 60"]) as stream:
            assert ask(stream) == b"" and stream.ended
            assert stream.line(60.0) == b""  # nothing of what came behind it is taken for an answer
            assert "'sh' said more than the 1048576 bytes" in stream.complaint()
            assert stream.end(60.0) != 0


def test_one_that_complains_without_end_is_heard_while_it_is_talked_with() -> None:
    code = "import sys; sys.stderr.write('c' * 300000 + 'last'); sys.stderr.flush(); print(len(sys.stdin.readline()))"
    with Stream([_PYTHON, "-c", code]) as stream:
        stream.send(b"x" * 200_000)
        assert stream.line(60.0) == b"200001"
        stream.end(60.0)
        assert stream.complaint().endswith("cclast") and len(stream.complaint()) == 256 * 1024
        assert not stream.complaint_is_whole


def test_silence_is_no_longer_for_complaints() -> None:
    with Stream(["sh", "-c", "while :; do echo c >&2; sleep 0.02; done"]) as stream:
        assert stream.line(0.3) is None


@pytest.mark.parametrize("text", ["[" + "[],[]," * 40_000 + "1]", b"[" + b"1," * 100_001 + b"1]"])
def test_a_document_of_a_great_many_values_is_none(text: bytes | str) -> None:
    with pytest.raises(ValueError, match="too many values"):
        parse_json(text)
