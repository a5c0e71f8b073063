"""Taking the other node's introduction: looked at whole first; twice is harmless; other keys are not believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.config.edit import Edit
from appliance.core.errors import AshaError, ClusterError, HostError, SyncError, UserError
from appliance.core.model import Node
from appliance.sync.pairing import read
from appliance.sync.pairing_files import PairingFiles, introduce, is_known, take
from appliance.sync.ssh_access import accepted_key, make_key, own_host_keys, pinned

_HOST = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"
_OTHER_HOST = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEBBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f"
_TAB = "HAPRINODE=pbx1\nHASECNODE=pbx2\nHACLUSTERIP=10.0.0.5\n"


def machine(top: Path, conf: str = "", host: str = _HOST) -> PairingFiles:
    """A machine's places under `top`."""
    for name in ("root", "ssh"):
        (top / name).mkdir(parents=True)
    (top / "ssh/ssh_host_ed25519_key.pub").write_text(f"{host} root@somewhere\n")
    (top / "ssh/ssh_host_dsa_key.pub").write_text("ssh-dss AAAA root@somewhere\n")
    (top / "asha.conf").write_text(conf)
    (top / "asha.conf").chmod(0o600)
    return PairingFiles(top / "asha.conf", top / "keys", top / "ssh", top / "root")


def text_of(place: PairingFiles, name: str) -> str:
    return introduce(place, name, lambda device, cluster, prefix: "10.0.0.1")


def state(place: PairingFiles) -> dict[str, bytes]:
    """Everything on a machine's disk, but for its own key, which is made when it is first asked for."""
    top = place.conf.parent
    files = (path for path in top.rglob("*") if path.is_file() and path.name not in ("id", "id.pub"))
    return {str(path.relative_to(top)): path.read_bytes() for path in files}


@pytest.fixture
def pbx1(tmp_path: Path) -> PairingFiles:
    return machine(tmp_path / "pbx1", _TAB)


@pytest.fixture
def pbx2(tmp_path: Path) -> PairingFiles:
    return machine(tmp_path / "pbx2", "# a comment\n", _OTHER_HOST)


def test_a_text_says_who_and_the_same_each_time(pbx1: PairingFiles) -> None:
    text = text_of(pbx1, "pbx1")
    assert text == text_of(pbx1, "pbx1")
    found = read(text)
    assert (found.name, found.address, found.host_keys) == ("pbx1", "10.0.0.1", (_HOST,))
    assert found.key == make_key(pbx1.keys)


def test_a_machine_without_an_address_there_introduces_itself_all_the_same(pbx1: PairingFiles) -> None:
    def none(device: str, cluster: str, prefix: int) -> str:
        raise HostError(f"{device} has no IPv4 address of its own.")

    assert read(introduce(pbx1, "pbx1", none)).address == ""


def test_there_and_back_both_know_each_other(pbx1: PairingFiles, pbx2: PairingFiles) -> None:
    taken = take(pbx2, text_of(pbx1, "pbx1"), "pbx2")
    assert (taken.name, taken.node, taken.differences) == ("pbx1", Node.SECONDARY, ())
    assert "filled in" in taken.says
    back = take(pbx1, text_of(pbx2, "pbx2"), "pbx1")
    assert (back.name, back.node) == ("pbx2", Node.PRIMARY)
    assert pinned(pbx2.keys) == (_HOST,) and pinned(pbx1.keys) == (_OTHER_HOST,)
    assert accepted_key(pbx1.home) == make_key(pbx2.keys) and accepted_key(pbx2.home) == make_key(pbx1.keys)
    assert is_known(pbx1) and is_known(pbx2)
    assert pbx2.conf.read_text().startswith("# a comment\n")


def test_twice_changes_nothing_more(pbx1: PairingFiles, pbx2: PairingFiles) -> None:
    text = text_of(pbx1, "pbx1")
    take(pbx2, text, "pbx2")
    before = state(pbx2)
    again = take(pbx2, text, "pbx2")
    assert again.edit.diff == "" and state(pbx2) == before


@pytest.mark.parametrize(
    ("change", "who", "sentence"),
    [
        (lambda text: text[:-20] + "AAAA" + text[-16:], "pbx2", "damaged"),
        (lambda text: text[: len(text) // 2], "pbx2", "damaged"),
        (lambda text: "hello", "pbx2", "no introduction"),
        (lambda text: text, "pbx1", "this machine's own"),
        (lambda text: text, "pbx3", "the pair is pbx1 .* and pbx2"),
    ],
)
def test_a_wrong_text_changes_nothing(
    pbx1: PairingFiles, pbx2: PairingFiles, change: object, who: str, sentence: str
) -> None:
    before = state(pbx2)
    with pytest.raises(UserError, match=sentence):
        take(pbx2, change(text_of(pbx1, "pbx1")), who)  # type: ignore[operator]
    assert state(pbx2) == before


def test_a_node_of_another_pair_changes_nothing(tmp_path: Path, pbx1: PairingFiles) -> None:
    settled = machine(tmp_path / "pbx8", "HAPRINODE=pbx7\nHASECNODE=pbx8\n")
    before = state(settled)
    with pytest.raises(UserError, match="the pair is pbx7"):
        take(settled, text_of(pbx1, "pbx1"), "pbx8")
    assert state(settled) == before


def test_what_the_conf_may_not_take_changes_nothing(pbx1: PairingFiles, pbx2: PairingFiles) -> None:
    def refuse(edit: Edit) -> None:
        raise ClusterError(f"no: {edit.diff}")

    before = state(pbx2)
    with pytest.raises(ClusterError, match="no: "):
        take(pbx2, text_of(pbx1, "pbx1"), "pbx2", may=refuse)
    assert state(pbx2) == before


@pytest.mark.parametrize("what", ["host key", "ssh key"])
def test_other_keys_are_believed_only_when_it_is_said(
    tmp_path: Path, pbx1: PairingFiles, pbx2: PairingFiles, what: str
) -> None:
    take(pbx2, text_of(pbx1, "pbx1"), "pbx2")
    before = state(pbx2)
    impostor = machine(tmp_path / "impostor", _TAB, _OTHER_HOST if what == "host key" else _HOST)
    text = text_of(impostor, "pbx1")
    with pytest.raises(SyncError, match=f"known here with (an)?other {what}.*--anew"):
        take(pbx2, text, "pbx2")
    assert state(pbx2) == before
    take(pbx2, text, "pbx2", anew=True)
    assert accepted_key(pbx2.home) == make_key(impostor.keys)
    assert pinned(pbx2.keys) == own_host_keys(impostor.ssh_dir)


@pytest.mark.parametrize("step", ["pin", "accept_key", "make_key"])
def test_killed_half_way_it_may_be_done_again(
    pbx1: PairingFiles, pbx2: PairingFiles, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    text = text_of(pbx1, "pbx1")

    class Killed(Exception):
        pass

    def die(*args: object, **more: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(f"appliance.sync.pairing_files.ssh_access.{step}", die)
        take(pbx2, text, "pbx2")
    taken = take(pbx2, text, "pbx2")
    assert taken.name == "pbx1" and is_known(pbx2)
    assert "HACLUSTERIP=10.0.0.5" in pbx2.conf.read_text()


def test_without_host_keys_it_says_what_to_do(tmp_path: Path) -> None:
    place = machine(tmp_path / "bare", _TAB)
    for path in place.ssh_dir.iterdir():
        os.unlink(path)
    with pytest.raises(AshaError, match="Start sshd once"):
        text_of(place, "pbx1")
