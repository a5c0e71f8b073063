"""What rsync prints, read back."""

from __future__ import annotations

import pytest

from appliance.sync.rsync import ItemChange, parse_item, unread_files


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (b">f+++++++++ var/vm/a/one", ItemChange(b"/var/vm/a/one", "f", gone=False)),
        (b".f...p..... etc/ast/x.conf", ItemChange(b"/etc/ast/x.conf", "f", gone=False)),
        (b">f+++++++++ var/vm/a/new\\#012line", ItemChange(b"/var/vm/a/new\nline", "f", gone=False)),
        (b">f+++++++++ var/vm/a/\\#377\\#376", ItemChange(b"/var/vm/a/\xff\xfe", "f", gone=False)),
        (b"cd+++++++++ var/vm/empty/", ItemChange(b"/var/vm/empty", "d", gone=False)),
        (b"cL+++++++++ var/vm/out", ItemChange(b"/var/vm/out", "l", gone=False)),
        (b"*deleting   var/vm/a/gone", ItemChange(b"/var/vm/a/gone", "f", gone=True)),
        (b"*deleting   var/vm/gonedir/", ItemChange(b"/var/vm/gonedir", "d", gone=True)),
        (b'skipping non-regular file "var/fi\\#012fo"', ItemChange(b"/var/fi\nfo", "o", gone=False)),
        (b"", None),
    ],
)
def test_an_item(line: bytes, change: ItemChange | None) -> None:
    assert parse_item(line) == change


_SAID = r"""rsync: [sender] opendir "/etc/asterisk/folder" failed: Permission denied (13)
rsync: [sender] send_files failed to open "/etc/a \#011b": Input/output error (5)
rsync: [sender] readlink_stat("/etc/c") failed: Input/output error (5)
rsync: opendir "/etc/of an old rsync" failed: Permission denied (13)
rsync: [sender] link_stat "/etc/gone" failed: No such file or directory (2)
IO error encountered -- skipping file deletion
rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394) [sender=3.5.0]
"""


def test_what_could_not_be_read_has_a_name() -> None:
    assert unread_files(_SAID) == {
        b"/etc/asterisk/folder": "Permission denied",
        b"/etc/a \tb": "Input/output error",
        b"/etc/c": "Input/output error",
        b"/etc/of an old rsync": "Permission denied",
    }
    full = 'rsync: [receiver] mkstemp "/var/x" failed: No space left on device (28)\n'
    assert unread_files(_SAID + full) == {}, "a full disk is no fault of one file"
