"""When a backup may be used, and what a restore of it would do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.as_json import read_as, to_json
from appliance.core.backup import (
    FORMAT,
    MOST_BYTES,
    MOST_FILES,
    BackupFile,
    BackupFolder,
    Manifest,
    RestoreStep,
    flaw_of_manifest,
    is_newer,
    is_plain_path,
    member_of,
    steps_of,
    why_other,
)

FILE = BackupFile("/etc/asha.conf", 3, "0" * 64, 0o600, "root", "root")
FOLDER = BackupFolder("/etc", 0o755, "root", "root")
GOOD = Manifest(FORMAT, "2.0.0", "secondary", "pbx2", 5.0, keys=False, files=(FILE,), folders=(FOLDER,))


def test_a_good_manifest_has_no_flaw_and_is_the_same_after_json() -> None:
    assert flaw_of_manifest(GOOD) == ""
    assert read_as(Manifest, to_json(GOOD)) == GOOD


@pytest.mark.parametrize(
    ("manifest", "flaw"),
    [
        (replace(GOOD, format=2), "its format is 2"),
        (replace(GOOD, files=(FILE, FILE)), "names a file twice"),
        (
            replace(GOOD, files=tuple(replace(FILE, path=f"/{n}") for n in range(MOST_FILES))),
            "more than 200 files",
        ),
        (replace(GOOD, files=(replace(FILE, size=MOST_BYTES + 1),)), "would be more than"),
        (replace(GOOD, files=(replace(FILE, size=-1),)), "size or the digest"),
        (replace(GOOD, files=(replace(FILE, sha256="A" * 64),)), "size or the digest"),
        (replace(GOOD, files=(replace(FILE, path="/etc/../root/x"),), folders=()), "no plain absolute path"),
        (replace(GOOD, files=(replace(FILE, mode=0o4755),)), "mode of /etc/asha.conf is 4755"),
        (replace(GOOD, files=(replace(FILE, user="root;id"),)), "the owner of /etc/asha.conf"),
        (replace(GOOD, folders=(replace(FOLDER, path="/root"),)), "no file of it is in the folder /root"),
        (replace(GOOD, folders=(replace(FOLDER, mode=0o1777),)), "mode of /etc is 1777"),
    ],
)
def test_a_flaw_is_named(manifest: Manifest, flaw: str) -> None:
    assert flaw in flaw_of_manifest(manifest)


def test_sizes_that_cancel_out_do_not_hide_what_is_too_large() -> None:
    files = (replace(FILE, size=MOST_BYTES + 1), replace(FILE, path="/etc/asha/x", size=-MOST_BYTES))
    assert flaw_of_manifest(replace(GOOD, files=files))


@pytest.mark.parametrize(
    "path",
    ["", "/", "etc/asha.conf", "/etc/../x", "/etc/./x", "/etc//x", "/etc/x/", "/etc/\n", "/" + "x" * 2000],
)
def test_no_path_leads_anywhere_but_straight(path: str) -> None:
    assert not is_plain_path(path)


def test_a_plain_path_is_one() -> None:
    assert is_plain_path("/etc/asha.conf") and is_plain_path("/etc/asha/..x")
    assert member_of("/etc/asha.conf") == "files/etc/asha.conf"


@pytest.mark.parametrize(
    ("host", "node", "why"),
    [
        ("pbx2", "secondary", ""),
        ("PBX2", "", ""),
        ("pbx1", "", "The backup is of the secondary node, pbx2, and this machine is pbx1."),
        (
            "pbx2",
            "primary",
            "The backup is of the secondary node, pbx2, and this machine is the primary node by its conf file.",
        ),
    ],
)
def test_a_backup_of_another_node_is_known(host: str, node: str, why: str) -> None:
    assert why_other(GOOD, host, node) == why


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [("2.0.1", "2.0.0", True), ("2.0.10", "2.0.9", True), ("2.0.0", "2.0.0", False), ("1.9", "2.0.0", False)],
)
def test_versions_are_compared_by_their_numbers(version: str, than: str, newer: bool) -> None:
    assert is_newer(version, than) is newer


def test_steps_say_what_would_change() -> None:
    users = replace(FILE, path="/var/lib/asha/panel/users", user="asha-panel")
    card = replace(FILE, path="/var/lib/asha/card.json")
    present = {FILE.path: replace(FILE, secret=True), users.path: replace(users, user="root")}
    assert steps_of((FILE, users, card), present) == (
        RestoreStep(FILE.path, "unchanged"),
        RestoreStep(users.path, "replaced"),
        RestoreStep(card.path, "new"),
    )
