"""The media, read back: the data ISO, and a distribution's with asha on it (a stand-in: no vendor's was at hand)."""

from __future__ import annotations

import filecmp
import re
import subprocess
from pathlib import Path

import pytest
from conftest import TREE
from distribution import make_medium

from appliance.core.errors import HostError, UserError
from kickstart.build import build
from kickstart.media import remaster
from kickstart.release import RELEASES
from kickstart.site import load


def read_back(iso: Path, folder: Path) -> Path:
    """Everything in `iso`."""
    argv = ["xorriso", "-osirrox", "on", "-indev", iso, "-extract", "/", folder]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    return folder


def volume_of(iso: Path) -> str:
    argv = ["xorriso", "-indev", iso, "-pvd_info"]
    said = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout
    return re.search(r"^Volume Id +: (.*)$", said, re.MULTILINE)[1].strip(" '")


def boot_images(iso: Path, folder: Path) -> dict[str, Path]:
    argv = ["xorriso", "-osirrox", "on", "-indev", iso, "-extract_boot_images", folder]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    return {path.name: path for path in folder.iterdir()}


def assert_same(left: Path, right: Path) -> None:
    """The same files with the same bytes, and there are some."""
    names = {str(path.relative_to(left)) for path in left.rglob("*") if path.is_file()}
    assert names == {str(path.relative_to(right)) for path in right.rglob("*") if path.is_file()}
    assert len(names) > 15
    assert filecmp.cmpfiles(left, right, names, shallow=False)[0] != []
    assert filecmp.cmpfiles(left, right, names, shallow=False)[1:] == ([], [])


# ---------------------------------------------------------------------------------------------- data


def test_the_data_iso_holds_every_byte(kickstarts: Path, tmp_path: Path) -> None:
    iso = kickstarts / "asha.iso"
    there = read_back(iso, tmp_path / "iso")
    assert volume_of(iso) == "OEMDRV"  # where anaconda looks for /ks.cfg from EL7 on, without being told
    assert (there / "ks.cfg").read_bytes() == (kickstarts / "asha/el9.ks").read_bytes()
    assert_same(kickstarts / "asha", there / "asha")
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=there / "asha/rpm", check=True)
    assert {path.name for path in (TREE / "out/rpm").glob("*.rpm")} <= {
        path.name for path in (there / "asha/rpm").iterdir()
    }


def test_nobody_else_reads_the_secret(kickstarts: Path) -> None:
    assert kickstarts.stat().st_mode & 0o77 == 0
    holders = [*kickstarts.glob("asha/*.ks"), *kickstarts.glob("*.secret"), kickstarts / "asha.iso"]
    assert len(holders) == 17
    assert {path.stat().st_mode & 0o777 for path in holders} == {0o600}


def test_a_site_s_own_packages_come_along(tmp_path: Path, original: Path) -> None:
    """Those of a folder are in the repository, and are installed by name or by file."""
    text = (
        (TREE / "kickstart/site.example.toml").read_text().replace('\nengine = ""', '\nengine = "heartbeat"')
    )
    site = tmp_path / "site.toml"
    site.write_text(text.replace('rpms = ""', f'rpms = "{original.parent}"'))
    small = tmp_path / "small"
    (small / "el6").mkdir(parents=True)
    for folder in (small, small / "el6"):
        (folder / original.name).write_bytes(original.read_bytes())
    build(load(site), small, tmp_path / "out")
    assert (tmp_path / "out/asha/rpm" / original.name).exists()
    assert f" {original.name} " in (tmp_path / "out/asha/el5-primary.ks").read_text()


def test_without_packages_there_is_no_medium(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="make rpm"):
        build(load(TREE / "kickstart/site.example.toml"), tmp_path, tmp_path / "out")


