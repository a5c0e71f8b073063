"""The word for a boot stays the same within it."""

from __future__ import annotations

from pathlib import Path

from appliance.host.boot import boot_identity


def test_it_names_this_boot() -> None:
    kernel = Path("/proc/sys/kernel/random/boot_id").read_text()
    assert boot_identity() == boot_identity()
    assert boot_identity().split("-")[0] == kernel[:8] and boot_identity().split("-")[1].isdigit()


def test_another_boot_and_another_first_process_are_another(tmp_path: Path) -> None:
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "1").mkdir()
    words = set()
    for boot, start in (("aaaaaaaa-1", 5), ("bbbbbbbb-1", 5), ("bbbbbbbb-1", 700)):
        (tmp_path / "sys/kernel/random/boot_id").write_text(boot)
        (tmp_path / "1/stat").write_text(f"1 (an (odd) init) S {' '.join(map(str, range(18)))} {start} 0\n")
        words.add(boot_identity(tmp_path))
    assert len(words) == 3 and "" not in words
    (tmp_path / "1/stat").unlink()
    assert boot_identity(tmp_path) == ""
