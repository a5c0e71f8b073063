"""What rsync prints, read back."""

from __future__ import annotations

import pytest

from appliance.sync.rsync import Change, parse_item


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (b">f+++++++++ var/vm/a/one", Change(b"/var/vm/a/one", "f", gone=False)),
        (b".f...p..... etc/ast/x.conf", Change(b"/etc/ast/x.conf", "f", gone=False)),
        (b">f+++++++++ var/vm/a/new\\#012line", Change(b"/var/vm/a/new\nline", "f", gone=False)),
        (b">f+++++++++ var/vm/a/\\#377\\#376", Change(b"/var/vm/a/\xff\xfe", "f", gone=False)),
        (b"cd+++++++++ var/vm/empty/", Change(b"/var/vm/empty", "d", gone=False)),
        (b"cL+++++++++ var/vm/out", Change(b"/var/vm/out", "l", gone=False)),
        (b"*deleting   var/vm/a/gone", Change(b"/var/vm/a/gone", "f", gone=True)),
        (b"*deleting   var/vm/gonedir/", Change(b"/var/vm/gonedir", "d", gone=True)),
        (b'skipping non-regular file "var/fifo"', None),
        (b"", None),
    ],
)
def test_an_item(line: bytes, change: Change | None) -> None:
    assert parse_item(line) == change