# ---------------------------------------------------------------------------------------------- a distribution's own


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_a_distribution_s_medium_gets_asha(release, kickstarts: Path, tmp_path: Path) -> None:
    major = release.major
    iso = make_medium(tmp_path, major)
    out = tmp_path / "out.iso"
    assert remaster(iso, kickstarts / "asha", out) == release
    before, there = tmp_path / "tree", read_back(out, tmp_path / "iso")
    assert_same(kickstarts / "asha", there / "asha")
    assert volume_of(out) == volume_of(iso)
    assert (there / "CentOS/packages.txt").read_bytes() == (before / "CentOS/packages.txt").read_bytes()
    menus = {"isolinux/isolinux.cfg", "EFI/BOOT/grub.cfg", "boot/grub2/grub.cfg"}
    seen = 0
    for name in menus:
        assert (there / name).exists() == (before / name).exists()
        if (there / name).exists():
            assert_menu((before / name).read_text(), (there / name).read_text(), major)
            seen += 1
    assert seen == (1 if major == 5 else 2)
    if major > 5:
        assert_boots_by_efi(out, iso, there, tmp_path)
    checked = subprocess.run(["checkisomd5", out], capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout


def assert_menu(before: str, after: str, major: int) -> None:
    """What was there is there, and starts by default; two entries more say where their files are."""
    assert after.startswith(before)
    added = after.removeprefix(before)
    where = "ks=cdrom" if major == 5 else rf"inst.ks=hd:LABEL=CentOS\x20{major}\x20x86_64"
    for role in ("primary", "secondary"):
        assert added.count(f"{where}:/asha/el{major}-{role}.ks\n") == 1
    assert "rescue" not in added and "rd.live.check" not in added and "default" not in added
    assert added.count("initrd.img") == 2 and added.count("vmlinuz") == 2


def assert_boots_by_efi(out: Path, iso: Path, there: Path, tmp_path: Path) -> None:
    """The image that firmware loads has the new menu, and all boot records of the original are there."""
    was, now = boot_images(iso, tmp_path / "was"), boot_images(out, tmp_path / "now")
    assert set(was) == set(now)
    images = [
        path for name, path in now.items() if re.fullmatch(r"(eltorito_img2_uefi|gpt_part2_efi)\.img", name)
    ]
    assert images
    for image in images:
        argv = ["mtype", "-i", image, "::/EFI/BOOT/grub.cfg"]
        menu = subprocess.run(argv, check=True, capture_output=True, timeout=20).stdout
        assert menu == (there / "EFI/BOOT/grub.cfg").read_bytes()


@pytest.mark.parametrize(
    ("treeinfo", "said"),
    [
        ("", "has no .treeinfo"),
        ("[general]\nversion = 6.10\n", "has version '6.10' of its distribution"),
        ("nonsense", "has version '' of its distribution"),
    ],
)
def test_a_medium_of_something_else_is_refused(
    kickstarts: Path, tmp_path: Path, treeinfo: str, said: str
) -> None:
    iso = make_medium(tmp_path, 7, treeinfo=treeinfo)
    with pytest.raises(UserError, match=re.escape(said)):
        remaster(iso, kickstarts / "asha", tmp_path / "out.iso")
    assert not (tmp_path / "out.iso").exists()


def test_a_medium_on_which_the_pair_s_engine_does_not_run_is_refused(tmp_path: Path) -> None:
    build(load(TREE / "kickstart/site.example.toml"), TREE / "out/rpm", tmp_path / "made")
    names = {path.name for path in (tmp_path / "made/asha").glob("*.ks")}
    assert {"el8.ks", "el9.ks", "el10.ks"} < names and not names & {"el5.ks", "el7.ks"}
    with pytest.raises(UserError, match="on which the cluster engine of this site file does not run"):
        remaster(make_medium(tmp_path, 7), tmp_path / "made/asha", tmp_path / "out.iso")


def test_a_release_gets_the_packages_whose_digests_it_takes(kickstarts: Path) -> None:
    for folder, made, release in (("rpm", "out/rpm", "el5"), ("rpm-el6", "out/rpm/el6", "el9")):
        for path in (TREE / made).glob("*.rpm"):
            assert (kickstarts / "asha" / folder / path.name).read_bytes() == path.read_bytes()
        assert f"/{folder}" in (kickstarts / f"asha/{release}-primary.ks").read_text()


def test_what_is_no_iso_is_refused(kickstarts: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.iso"
    noise.write_bytes(b"no ISO" * 100000)
    for path, said in (
        (noise, "is no ISO image"),
        (tmp_path / "none.iso", "is no file"),
        (tmp_path, "is no file"),
    ):
        with pytest.raises(UserError, match=said):
            remaster(path, kickstarts / "asha", tmp_path / "out.iso")


def test_the_original_is_never_overwritten(kickstarts: Path, tmp_path: Path) -> None:
    iso = make_medium(tmp_path, 9)
    before = iso.read_bytes()
    with pytest.raises(UserError, match="would overwrite"):
        remaster(iso, kickstarts / "asha", iso)
    assert iso.read_bytes() == before


def test_a_wrong_site_file_ends_make_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("[system]\n")
    argv = [
        "make",
        "--no-print-directory",
        "-C",
        TREE,
        "-o",
        "rpm",
        "kickstart",
        f"SITE={tmp_path}/site.toml",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "[system] timezone is missing" in done.stderr
    assert "Traceback" not in done.stderr
