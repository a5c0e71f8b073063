"""Stand-ins for a distribution's installation media: boot records, menus and .treeinfo have the shape of real ones."""

from __future__ import annotations

import subprocess
from pathlib import Path

EFI_SYSTEM = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
_BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"

ISOLINUX_5 = """default linux
prompt 1
timeout 600
display boot.msg
F1 boot.msg
label linux
  kernel vmlinuz
  append initrd=initrd.img
label text
  kernel vmlinuz
  append initrd=initrd.img text
label rescue
  kernel vmlinuz
  append initrd=initrd.img rescue
label local
  localboot 1
"""
ISOLINUX = """default vesamenu.c32
timeout 600
menu title {product}

label linux
  menu label ^Install {product}
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL={label} quiet

label check
  menu label Test this ^media & install {product}
  menu default
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL={label} rd.live.check quiet

menu begin ^Troubleshooting
label rescue
  menu label ^Rescue a {product} system
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL={label} rescue quiet
menu end
"""
GRUB = """set default="1"
set timeout=60
search --no-floppy --set=root -l '{volume}'

menuentry 'Install {product}' --class fedora --class gnu-linux {{
\tlinux{efi} /images/pxeboot/vmlinuz inst.stage2=hd:LABEL={label} quiet
\tinitrd{efi} /images/pxeboot/initrd.img
}}
menuentry 'Test this media & install {product}' --class fedora --class gnu-linux {{
\tlinux{efi} /images/pxeboot/vmlinuz inst.stage2=hd:LABEL={label} rd.live.check quiet
\tinitrd{efi} /images/pxeboot/initrd.img
}}
submenu 'Troubleshooting -->' {{
\tmenuentry 'Rescue a {product} system' --class fedora {{
\t\tlinux{efi} /images/pxeboot/vmlinuz inst.stage2=hd:LABEL={label} inst.rescue quiet
\t\tinitrd{efi} /images/pxeboot/initrd.img
\t}}
}}
"""


def make_medium(folder: Path, major: int, *, treeinfo: str | None = None) -> Path:
    """An ISO of about a megabyte in `folder` that is laid out like the DVD of that release."""
    tree = folder / "tree"
    names = {
        "product": f"CentOS {major}",
        "volume": f"CentOS {major} x86_64",
        "label": rf"CentOS\x20{major}\x20x86_64",
    }
    _write(tree / "CentOS/packages.txt", "the distribution's own\n")
    if treeinfo is None:
        treeinfo = f"[general]\nfamily = CentOS\nversion = {major}.4\n"
    if treeinfo:
        _write(tree / ".treeinfo", treeinfo)
    bios = "images/eltorito.img" if major >= 10 else "isolinux/isolinux.bin"
    _write(tree / bios, "boots by BIOS\n" * 300)
    if major >= 10:
        _write(tree / "boot/grub2/grub.cfg", GRUB.format(**names, efi=""))
    else:
        _write(tree / "isolinux/isolinux.cfg", ISOLINUX_5 if major == 5 else ISOLINUX.format(**names))
    if major > 5:
        menu = GRUB.format(**names, efi="efi" if major < 9 else "")
        _write(tree / "EFI/BOOT/grub.cfg", menu)
        _efi_image(folder, tree / "EFI/BOOT/grub.cfg")
    out = folder / f"distribution-{major}.iso"
    argv = ["xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-V", names["volume"], "-o", out]
    subprocess.run(
        [*argv, *_boot(folder, tree, bios, major), tree], check=True, timeout=60, capture_output=True
    )
    return out


def _boot(folder: Path, tree: Path, bios: str, major: int) -> list[str | Path]:
    """Up to EL8 the EFI image is a file; from EL9 on a partition behind the file system."""
    words: list[str | Path] = ["-b", bios, "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4"]
    words += ["-boot-info-table"]
    if major == 5:
        return words
    image = folder / "efi.img"
    if major < 9:
        (tree / "images").mkdir(exist_ok=True)
        (tree / "images/efiboot.img").write_bytes(image.read_bytes())
        return [
            *words,
            "-eltorito-alt-boot",
            "-e",
            "images/efiboot.img",
            "-no-emul-boot",
            "-isohybrid-gpt-basdat",
        ]
    return [
        *("-partition_offset", "16", "-appended_part_as_gpt", "-append_partition", "2", EFI_SYSTEM, image),
        *("-iso_mbr_part_type", _BASIC_DATA, *words),
        *("-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot"),
    ]


def _efi_image(folder: Path, menu: Path) -> None:
    image = folder / "efi.img"
    with image.open("wb") as file:
        file.truncate(1440 * 1024)
    for argv in (
        ["mformat", "-i", image, "-f", "1440", "::"],
        ["mmd", "-i", image, "::/EFI", "::/EFI/BOOT"],
        ["mcopy", "-i", image, menu, "::/EFI/BOOT/grub.cfg"],
    ):
        subprocess.run(argv, check=True, timeout=20, capture_output=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
