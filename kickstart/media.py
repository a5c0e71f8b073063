"""Installation media: a data ISO beside an untouched distribution, or a distribution's ISO with asha added."""

from __future__ import annotations

import configparser
import re
import tempfile
from pathlib import Path

from appliance.core.errors import HostError, UserError
from appliance.host.process import Finished, run
from kickstart.bootmenu import NoInstallEntry, with_grub_entries, with_isolinux_entries
from kickstart.release import RELEASE_BY_NAME, Release

DATA_LABEL = "OEMDRV"
"""Where the installers from EL7 on look for /ks.cfg on their own. Source: anaconda, dracut/kickstart-genrules.sh."""

_ISOLINUX = "/isolinux/isolinux.cfg"
_GRUB_OF_EFI = "/EFI/BOOT/grub.cfg"
_GRUB_OF_BIOS = "/boot/grub2/grub.cfg"
_EFI_IMAGE = "/images/efiboot.img"
_EFI_PARTITION = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
_PATIENCE = 600.0  # a DVD is several gigabytes


def write_data_iso(content: Path, release: Release, out: Path) -> None:
    """Write the ISO `out` with `content` as /asha and the file of `release` for both roles as /ks.cfg."""
    out.unlink(missing_ok=True)
    _done(
        *("xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-joliet-long", "-V", DATA_LABEL, "-o", out),
        *("-graft-points", f"/ks.cfg={content}/{release.name}.ks", f"/asha={content}"),
    )
    out.chmod(0o600)


def remaster(iso: Path, content: Path, out: Path) -> Release:
    """Write the installation medium `iso` to `out`, with `content` as /asha and asha's boot menu entries.

    What the medium boots by default, and how, stays as it is. Returns the release of `iso`. Raises UserError
    when `iso` is no installation medium of a known release, HostError when a tool is missing or fails.
    """
    if not iso.is_file():
        raise UserError(f"{iso} is no file.", todo="Give the ISO of your distribution: make iso ISO=…")
    if not _is_iso(iso):
        raise UserError(f"{iso} is no ISO image.", todo="Is the download whole?")
    if out.exists() and out.samefile(iso):
        raise UserError(f"{out} would overwrite the ISO it is made of.", todo="Move that elsewhere.")
    with tempfile.TemporaryDirectory(prefix="asha-iso.") as folder:
        work = Path(folder)
        release = _release(iso, work)
        if not (content / f"{release.name}.ks").exists():
            raise UserError(
                f"{iso} installs {release.name}, on which the cluster engine of this site file does not run.",
                todo="Name another engine in [pair], or take another release's medium.",
            )
        changes = [*_menus(iso, work, release), ("-map", content, "/asha")]
        changes += _efi_image(iso, work)
        out.unlink(missing_ok=True)
        _done("xorriso", "-indev", iso, "-outdev", out, "-boot_image", "any", "replay", *sum(changes, ()))
    out.chmod(0o600)
    # The installer's own check of its medium covers the whole medium, so the checksum is made again.
    _done("implantisomd5", "--force", out)
    return release


def _release(iso: Path, work: Path) -> Release:
    info = _extract(iso, "/.treeinfo", work)
    if info is None:
        raise UserError(f"{iso} is no installation medium of Enterprise Linux: it has no .treeinfo.")
    tree = configparser.ConfigParser(interpolation=None)
    try:
        tree.read_string(info.read_text(errors="replace"))
    except configparser.Error:
        tree.clear()
    version = tree.get("general", "version", fallback="") or tree.get("release", "version", fallback="")
    major = re.match(r"\d+", version)
    release = RELEASE_BY_NAME.get(f"el{major[0]}") if major else None
    if release is None:
        raise UserError(
            f"{iso} has version '{version}' of its distribution, and asha has kickstart files for "
            f"{', '.join(RELEASE_BY_NAME)}."
        )
    return release


def _menus(iso: Path, work: Path, release: Release) -> list[tuple[str | Path, ...]]:
    """Return xorriso's arguments for each boot menu of `iso`, after changing the menus."""
    words: list[tuple[str | Path, ...]] = []
    for path in (_ISOLINUX, _GRUB_OF_EFI, _GRUB_OF_BIOS):
        menu = _extract(iso, path, work)
        if menu is None:
            continue
        add = with_isolinux_entries if path == _ISOLINUX else with_grub_entries
        try:
            text = add(menu.read_text(errors="surrogateescape"), release)
        except NoInstallEntry:
            raise UserError(
                f"{iso} has no entry that installs in its {path}, to make ours like it."
            ) from None
        menu.write_text(text, errors="surrogateescape")
        words.append(("-map", menu, path))
    if not words:
        raise UserError(f"{iso} has no boot menu that is known: none of isolinux.cfg and grub.cfg.")
    return words


def _efi_image(iso: Path, work: Path) -> list[tuple[str | Path, ...]]:
    """Return xorriso's arguments for the changed FAT image that UEFI firmware boots from.

    The image has a grub.cfg of its own, which is the one that counts. Up to EL8 the image is a file of the
    ISO; later it is a partition behind the ISO, and maybe a file too.
    """
    menu = work / Path(_GRUB_OF_EFI).relative_to("/")
    if not menu.exists():
        return []
    words: list[tuple[str | Path, ...]] = []
    image = _extract(iso, _EFI_IMAGE, work)
    if image is not None:
        _put_menu(menu, image)
        words.append(("-map", image, _EFI_IMAGE))
    _done("xorriso", "-osirrox", "on", "-indev", iso, "-extract_boot_images", work / "boot")
    partition = next((work / "boot").glob("gpt_part2_efi.img"), None) or next(
        (work / "boot").glob("mbr_part2_efi.img"), None
    )
    if partition is not None:
        _put_menu(menu, partition)
        words.append(("-append_partition", "2", _EFI_PARTITION, partition))
    return words


def _put_menu(menu: Path, image: Path) -> None:
    image.chmod(0o600)
    _done("mcopy", "-o", "-D", "o", "-i", image, menu, "::/EFI/BOOT/grub.cfg")


def _is_iso(path: Path) -> bool:
    """Return True when the first volume descriptor is where ISO 9660 has it."""
    with path.open("rb") as file:
        file.seek(16 * 2048 + 1)
        return file.read(5) == b"CD001"


def _extract(iso: Path, path: str, work: Path) -> Path | None:
    """Extract the file `path` of `iso`, writable, below `work`; return None when there is no such file."""
    target = work / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    run(["xorriso", "-osirrox", "on", "-indev", iso, "-extract", path, target], deadline=_PATIENCE)
    if not target.exists():
        return None
    target.chmod(0o600)
    return target


def _done(*argv: str | Path) -> None:
    done = run(argv, deadline=_PATIENCE)
    if done.code != 0:
        raise HostError(f"{argv[0]} failed:\n{_last_words(done)}")


def _last_words(done: Finished) -> str:
    return "\n".join((done.error.strip() or done.output.strip() or done.explain()).splitlines()[-5:])
